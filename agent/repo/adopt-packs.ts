/**
 * What an interrupted backup has brought is not sent again. Packs of a run that was killed are whole and durable, but no
 * index names them: their own lists of contents are read, and an index file is written for them. A lock that its process did
 * not live to remove says that there was such a run.
 */
import type { Log } from '../../core/base/log.ts';
import { isHoldfastError } from '../../core/base/errors.ts';
import { decodeBlob } from '../../core/repository/blob-codec.ts';
import type { BlobIndex } from '../../core/repository/blob-index.ts';
import { unseal } from '../../core/repository/crypto/seal.ts';
import { LIMITS } from '../../core/repository/format/limits.ts';
import { decodePackHeader, placeBlobs, readPackTrailer } from '../../core/repository/format/pack-header.ts';
import { idOfKey, packKey, sha256Hex } from '../../core/repository/object-names.ts';
import type { PackContents } from '../../core/repository/packs-of-index.ts';
import type { OpenRepository, PackedBlob } from '../../core/repository/types.ts';
import { writeIndex } from '../../core/repository/write/write-index.ts';
import type { ObjectStore } from '../../core/storage/port.ts';
import { isHolderGone, judgeLock } from './repository-lock.ts';

type Writable = OpenRepository & { readonly store: ObjectStore };

/**
 * Adds the packs to `index` and writes index files for them; then removes the dead locks. Does nothing while another
 * program holds a lock, for its packs are no leftovers. Returns how many packs are used again.
 * @throws what the store throws.
 */
export async function adoptPacks(repo: Writable, index: BlobIndex, ownLock: string, log: Log): Promise<number> {
  const { dead, others } = await lookAtLocks(repo, ownLock);
  if (dead.length === 0 || others > 0) return 0;
  const known = new Set(index.packIds());
  const packs: PackContents[] = [];
  for await (const { key, size } of repo.store.list('data/')) {
    const id = idOfKey(key);
    if (id === undefined || known.has(id) || size > LIMITS.checkedPackBytes) continue;
    const blobs = await blobsOf(repo, id);
    if (blobs === undefined) log.warn({ key }, 'a pack of an interrupted backup is damaged; its data is sent again');
    else packs.push({ packId: id, blobs });
  }
  await writeIndex(repo, packs, () => undefined);
  for (const { blobs } of packs) for (const blob of blobs) index.add(blob);
  for (const key of dead) await repo.store.remove(key);
  return packs.length;
}

/** Locks of this machine whose process is gone, and how many of others there are. */
async function lookAtLocks(repo: Writable, ownLock: string): Promise<{ dead: string[]; others: number }> {
  const dead: string[] = [];
  let others = 0;
  for await (const { key } of repo.store.list('locks/')) {
    if (key === ownLock || idOfKey(key) === undefined) continue;
    if (await judgeLock(repo, key, (lock) => lock.exclusive !== true && isHolderGone(lock))) dead.push(key);
    else others += 1;
  }
  return { dead, others };
}

/** Undefined when anything of the pack is not as it must be: the name, the list of contents, each piece. */
async function blobsOf(repo: Writable, packId: string): Promise<PackedBlob[] | undefined> {
  try {
    const bytes = await repo.store.get(packKey(packId));
    if (sha256Hex(bytes) !== packId) return undefined;
    const end = bytes.length - 4;
    const header = unseal(repo.masterKey, bytes.subarray(end - readPackTrailer(bytes), end));
    const blobs = placeBlobs(packId, decodePackHeader(header), bytes.length);
    for (const blob of blobs) decodeBlob(repo.masterKey, bytes.subarray(blob.offset, blob.offset + blob.length), blob);
    return blobs;
  } catch (error) {
    if (isHoldfastError(error, 'repository_damaged') || isHoldfastError(error, 'object_missing')) return undefined;
    throw error;
  }
}
