import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isHoldfastError } from '../../core/base/errors.ts';
import { type CommandIo, EXIT, UsageError } from '../command-io.ts';
import { chooseRestorePoint, describeRestore, runRestore } from '../restore/run-restore.ts';
import { formatBytes, formatTime } from './figures.ts';
import { openClient, statePathOf, TERMINAL_RETRY_MS } from './open-client.ts';
import { terminalLog } from './terminal-log.ts';

export const RESTORE_HELP = `holdfast restore SNAPSHOT|latest --target DIR [--include PATH …] [--grant ID] [--overwrite] [--state DIR] [--json]

Restores a restore point of this machine, or parts of it, into a folder. What is there already is kept.
  --include PATH   absolute path as it was backed up; a folder stands for all in it; may be given several times
  --grant ID       permission from the portal, where the policy does not let the machine restore by itself
  --overwrite      replace files that differ
Exit code 0: everything restored; 3: some files were kept or damaged, they are named; 1: failed.`;

export async function restoreCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      target: { type: 'string' },
      include: { type: 'string', multiple: true, default: [] },
      grant: { type: 'string' },
      overwrite: { type: 'boolean', default: false },
      state: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    io.out(RESTORE_HELP);
    return EXIT.done;
  }
  const [reference, ...more] = positionals;
  if (reference === undefined || more.length > 0) throw new UsageError('name one restore point, or "latest"');
  if (values.target === undefined) throw new UsageError('the folder to restore to is missing: --target DIR');
  for (const path of values.include)
    if (!path.startsWith('/')) throw new UsageError(`--include needs an absolute path, not "${path}"`);
  const targetPath = resolve(values.target);
  const statePath = statePathOf(io, values.state);
  const log = terminalLog(io);
  const { identity, client } = await openClient(io, log, statePath, TERMINAL_RETRY_MS);
  try {
    const { snapshots } = await client.snapshots({ signal: io.signal });
    const point = chooseRestorePoint(snapshots, reference);
    if (!values.json) io.out(`Restoring ${point.snapshotId.slice(0, 8)}, the data of ${formatTime(point.captureMs)}.`);
    const result = await runRestore({
      statePath,
      identity,
      client,
      log,
      snapshotId: point.snapshotId,
      targetPath,
      include: values.include,
      overwrite: values.overwrite ? 'if-different' : 'refuse',
      signal: io.signal,
      ...(values.grant === undefined ? {} : { grantId: values.grant }),
      onProgress: ({ filesDone, filesTotal, bytesDone, bytesTotal }) =>
        io.progress?.(`${filesDone} of ${filesTotal} files, ${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`),
    }).catch((error: unknown) => {
      if (isHoldfastError(error, 'grant_required') && values.grant === undefined)
        io.err('With a permission from the portal: holdfast restore … --grant ID');
      throw error;
    });
    io.progress?.('');
    if (values.json) io.out(JSON.stringify({ snapshotId: point.snapshotId, targetPath, ...result }));
    else {
      for (const { path, reason } of [...result.damaged, ...result.warnings]) io.err(`${path}: ${reason}`);
      io.out(describeRestore(result, targetPath));
    }
    return result.damaged.length > 0 || result.skipped.length > 0 ? EXIT.partial : EXIT.done;
  } finally {
    client.close();
  }
}
