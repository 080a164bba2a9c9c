/**
 * Reads objects and compares each with its name. Those that fit into memory are gathered and hashed side by side, which is
 * several times as fast as one after the other where the processor has no instructions for it; larger ones are read in pieces.
 */
import { hashRanges, HASH_BYTES } from '../../core/base/native/many-hashes.ts';
import { isHoldfastError } from '../../core/base/errors.ts';
import type { ReadStore } from '../../core/storage/port.ts';
import type { ObjectToVerify } from '../../server/verification/begin-verification.ts';
import { inParallel } from '../in-parallel.ts';
import { checkObject, type ObjectState } from './check-object.ts';

export type { ObjectState } from './check-object.ts';

const READS_AT_ONCE = 4;
/** Held and hashed at once. Packs have some 16 MiB, so that all eight places are taken. */
const BATCH_BYTES = 136 * 1024 * 1024;
const BATCH_OBJECTS = 4096;
const LARGE_BYTES = 20 * 1024 * 1024;

export interface Reading {
  readonly onBytes: (bytes: number) => void;
  readonly onDone: (object: ObjectToVerify, state: ObjectState) => void;
  /** An object was wrong, and right when it was read again. */
  readonly onReadTwice: () => void;
}

/** @throws what the store throws when it does not answer, and what `onBytes` throws to end it. */
export async function readObjects(
  store: ReadStore,
  objects: readonly ObjectToVerify[],
  reading: Reading,
): Promise<void> {
  const large = objects.filter(({ size }) => size > LARGE_BYTES);
  const small = objects.filter(({ size }) => size <= LARGE_BYTES);
  for (const batch of batches(small)) await readBatch(store, batch, reading);
  await inParallel(large, READS_AT_ONCE, async (object) => {
    reading.onDone(object, await checkObject(store, object, reading.onBytes, reading.onReadTwice));
  });
}

async function readBatch(store: ReadStore, batch: readonly ObjectToVerify[], reading: Reading): Promise<void> {
  const bytes = Buffer.allocUnsafeSlow(batch.reduce((sum, { size }) => sum + size, 0));
  const ranges = new Float64Array(batch.length * 2);
  /** Those whose first reading was not what it should be. */
  const again: ObjectToVerify[] = [];
  const filled = new Set<number>();
  let start = 0;
  for (const [at, { size }] of batch.entries()) {
    ranges[at * 2] = start;
    start += size;
    ranges[at * 2 + 1] = start;
  }
  const failure = await inParallel(batch.entries(), READS_AT_ONCE, async ([at, object]) => {
    if (await readInto(store, object, bytes.subarray(ranges[at * 2], ranges[at * 2 + 1]), reading)) filled.add(at);
    else again.push(object);
  }).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  // Also of a reading that ended early: what was read need not be read again.
  const whole = [...filled].sort((a, b) => a - b);
  const hashes = Buffer.alloc(whole.length * HASH_BYTES);
  hashRanges(
    bytes,
    whole.flatMap((at) => [ranges[at * 2]!, ranges[at * 2 + 1]!]),
    hashes,
  );
  for (const [place, at] of whole.entries()) {
    const object = batch[at]!;
    if (hashes.toString('hex', place * HASH_BYTES, (place + 1) * HASH_BYTES) !== object.sha256) again.push(object);
    else reading.onDone(object, 'intact');
  }
  if (failure !== undefined) throw failure.error;
  // A second look: a flipped bit on the way, or an object that a replica did not show yet, is no damage.
  for (const object of again) {
    const state = await checkObject(store, object, () => undefined);
    if (state === 'intact') reading.onReadTwice();
    reading.onDone(object, state);
  }
}

/** False when there are more or fewer bytes than there should be, or none. */
async function readInto(
  store: ReadStore,
  { key }: ObjectToVerify,
  target: Uint8Array,
  { onBytes }: Reading,
): Promise<boolean> {
  let end = 0;
  try {
    for await (const piece of store.stream(key)) {
      if (end + piece.length > target.length) return false;
      target.set(piece, end);
      end += piece.length;
      onBytes(piece.length);
    }
  } catch (error) {
    if (isHoldfastError(error, 'object_missing') || isHoldfastError(error, 'object_mismatch')) return false;
    throw error;
  }
  return end === target.length;
}

function* batches(objects: readonly ObjectToVerify[]): Generator<readonly ObjectToVerify[]> {
  let batch: ObjectToVerify[] = [];
  let bytes = 0;
  for (const object of objects) {
    if (batch.length > 0 && (bytes + object.size > BATCH_BYTES || batch.length === BATCH_OBJECTS)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(object);
    bytes += object.size;
  }
  if (batch.length > 0) yield batch;
}
