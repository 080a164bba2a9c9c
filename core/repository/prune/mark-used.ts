/** Which blobs the snapshots need: one byte a blob, and each folder listing is read once. */
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import type { BlobIndex } from '../blob-index.ts';
import type { BlobReader } from '../blob-reader.ts';
import { damagedRepository } from '../format/damage.ts';
import type { SnapshotWithId } from '../types.ts';

export interface MarkOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (snapshotsDone: number, snapshotsTotal: number) => void;
}

/**
 * By entry number of the index: 1 for the first copy of every blob that is needed.
 * @throws HoldfastError repository_damaged when a needed blob is in no index, or a listing cannot be read; cancelled.
 */
export async function markUsed(
  reader: BlobReader,
  index: BlobIndex,
  snapshots: readonly SnapshotWithId[],
  options: MarkOptions = {},
): Promise<Uint8Array> {
  const used = new Uint8Array(index.size);
  const missing = (id: string, snapshot: SnapshotWithId): Error =>
    damagedRepository(
      `Snapshot ${snapshot.id.slice(0, 8)} needs data that is in no index (${id.slice(0, 8)}). Nothing was removed. Run a check, and "repair index" if packs are in no index.`,
    );
  for (const [done, snapshot] of snapshots.entries()) {
    const waiting = [snapshot.tree];
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const entry = index.entryOf(id, 'tree');
      if (entry === undefined) throw missing(id, snapshot);
      if (used[entry] === 1) continue;
      used[entry] = 1;
      if (options.signal?.aborted) throw new HoldfastError('cancelled', 'Stopped before anything was changed.');
      for (const { content, subtree } of await treeOf(reader, id, snapshot)) {
        for (const blobId of content ?? []) {
          const blob = index.entryOf(blobId, 'data');
          if (blob === undefined) throw missing(blobId, snapshot);
          used[blob] = 1;
        }
        if (subtree !== undefined) waiting.push(subtree);
      }
    }
    options.onProgress?.(done + 1, snapshots.length);
  }
  return used;
}

async function treeOf(reader: BlobReader, id: string, snapshot: SnapshotWithId): ReturnType<BlobReader['tree']> {
  try {
    return await reader.tree(id);
  } catch (error) {
    if (!isHoldfastError(error, 'repository_damaged')) throw error;
    throw damagedRepository(
      `A folder of snapshot ${snapshot.id.slice(0, 8)} cannot be read, so that nobody knows what it needs. Nothing was removed. Run a check; "repair snapshots" makes a snapshot without it.`,
      error,
    );
  }
}
