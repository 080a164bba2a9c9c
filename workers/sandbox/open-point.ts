import { HoldfastError } from '../../core/base/errors.ts';
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { BlobReader } from '../../core/repository/blob-reader.ts';
import { openRepository, readSnapshot } from '../../core/repository/repository.ts';
import type { OpenRepository, SnapshotWithId } from '../../core/repository/types.ts';
import type { ReadStore } from '../../core/storage/port.ts';

export interface OpenPoint {
  readonly repo: OpenRepository;
  readonly snapshot: SnapshotWithId;
  readonly index: BlobIndex;
  readonly reader: BlobReader;
}

/**
 * Opens the repository and the snapshot of a restore point.
 * @throws HoldfastError repository_damaged also when the snapshot is not the one that the signed manifest named.
 */
export async function openPoint(
  store: ReadStore,
  point: { readonly password: string; readonly snapshotId: string; readonly treeId: string },
): Promise<OpenPoint> {
  const repo = await openRepository(store, point.password);
  const snapshot = await readSnapshot(repo, point.snapshotId);
  if (snapshot.tree !== point.treeId)
    throw new HoldfastError(
      'repository_damaged',
      'The snapshot holds another tree than the one that the device signed when it was made.',
    );
  const index = await BlobIndex.load(repo);
  return { repo, snapshot, index, reader: new BlobReader(repo, index) };
}
