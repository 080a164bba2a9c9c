import { parseArgs } from 'node:util';
import pino from 'pino';
import { type CommandIo, EXIT } from '../command-io.ts';
import { runDaemon } from '../daemon/daemon.ts';
import { openClient, statePathOf } from './open-client.ts';

export const RUN_HELP = `holdfast run [--state DIR]

Runs as a service: heartbeats, backups by the policy, restores that the portal grants. Logs JSON lines to the standard
output. Stops within seconds on Ctrl-C or SIGTERM; a backup that is under way then continues with the next one.`;

export async function runCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { state: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) {
    io.out(RUN_HELP);
    return EXIT.done;
  }
  const log = pino({ level: io.env.logLevel, base: { program: 'agent' } }, { write: (line) => io.out(line.trimEnd()) });
  const statePath = statePathOf(io, values.state);
  const { identity, client } = await openClient(io, log, statePath);
  try {
    await runDaemon({ statePath, identity, client, log, signal: io.signal, searchPath: io.env.searchPath });
  } finally {
    client.close();
  }
  return EXIT.done;
}
