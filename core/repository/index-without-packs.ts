import { BlobIndex } from './blob-index.ts';

const NOTHING: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

/** The same index as if these packs had never been: what lies in them alone is not stored. */
export async function indexWithoutPacks(index: BlobIndex, packIds: ReadonlySet<string>): Promise<BlobIndex> {
  const left = await BlobIndex.ofPieces([], index.indexKeys, index.size, NOTHING);
  for (const blob of index.blobs()) if (!packIds.has(blob.packId)) left.add(blob);
  return left;
}
