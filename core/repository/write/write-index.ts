/** Index files for packs that are there already. */
import { sealIndex } from './seal-index.ts';
import { storeObject } from './store-object.ts';
import { INDEX_BLOBS_MAX, type IndexedPack } from '../format/index-file.ts';
import type { AddedObject, WritableRepository } from '../types.ts';
import type { PackContents } from '../packs-of-index.ts';

/** A pack's blobs stand in one file. `onFile` hears of each file before it is stored. @throws what the store throws. */
export async function writeIndex(
  repo: WritableRepository,
  packs: Iterable<PackContents> | AsyncIterable<PackContents>,
  onFile: (object: AddedObject) => void,
): Promise<void> {
  let waiting: IndexedPack[] = [];
  let blobsWaiting = 0;
  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const { object, bytes } = sealIndex(repo.masterKey, () => waiting);
    onFile(object);
    await storeObject(repo.store, object, bytes);
    waiting = [];
    blobsWaiting = 0;
  };
  for await (const { packId, blobs } of packs) {
    if (blobsWaiting + blobs.length > INDEX_BLOBS_MAX) await flush();
    waiting.push({ id: packId, blobs });
    blobsWaiting += blobs.length;
  }
  await flush();
}
