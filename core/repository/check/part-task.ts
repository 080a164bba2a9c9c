/**
 * Parts of several packs at once, for their hashes are made side by side: several times as fast as one pack after the other,
 * and none has to be in memory whole. It tells only which packs are all that their names, their own lists of contents and the
 * index say; what is wrong with another one, `pack-task.ts` finds out. Synchronous and without the store.
 */
import { advanceStates } from '../../base/native/many-hashes.ts';
import { isReadDamage } from '../blob-reader.ts';
import { unseal } from '../crypto/seal.ts';
import { type BlobColumns, decodeBlobs } from '../decode-many.ts';
import type { MasterKey } from '../types.ts';

export interface PartTask {
  readonly bytes: Uint8Array;
  /** By number of the pack in its group: whole blocks that its hash goes on with. */
  readonly hashed: Uint32Array;
  readonly states: Uint32Array;
  readonly blobs: BlobColumns;
  readonly isTree: Uint8Array;
  /** The number of each blob's pack. */
  readonly packs: Uint8Array;
  /** Of packs that end here. */
  readonly headers: readonly PartHeader[];
}

export interface PartHeader {
  readonly pack: number;
  /** Place of the sealed header, and what it holds when the index is right. */
  readonly start: number;
  readonly end: number;
  readonly expected: Uint8Array;
}

export interface PartOutcome {
  readonly states: Uint32Array;
  /** By number of the pack. */
  readonly isWell: Uint8Array;
  /** The task's own, to be used again: what waits for the garbage collector would be most of the memory of a check. */
  readonly bytes: Uint8Array;
}

/** @throws only for defects. */
export function runPartTask(key: MasterKey, task: PartTask): PartOutcome {
  const { bytes, hashed, states, blobs, isTree, packs, headers } = task;
  advanceStates(bytes, hashed, states);
  const isWell = new Uint8Array(hashed.length / 2).fill(1);
  const take = (number: number, plain: Uint8Array | undefined): void => {
    if (plain === undefined) isWell[packs[number]!] = 0;
  };
  decodeBlobs(key, bytes, blobs, take, isTree);
  for (const header of headers) if (!isAsExpected(key, bytes, header)) isWell[header.pack] = 0;
  return { states, isWell, bytes };
}

function isAsExpected(key: MasterKey, bytes: Uint8Array, { start, end, expected }: PartHeader): boolean {
  try {
    return unseal(key, bytes.subarray(start, end)).equals(expected);
  } catch (error) {
    if (isReadDamage(error)) return false;
    throw error;
  }
}
