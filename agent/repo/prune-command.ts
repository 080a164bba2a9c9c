import { systemClock } from '../../core/base/clock.ts';
import { prune } from '../../core/repository/prune/prune.ts';
import type { OpenRepository } from '../../core/repository/types.ts';
import type { ObjectStore } from '../../core/storage/port.ts';
import { EXIT } from '../command-io.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { bytesText, countText, numberText, progressTeller, secondsText } from './say.ts';
import { openStandalone } from './standalone-repository.ts';
import { whileLocked } from './while-locked.ts';
import { pruneOptions } from './write-arguments.ts';

export async function pruneCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const isDryRun = args.values['dry-run'] === true;
  pruneOptions(args.values); // wrong ones are refused before the repository is opened
  const repo = await openStandalone(args);
  await whileLocked(repo, io, isDryRun ? 'shared' : 'exclusive', (signal) =>
    pruneAndTell(repo, args, io, signal, { isDryRun }),
  );
  return EXIT.done;
}

/** The caller holds the lock. @throws what `prune` throws. */
export async function pruneAndTell(
  repo: OpenRepository & { readonly store: ObjectStore },
  args: RepoArguments,
  io: RepoIo,
  signal: AbortSignal,
  options: { readonly isDryRun: boolean; readonly withoutSnapshots?: ReadonlySet<string> },
): Promise<void> {
  const { isDryRun } = options;
  const startedMs = systemClock.nowMs();
  const tell = progressTeller(io, args.isJson, systemClock.nowMs);
  const result = await prune(repo, {
    ...options,
    ...pruneOptions(args.values),
    signal,
    onProgress: (progress) =>
      tell(
        () => ({ command: 'prune', ...progress }),
        () =>
          `${progress.phase}: ${numberText(progress.done)}${progress.total > 0 ? ` of ${numberText(progress.total)}` : ''}`,
      ),
  });
  const seconds = (systemClock.nowMs() - startedMs) / 1000;
  if (args.isJson) {
    io.out(JSON.stringify({ type: 'summary', command: 'prune', isDryRun, ...result, seconds }));
    return;
  }
  const { usedBytes, unusedBytes, duplicateBytes, removedPacks, removedBytes, repackedPacks, repackedBytes } = result;
  io.out(`${bytesText(usedBytes)} are needed, ${bytesText(unusedBytes + duplicateBytes)} are not.`);
  io.out(
    `${countText(removedPacks, 'pack')} (${bytesText(removedBytes)}) ${isDryRun ? 'would be' : 'were'} removed, ${countText(repackedPacks, 'pack')} (${bytesText(repackedBytes)}) ${isDryRun ? 'would be' : 'were'} written anew without what nobody needs.`,
  );
  if (!isDryRun)
    io.out(
      `${bytesText(removedBytes + repackedBytes - result.writtenBytes)} freed in ${secondsText(seconds)}; ${bytesText(result.unusedBytesAfter)} stay though nothing needs them.`,
    );
}
