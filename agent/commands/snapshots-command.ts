import { parseArgs } from 'node:util';
import { type CommandIo, EXIT } from '../command-io.ts';
import { formatBytes, formatTime } from './figures.ts';
import { openClient, statePathOf, TERMINAL_RETRY_MS } from './open-client.ts';
import { terminalLog } from './terminal-log.ts';

export const SNAPSHOTS_HELP = `holdfast snapshots [--json] [--state DIR]

This machine's restore points, newest first, as the service has sealed them.`;

export async function snapshotsCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      state: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    io.out(SNAPSHOTS_HELP);
    return EXIT.done;
  }
  const { client } = await openClient(io, terminalLog(io), statePathOf(io, values.state), TERMINAL_RETRY_MS);
  try {
    const { snapshots } = await client.snapshots({ signal: io.signal });
    if (values.json) {
      for (const point of snapshots) io.out(JSON.stringify(point));
    } else if (snapshots.length === 0) {
      io.out('No restore point yet.');
    } else {
      io.out(`${'Snapshot'.padEnd(10)}${'Data of'.padEnd(18)}${'Files'.padStart(9)}${'Size'.padStart(11)}  State`);
      for (const point of snapshots) {
        const proof = point.levelVerified === null ? '' : `, checked at level ${point.levelVerified}`;
        io.out(
          `${point.snapshotId.slice(0, 8).padEnd(10)}${formatTime(point.captureMs).padEnd(18)}${String(point.files).padStart(9)}${formatBytes(point.bytes).padStart(11)}  ${point.state}${proof}`,
        );
      }
    }
    return EXIT.done;
  } finally {
    client.close();
  }
}
