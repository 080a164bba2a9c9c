import { HoldfastError } from '../../core/base/errors.ts';
import { prefixReadStore } from '../../core/storage/prefix-store.ts';
import { failDownload } from '../../server/downloads/fail-download.ts';
import {
  beginDownload,
  type DownloadWork,
  finishDownload,
  recordDownloadProgress,
} from '../../server/downloads/prepare-download.ts';
import { finalMessage } from '../final-message.ts';
import type { JobContext, JobHandler } from '../job-context.ts';
import { ProgressWriter } from '../progress-writer.ts';
import { runInSandbox } from '../sandbox/run-in-sandbox.ts';

const WALL_CLOCK_MS = 30 * 60_000;
export const DOWNLOAD_LIMITS = {
  /** Of the files, before zip. A whole machine is restored by its agent, not through a browser. */
  bytesMax: 20 * 1024 ** 3,
  entriesMax: 200_000,
} as const;
/** A zip of files that do not shrink is larger than they are, by its directory. */
const ZIP_SPARE_BYTES = 256 * 1024 * 1024;

/** Writes a file, or a folder as zip, into the store for one person to fetch. */
export const prepareDownload: JobHandler<'prepare-download'> = async (context, { downloadId }) => {
  const { services, claim } = context;
  try {
    const work = await beginDownload(services, claim, downloadId);
    if (work !== undefined) await prepare(context, work);
  } catch (error) {
    // What will not be better at another attempt is told at once.
    const message = finalMessage(error);
    if (message === undefined) throw error;
    await failDownload(services, claim.scope, downloadId, message);
  }
};

async function prepare({ services, claim, signal, log }: JobContext, work: DownloadWork): Promise<void> {
  let bytesDone = 0;
  let size = 0;
  let firstByteMs: number | null = null;
  const progress = new ProgressWriter(async () => await recordDownloadProgress(services, claim, work.id, bytesDone));
  // An earlier attempt may have left its object; the store never replaces one.
  await services.store.remove(work.objectKey);
  const { path, password, snapshotId, treeId, kind } = work;
  const end = await runInSandbox({
    task: { kind: 'download', path, password, snapshotId, treeId, as: kind, ...DOWNLOAD_LIMITS },
    store: prefixReadStore(services.store, work.vaultPrefix),
    wallClockMs: WALL_CLOCK_MS,
    outputBytesMax: DOWNLOAD_LIMITS.bytesMax + ZIP_SPARE_BYTES,
    onProgress: (now) => {
      bytesDone = now.bytesDone;
      progress.touch();
    },
    takeOutput: async (pieces) => {
      const counted = async function* () {
        for await (const piece of pieces) {
          firstByteMs ??= services.clock.nowMs();
          size += piece.length;
          yield piece;
        }
      };
      const answer = await services.store.createFrom(work.objectKey, counted());
      if (answer === 'exists') throw new HoldfastError('conflict', 'Another worker prepares this download.');
    },
    signal,
    log,
  });
  await progress.settle();
  if (end.kind === 'refused') throw new HoldfastError(end.code, end.message);
  if (end.kind === 'broken')
    throw new HoldfastError(
      end.reason === 'cancelled' ? 'cancelled' : 'internal',
      'The download could not be prepared. Try again.',
    );
  await finishDownload(services, claim, work, { size, firstByteMs });
}
