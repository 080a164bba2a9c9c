import { systemClock } from '../../core/base/clock.ts';
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { copySnapshots, type CopyResult } from '../../core/repository/copy/copy-snapshots.ts';
import { listSnapshots } from '../../core/repository/repository.ts';
import { EXIT } from '../command-io.ts';
import { chooseSnapshots } from './choose-snapshots.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { bytesText, countText, numberText, progressTeller, secondsText } from './say.ts';
import { openSource, openStandalone } from './standalone-repository.ts';
import { whileLocked } from './while-locked.ts';
import { snapshotFilter } from './write-arguments.ts';

export async function copyCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const startedMs = systemClock.nowMs();
  const source = await openSource(args);
  const target = await openStandalone(args);
  const tell = progressTeller(io, args.isJson, systemClock.nowMs);
  const result = await whileLocked(source, io, 'shared', async (sourceSignal) =>
    whileLocked(target, io, 'shared', async (targetSignal) =>
      copySnapshots(source, target, {
        snapshots: await chooseSnapshots(source, args.positionals, snapshotFilter(args.values)),
        sourceIndex: await BlobIndex.load(source),
        existing: (await listSnapshots(target)).snapshots,
        index: await BlobIndex.load(target),
        signal: AbortSignal.any([sourceSignal, targetSignal]),
        onProgress: (progress) =>
          tell(
            () => ({ command: 'copy', ...progress }),
            () =>
              `snapshot ${progress.snapshotsDone + 1} of ${progress.snapshotsTotal}: ${numberText(progress.blobsDone)} of ${countText(progress.blobsTotal, 'piece')}`,
          ),
      }),
    ),
  );
  tellResult(args, io, result, (systemClock.nowMs() - startedMs) / 1000);
  return result.failed.length === 0 ? EXIT.done : EXIT.partial;
}

function tellResult(args: RepoArguments, io: RepoIo, result: CopyResult, seconds: number): void {
  const { copied, failed, blobs, storedBytes } = result;
  const fresh = copied.filter(({ wasThere }) => !wasThere);
  if (args.isJson) {
    for (const line of copied) io.out(JSON.stringify({ type: 'copied', ...line }));
    for (const line of failed) io.out(JSON.stringify({ type: 'failed', ...line }));
    const counts = { copied: fresh.length, skipped: copied.length - fresh.length, failed: failed.length };
    io.out(JSON.stringify({ type: 'summary', command: 'copy', ...counts, blobs, bytesStored: storedBytes, seconds }));
    return;
  }
  for (const { sourceId, targetId, wasThere } of copied)
    io.out(
      wasThere
        ? `Snapshot ${sourceId.slice(0, 8)} is there already, as ${targetId.slice(0, 8)}.`
        : `Snapshot ${sourceId.slice(0, 8)} copied, as ${targetId.slice(0, 8)}.`,
    );
  for (const { sourceId, message } of failed) io.err(`Snapshot ${sourceId.slice(0, 8)} not copied: ${message}`);
  io.out(`${countText(fresh.length, 'snapshot')} copied, ${bytesText(storedBytes)} stored in ${secondsText(seconds)}.`);
}
