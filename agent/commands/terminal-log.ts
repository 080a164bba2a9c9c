import { publicMessage } from '../../core/base/errors.ts';
import type { Log } from '../../core/base/log.ts';
import type { CommandIo } from '../command-io.ts';

/** Foreground commands show warnings as sentences; the rest is for the daemon's log. */
export function terminalLog(io: CommandIo): Log {
  const show = (fields: object, message: string): void => {
    const cause = 'err' in fields && fields.err instanceof Error ? ` (${publicMessage(fields.err)})` : '';
    io.err(`note: ${message}${cause}`);
  };
  const nothing = (): void => undefined;
  // Errors are thrown or reported as the command's result; saying them twice helps nobody.
  return { debug: nothing, info: nothing, warn: show, error: nothing };
}
