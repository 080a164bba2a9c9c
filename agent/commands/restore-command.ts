import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isHoldfastError } from '../../core/base/errors.ts';
import { overwriteRuleOf } from '../../core/filesystem/overwrite-rule.ts';
import type { RestorePreview } from '../../core/repository/restore/preview-restore.ts';
import { selectionOf } from '../../core/repository/restore/select-entries.ts';
import { type CommandIo, EXIT, UsageError } from '../command-io.ts';
import {
  chooseRestorePoint,
  describeRestore,
  endOfRestore,
  previewRun,
  runRestore,
  type RunRestoreOptions,
} from '../restore/run-restore.ts';
import { tellEnd } from '../restore/tell-end.ts';
import { formatBytes, formatTime } from './figures.ts';
import { openClient, statePathOf, TERMINAL_RETRY_MS } from './open-client.ts';
import { printable } from '../repo/say.ts';
import { terminalLog } from './terminal-log.ts';

export const RESTORE_HELP = `holdfast restore SNAPSHOT|latest --target DIR [options]

Restores a restore point of this machine, or parts of it, into a folder. After an interruption, the same command completes
what is missing.
  --include PATTERN  only what matches, with all below it; may be given several times: a path as it was backed up, or
                     "*.pdf" anywhere; * ? [a-z] stay within a name, ** stands for any number of folders
  --exclude PATTERN  leave out what matches; may be given several times, and wins over --include
  --overwrite RULE   what to do with files that are there: refuse (the default: keep them, and say so when they are not
                     the same), if-changed (replace those of another size or time), if-newer (replace those that are
                     older than the backup's), always
  --verify           read every file again and compare it with the backup
  --no-sparse        let zeros take room on the disk
  --dry-run          only tell what would be done
  --grant ID         permission from the portal, where the policy does not let the machine restore by itself
  --state DIR, --json
Exit code 0: everything restored; 3: some files were kept or damaged, they are named; 1: failed.`;

export async function restoreCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      target: { type: 'string' },
      include: { type: 'string', multiple: true, default: [] },
      grant: { type: 'string' },
      exclude: { type: 'string', multiple: true, default: [] },
      overwrite: { type: 'string', default: 'refuse' },
      verify: { type: 'boolean', default: false },
      'no-sparse': { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
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
  const overwrite = overwriteRuleOf(values.overwrite);
  if (overwrite === undefined) throw new UsageError('--overwrite is one of refuse, if-changed, if-newer, always');
  const targetPath = resolve(values.target);
  const statePath = statePathOf(io, values.state);
  const log = terminalLog(io);
  const { identity, client } = await openClient(io, log, statePath, TERMINAL_RETRY_MS);
  try {
    const { snapshots } = await client.snapshots({ signal: io.signal });
    const point = chooseRestorePoint(snapshots, reference);
    if (!values.json) io.out(`Restoring ${point.snapshotId.slice(0, 8)}, the data of ${formatTime(point.captureMs)}.`);
    const options: RunRestoreOptions = {
      statePath,
      identity,
      client,
      log,
      snapshotId: point.snapshotId,
      targetPath,
      include: [],
      ...selectionOf(values.include, values.exclude),
      overwrite,
      verify: values.verify,
      isSparse: !values['no-sparse'],
      signal: io.signal,
      ...(values.grant === undefined ? {} : { grantId: values.grant }),
      onProgress: ({ phase, filesDone, filesTotal, bytesDone, bytesTotal }) =>
        io.progress?.(
          `${phase === 'verify' ? 'Reading again: ' : ''}${filesDone} of ${filesTotal} files, ${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`,
        ),
    };
    const hintAtGrant = (error: unknown): never => {
      if (isHoldfastError(error, 'grant_required') && values.grant === undefined)
        io.err('With a permission from the portal: holdfast restore … --grant ID');
      throw error;
    };
    if (values['dry-run']) return tellPreview(io, values.json, await previewRun(options).catch(hintAtGrant), options);
    const result = await tellEnd(
      { client, log, signal: io.signal },
      async (onGrant) => await runRestore({ ...options, onGrant }),
      (done) => endOfRestore(done, targetPath),
    ).catch(hintAtGrant);
    io.progress?.('');
    if (values.json) io.out(JSON.stringify({ snapshotId: point.snapshotId, targetPath, ...result }));
    else {
      for (const { path, reason } of [...result.damaged, ...result.warnings]) io.err(`${path}: ${reason}`);
      io.out(describeRestore(result, targetPath));
      if (values.verify) io.out(`${result.filesVerified} files read again and found right.`);
    }
    return result.damaged.length > 0 || result.skipped.length > 0 ? EXIT.partial : EXIT.done;
  } finally {
    client.close();
  }
}

/** One line an entry that would be written or kept; what is there already is counted. */
function tellPreview(
  io: CommandIo,
  isJson: boolean,
  preview: RestorePreview,
  { snapshotId, targetPath }: RunRestoreOptions,
): number {
  const { entries, files, bytes, unchanged, skipped, damaged, warnings } = preview;
  if (isJson) io.out(JSON.stringify({ dryRun: true, snapshotId, targetPath, ...preview }));
  else {
    const words = { write: 'restore', replace: 'replace', keep: 'kept', same: '', newer: '' };
    for (const { path, action } of entries)
      if (words[action] !== '') io.out(`${words[action].padEnd(8)} ${printable(path)}`);
    for (const { path, reason } of [...damaged, ...warnings]) io.err(`${printable(path)}: ${reason}`);
    io.out(
      `Would restore ${files} files, ${formatBytes(bytes)}, to ${targetPath}; ${unchanged} are there already. Nothing was written.`,
    );
  }
  return damaged.length > 0 || skipped.length > 0 ? EXIT.partial : EXIT.done;
}
