/**
 * Index files into a BlobIndex. Beside the index itself it holds little: a file of 50,000 blobs is 10 MB of text, which comes out
 * of its compressed form in pieces and goes into arrays that serve one file after the other.
 */
import { isHoldfastError } from '../base/errors.ts';
import { freeBytes } from '../base/free-bytes.ts';
import type { ListedObject } from '../storage/port.ts';
import type { BlobIndex } from './blob-index.ts';
import { IndexScanner } from './format/index-scanner.ts';
import { LIMITS } from './format/limits.ts';
import { unpackedForm } from './format/unpacked-form.ts';
import { loadUnsealed } from './read-repository.ts';
import type { OpenRepository } from './types.ts';

/** Fetched at a time, for stores that answer slowly. They are decoded one after the other. */
const FILES_AT_ONCE = 4;
/** What one file says of the others is not quite so, and a table that turns out too large would stay so. */
const CERTAIN = 0.95;
/** How far ahead one file is believed: it may have been made to say anything. */
const GROWTH_MAX = 8;

/** A damaged file is noted in the index and the rest is used. `onFile` is called after each. @throws what the store throws. */
export async function loadIndexFiles(
  index: BlobIndex,
  repo: OpenRepository,
  files: readonly ListedObject[],
  onFile: () => void,
): Promise<void> {
  // The stored form is compressed: one that is larger than its plain form may be was not written by a backup.
  const isTooLarge = ({ size }: ListedObject): boolean => size > LIMITS.indexBytes;
  for (const { key } of files.filter(isTooLarge))
    index.addDamage({ key, message: 'An index file is larger than any real one. It was not read.' });
  const waiting = files.filter((file) => !isTooLarge(file));
  let bytesLeft = waiting.reduce((sum, { size }) => sum + size, 0);
  const scanner = new IndexScanner();
  const loaders = Array.from({ length: Math.min(FILES_AT_ONCE, waiting.length) }, async () => {
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      const added = await loadFile(index, repo, scanner, file.key);
      bytesLeft -= file.size;
      const expected = index.size + ((bytesLeft * added) / file.size) * CERTAIN;
      if (added > 0) index.reserve(Math.min(expected, index.size * GROWTH_MAX));
      onFile();
    }
  });
  await Promise.all(loaders);
}

/** Returns how many blobs it added. */
async function loadFile(index: BlobIndex, repo: OpenRepository, scanner: IndexScanner, key: string): Promise<number> {
  try {
    const plain = await loadUnsealed(repo, key);
    const { isCompressed, bytes } = unpackedForm(plain);
    const { crypto } = repo;
    const pieces = isCompressed ? crypto.decompressPieces?.(bytes, LIMITS.indexBytes) : [bytes];
    const image = pieces === undefined ? undefined : scanner.scan(pieces);
    const json = image !== undefined || !isCompressed ? bytes : await crypto.decompress(bytes, LIMITS.indexBytes);
    const before = index.size;
    if (image !== undefined) index.addImage(key, image);
    else index.addIndexFile(key, json);
    freeBytes(plain);
    return index.size - before;
  } catch (error) {
    if (!isHoldfastError(error, 'repository_damaged') && !isHoldfastError(error, 'object_missing')) throw error;
    index.addDamage({ key, message: error.message });
    return 0;
  }
}
