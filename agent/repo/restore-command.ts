import path from 'node:path';
import { systemClock } from '../../core/base/clock.ts';
import type { OverwriteRule } from '../../core/filesystem/safe-writer.ts';
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { loadSnapshot } from '../../core/repository/repository.ts';
import { restore, type RestoreProblem, type RestoreResult } from '../../core/repository/restore/restore.ts';
import { EXIT, UsageError } from '../command-io.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { bytesText, countText, printable, progressTeller, secondsText } from './say.ts';
import { openStandalone } from './standalone-repository.ts';

const RULES: readonly OverwriteRule[] = ['refuse', 'if-different', 'always'];

export async function restoreCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const startedMs = systemClock.nowMs();
  const overwrite = RULES.find((rule) => rule === (args.overwrite ?? 'refuse'));
  if (overwrite === undefined) throw new UsageError(`--overwrite is one of ${RULES.join(', ')}.`);
  const repo = await openStandalone(args);
  const snapshot = await loadSnapshot(repo, args.positionals[0] ?? 'latest');
  const target = path.resolve(args.target ?? '.');
  const tell = progressTeller(io, args.isJson, systemClock.nowMs);
  const result = await restore(repo, await BlobIndex.load(repo), {
    snapshot,
    targetDir: target,
    ...(args.include.length === 0 ? {} : { include: args.include }),
    overwrite,
    signal: io.signal,
    onProgress: (progress) =>
      tell(
        () => ({ command: 'restore', ...progress }),
        () =>
          `${progress.filesDone.toLocaleString('en')} of ${countText(progress.filesTotal, 'file')}, ${bytesText(progress.bytesDone)} of ${bytesText(progress.bytesTotal)}`,
      ),
  });
  const isWhole = result.damaged.length === 0 && result.skipped.length === 0;
  tellResult(args, io, result, snapshot.id, target, (systemClock.nowMs() - startedMs) / 1000);
  return isWhole ? EXIT.done : EXIT.partial;
}

function tellResult(
  args: RepoArguments,
  io: RepoIo,
  result: RestoreResult,
  snapshotId: string,
  target: string,
  seconds: number,
): void {
  const skipped = result.skipped.map(
    (place): RestoreProblem => ({ path: place, reason: 'It was there already and was kept.' }),
  );
  const lists = { skipped, damaged: result.damaged, warning: result.warnings };
  for (const [type, problems] of Object.entries(lists)) {
    for (const problem of problems) {
      if (args.isJson) io.out(JSON.stringify({ type, ...problem }));
      else io.err(`${type === 'warning' ? 'Note' : 'Not restored'}: ${printable(problem.path)}: ${problem.reason}`);
    }
  }
  const isWhole = result.damaged.length === 0 && skipped.length === 0;
  const { filesRestored: files, bytesRestored: bytes } = result;
  if (args.isJson) {
    const counts = { skipped: skipped.length, damaged: result.damaged.length, warnings: result.warnings.length };
    const outcome = isWhole ? 'complete' : 'partial';
    io.out(
      JSON.stringify({
        type: 'summary',
        command: 'restore',
        snapshotId,
        target,
        outcome,
        files,
        bytes,
        ...counts,
        seconds,
      }),
    );
    return;
  }
  io.out(`Restored ${countText(files, 'file')}, ${bytesText(bytes)}, into ${target} in ${secondsText(seconds)}.`);
  if (result.damaged.length > 0)
    io.out(`${countText(result.damaged.length, 'entry', 'entries')} could not be restored whole: see above.`);
  if (skipped.length > 0)
    io.out(
      `${countText(skipped.length, 'file was', 'files were')} there already and kept: see above, and --overwrite.`,
    );
}
