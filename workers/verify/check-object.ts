import { createHash } from 'node:crypto';
import { isHoldfastError } from '../../core/base/errors.ts';
import type { ReadStore } from '../../core/storage/port.ts';
import type { ObjectToVerify } from '../../server/verification/begin-verification.ts';

/** What reading an object to its end showed. */
export type ObjectState = 'intact' | 'damaged' | 'missing';

/**
 * Reads every byte of a stored object and compares its hash with its name. A bad reading is repeated once: a flipped bit on
 * the way, or an object that a replica did not show yet, is no damage; `onReadTwice` hears of it.
 * @throws what the store throws when it does not answer: that says nothing about the object.
 */
export async function checkObject(
  store: ReadStore,
  object: ObjectToVerify,
  onBytes: (bytes: number) => void,
  onReadTwice: () => void = () => undefined,
): Promise<ObjectState> {
  const first = await readOnce(store, object, onBytes);
  if (first === 'intact') return first;
  const second = await readOnce(store, object, () => undefined);
  if (second === 'intact') onReadTwice();
  return second;
}

async function readOnce(
  store: ReadStore,
  { key, size, sha256 }: ObjectToVerify,
  onBytes: (bytes: number) => void,
): Promise<ObjectState> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const piece of store.stream(key)) {
      hash.update(piece);
      bytes += piece.length;
      onBytes(piece.length);
    }
  } catch (error) {
    if (isHoldfastError(error, 'object_missing')) return 'missing';
    if (isHoldfastError(error, 'object_mismatch')) return 'damaged';
    throw error;
  }
  return bytes === size && hash.digest('hex') === sha256 ? 'intact' : 'damaged';
}
