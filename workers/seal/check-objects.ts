import { createHash } from 'node:crypto';
import { isHoldfastError } from '../../core/base/errors.ts';
import { crc32cBase64 } from '../../core/base/crc32c.ts';
import type { ReadStore } from '../../core/storage/port.ts';
import type { SealProblem } from '../../server/sealing/fail-seal.ts';
import type { LedgerEntry } from '../../server/sealing/load-seal.ts';

/** Does the object lie there with the size and checksum of the ledger? Undefined: it does. */
export async function checkStored(
  store: ReadStore,
  place: string,
  entry: LedgerEntry,
): Promise<SealProblem | undefined> {
  const { key } = entry;
  const info = await store.head(place);
  if (info === undefined) return { key, problem: 'missing', note: 'Committed, but it never arrived.' };
  if (BigInt(info.size) !== entry.size)
    return { key, problem: 'damaged', note: `It has ${info.size} bytes instead of ${entry.size}.` };
  if (info.crc32c !== entry.crc32c)
    return { key, problem: 'damaged', note: 'Its checksum is not the one that was announced.' };
  return undefined;
}

/**
 * The bytes of a staged index or snapshot file, when they are what their name and the ledger say; else the problem. A bad
 * read is repeated once, for the wire may have been at fault and not what is stored.
 */
export async function readStaged(
  store: ReadStore,
  places: readonly string[],
  entry: LedgerEntry,
): Promise<Uint8Array | SealProblem> {
  let problem: SealProblem = { key: entry.key, problem: 'missing', note: 'Committed, but it never arrived.' };
  for (const place of places)
    for (let attempt = 0; attempt < 2; attempt++) {
      const bytes = await readOrUndefined(store, place);
      if (bytes === undefined) break;
      if (isEntry(bytes, entry)) return bytes;
      problem = { key: entry.key, problem: 'damaged', note: 'Its bytes do not match its name.' };
    }
  return problem;
}

async function readOrUndefined(store: ReadStore, place: string): Promise<Uint8Array | undefined> {
  try {
    return await store.get(place);
  } catch (error) {
    if (isHoldfastError(error, 'object_missing')) return undefined;
    throw error;
  }
}

function isEntry(bytes: Uint8Array, { key, size, crc32c }: LedgerEntry): boolean {
  return (
    BigInt(bytes.length) === size &&
    crc32cBase64(bytes) === crc32c &&
    createHash('sha256').update(bytes).digest('hex') === key.split('/').at(-1)
  );
}
