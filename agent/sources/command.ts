/** The output of a command, kept when it ended with exit code 0 and wrote something. */
import type { CommandSource } from '../../core/domain/backup-source.ts';
import { sourceFolder } from '../../core/domain/source-words.ts';
import { checkedStream } from './dump-stream.ts';
import { assertAllowed } from './find-program.ts';
import { startProgram } from './run-program.ts';
import type { StreamSource } from '../../core/repository/backup/stream-source.ts';
import type { SourceContext } from './source-context.ts';

/** @throws HoldfastError forbidden when the machine has not allowed the program; source_missing when there is none. */
export async function commandStreams(source: CommandSource, context: SourceContext): Promise<StreamSource[]> {
  const [program = '', ...args] = source.argv;
  await assertAllowed(program, context.allowedListPath);
  const path = `${sourceFolder(source)}/${source.fileName}`;
  const about = {
    kind: 'command',
    label: source.label,
    database: null,
    serverVersion: null,
    clientVersion: null,
  } as const;
  const open = async (): ReturnType<StreamSource['open']> => {
    await Promise.resolve();
    const producer = startProgram({
      program,
      args,
      searchPath: context.searchPath,
      timeLimitMs: source.timeLimitMinutes * 60_000,
      signal: context.signal,
      title: `The command ${source.label}`,
    });
    producer.input.end();
    return checkedStream({ path, about, producer, onWhole: context.onWhole });
  };
  return [{ path, open }];
}
