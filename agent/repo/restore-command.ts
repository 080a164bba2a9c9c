import path from 'node:path';
import { systemClock } from '../../core/base/clock.ts';
import { previewRestore, type RestorePreview } from '../../core/repository/restore/preview-restore.ts';
import {
  restore,
  type RestoreOptions,
  type RestoreProblem,
  type RestoreProgress,
} from '../../core/repository/restore/restore.ts';
import { selectionOf } from '../../core/repository/restore/select-entries.ts';
import { EXIT } from '../command-io.ts';
import { openForReading, openSnapshot } from './open-snapshot.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { bytesText, countText, numberText, printable, progressTeller, secondsText } from './say.ts';

export async function restoreCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const startedMs = systemClock.nowMs();
  const opened = await openForReading(args, io);
  const snapshot = await openSnapshot(opened, args, io, args.positionals[0] ?? 'latest');
  const targetDir = path.resolve(args.target ?? '.');
  const tell = progressTeller(io, args.isJson, systemClock.nowMs);
  const options: RestoreOptions = {
    snapshot,
    targetDir,
    ...selectionOf(args.include, args.exclude),
    overwrite: args.overwrite ?? 'refuse',
    isSparse: args.isSparse,
    verify: args.verify,
    signal: io.signal,
    onProgress: (progress) =>
      tell(
        () => ({ command: 'restore', ...progress }),
        () => progressLine(progress),
      ),
  };
  const about = { snapshotId: snapshot.id, target: targetDir };
  if (args.isPreview) return tellPreview(args, io, await previewRestore(opened.repo, opened.index, options), about);
  const result = await restore(opened.repo, opened.index, options);
  const seconds = (systemClock.nowMs() - startedMs) / 1000;
  const { skipped, damaged, warnings } = result;
  tellProblems(args, io, result);
  if (args.isJson) {
    const { filesRestored: files, bytesRestored: bytes, unchanged, filesVerified } = result;
    const counts = { files, bytes, unchanged, ...(args.verify ? { filesVerified } : {}) };
    tellSummary(io, about, { ...counts, skipped, damaged, warnings }, { seconds });
  } else {
    const { filesRestored: files, bytesRestored: bytes, unchanged, filesVerified } = result;
    io.out(`Restored ${countText(files, 'file')}, ${bytesText(bytes)}, into ${targetDir} in ${secondsText(seconds)}.`);
    if (unchanged > 0) io.out(`${countText(unchanged, 'file was', 'files were')} there already.`);
    if (args.verify) io.out(`${countText(filesVerified, 'file')} read again and found right.`);
    if (damaged.length > 0)
      io.out(`${countText(damaged.length, 'entry', 'entries')} could not be restored whole: see above.`);
    if (skipped.length > 0)
      io.out(
        `${countText(skipped.length, 'file was', 'files were')} there already and kept: see above, and --overwrite.`,
      );
  }
  return damaged.length === 0 && skipped.length === 0 ? EXIT.done : EXIT.partial;
}

function progressLine({ phase, filesDone, filesTotal, bytesDone, bytesTotal }: RestoreProgress): string {
  const done = `${numberText(filesDone)} of ${countText(filesTotal, 'file')}, ${bytesText(bytesDone)} of ${bytesText(bytesTotal)}`;
  return phase === 'verify' ? `Reading again: ${done}` : done;
}

interface Problems {
  readonly skipped: readonly string[];
  readonly damaged: readonly RestoreProblem[];
  readonly warnings: readonly RestoreProblem[];
}

function tellProblems(args: RepoArguments, io: RepoIo, { skipped, damaged, warnings }: Problems): void {
  const kept = skipped.map((place) => ({ path: place, reason: 'It was there already and was kept.' }));
  for (const [type, problems] of Object.entries({ skipped: kept, damaged, warning: warnings })) {
    for (const problem of problems) {
      if (args.isJson) io.out(JSON.stringify({ type, ...problem }));
      else io.err(`${type === 'warning' ? 'Note' : 'Not restored'}: ${printable(problem.path)}: ${problem.reason}`);
    }
  }
  if (!args.isJson && damaged.some(({ reason }) => reason.includes('missing from the repository')))
    io.err('Some data is in no index. When an index file was lost, "holdfast repo repair index" finds its data again.');
}

function tellSummary(
  io: RepoIo,
  about: { readonly snapshotId: string; readonly target: string },
  { skipped, damaged, warnings, ...counts }: Problems & Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>>,
): void {
  const outcome = damaged.length === 0 && skipped.length === 0 ? 'complete' : 'partial';
  const problems = { skipped: skipped.length, damaged: damaged.length, warnings: warnings.length };
  io.out(JSON.stringify({ type: 'summary', command: 'restore', ...about, outcome, ...counts, ...problems, ...more }));
}

const ACTIONS = {
  write: 'restore',
  replace: 'replace',
  same: 'as it is',
  newer: 'newer',
  keep: 'kept',
} as const;

function tellPreview(
  args: RepoArguments,
  io: RepoIo,
  { entries, ...preview }: RestorePreview,
  about: { readonly snapshotId: string; readonly target: string },
): number {
  for (const { path: place, action, bytes } of entries) {
    if (args.isJson) io.out(JSON.stringify({ type: 'planned', path: place, action, bytes }));
    else io.out(`${ACTIONS[action].padEnd(9)} ${printable(place)}`);
  }
  tellProblems(args, io, args.isJson ? preview : { ...preview, skipped: [] });
  const { files, bytes, unchanged, damaged, skipped } = preview;
  if (args.isJson) tellSummary(io, about, preview, { dryRun: true });
  else {
    io.out(
      `Would restore ${countText(files, 'file')}, ${bytesText(bytes)}, into ${about.target}. Nothing was written; the data itself was not read.`,
    );
    if (unchanged > 0) io.out(`${countText(unchanged, 'file is', 'files are')} there already.`);
    if (skipped.length > 0) io.out(`${countText(skipped.length, 'file')} would be kept: see above, and --overwrite.`);
  }
  return damaged.length === 0 && skipped.length === 0 ? EXIT.done : EXIT.partial;
}
