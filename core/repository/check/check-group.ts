/** Several packs read in step, part by part, so that their hashes can be made side by side. */
import { hashOfState, newStates, padding } from '../../base/native/many-hashes.ts';
import { freeBytes } from '../../base/free-bytes.ts';
import type { ByteRange, ReadStore } from '../../storage/port.ts';
import { isReadDamage } from '../blob-reader.ts';
import { encodePackHeader, packHeaderBytes } from '../format/pack-header.ts';
import { packKey } from '../object-names.ts';
import type { StoredPack } from './check-pack.ts';
import type { PartHeader, PartOutcome, PartTask } from './part-task.ts';

/** Of each pack at a time: eight packs and their contents fit a thread's memory, and a request still pays. */
const PART_BYTES = 1024 * 1024;
/** A blob that no restic writes would make a part too large. */
const BLOB_BYTES_MAX = 9 * 1024 * 1024;
const BLOCK_BYTES = 64;
const TRAILER_BYTES = 4;
const ID_BYTES = 32;

/** Whether a pack is laid out as backups do it, and nothing in it is larger than it may be. */
export function isRegular({ size, columns: { offsets, lengths, uncompressedLengths } }: StoredPack): boolean {
  let end = 0;
  for (const [at, length] of lengths.entries()) {
    if (offsets[at] !== end || length > BLOB_BYTES_MAX) return false;
    end += length;
  }
  return lengths.length > 0 && size === end + packHeaderBytes(uncompressedLengths);
}

/** Blobs of one pack that follow one another, and the bytes that are read for them. */
interface Part {
  /** The number of the pack. */
  readonly pack: number;
  /** Numbers of its blobs in the pack: the first, and the one behind the last. */
  readonly first: number;
  readonly end: number;
  /** From a block's beginning: the hash goes on there. */
  readonly range: ByteRange;
  readonly isLast: boolean;
}

/**
 * Whether each of the packs (regular ones, as many as there are lanes) is all that its name, its own list of contents and the
 * index say. False is no verdict: what is wrong, and whether it was the reading, is found out by reading it again.
 * `assertWanted` throws when the check is to stop.
 */
export async function checkGroup(
  store: ReadStore,
  run: (task: PartTask) => Promise<PartOutcome>,
  packs: readonly StoredPack[],
  assertWanted: () => void,
): Promise<boolean[]> {
  const areWell = packs.map(() => true);
  const next = packs.map(() => 0);
  let states = newStates(packs.length);
  let room: Uint8Array = new Uint8Array(0);
  for (;;) {
    assertWanted();
    const parts: Part[] = [];
    for (const [number, pack] of packs.entries()) {
      if (!areWell[number] || next[number] === pack.columns.lengths.length) continue;
      const part = partOf(pack, number, next[number]!);
      next[number] = part.end;
      parts.push(part);
    }
    if (parts.length === 0) break;
    const read = await Promise.all(parts.map((part) => readPart(store, packs[part.pack]!, part)));
    for (const [at, { pack }] of parts.entries()) if (read[at] === undefined) areWell[pack] = false;
    const outcome = await run(taskOf(packs, parts, read, states, room));
    ({ states, bytes: room } = outcome);
    for (const { pack } of parts) if (outcome.isWell[pack] === 0) areWell[pack] = false;
  }
  return packs.map(({ packId }, number) => areWell[number]! && hashOfState(states, number).toString('hex') === packId);
}

function partOf({ size, columns: { offsets, lengths } }: StoredPack, pack: number, first: number): Part {
  const start = offsets[first]!;
  let end = first;
  let bytesEnd = start;
  for (; end < lengths.length && bytesEnd - start < PART_BYTES; end += 1) bytesEnd += lengths[end]!;
  const isLast = end === lengths.length;
  const offset = wholeBlocks(start);
  return {
    pack,
    first,
    end,
    range: { offset, length: (isLast ? size : bytesEnd) - offset },
    isLast,
  };
}

function wholeBlocks(bytes: number): number {
  return bytes - (bytes % BLOCK_BYTES);
}

/** Undefined when the bytes are not there. */
async function readPart(store: ReadStore, { packId }: StoredPack, { range }: Part): Promise<Uint8Array | undefined> {
  try {
    const bytes = await store.get(packKey(packId), range);
    return bytes.length === range.length ? bytes : undefined;
  } catch (error) {
    if (isReadDamage(error)) return undefined;
    throw error;
  }
}

function taskOf(
  packs: readonly StoredPack[],
  parts: readonly Part[],
  read: readonly (Uint8Array | undefined)[],
  states: Uint32Array,
  room: Uint8Array,
): PartTask {
  const there = parts.flatMap((part, at) => (read[at] === undefined ? [] : [{ part, bytes: read[at] }]));
  const ends = there.map(({ part }) => (part.isLast ? padding(packs[part.pack]!.size) : new Uint8Array(0)));
  const bytesAll = there.reduce((sum, { bytes: own }, at) => sum + own.length + ends[at]!.length, 0);
  const bytes = room.length >= bytesAll ? room : Buffer.allocUnsafeSlow(bytesAll);
  const hashed = new Uint32Array(packs.length * 2);
  const headers: PartHeader[] = [];
  const count = there.reduce((sum, { part }) => sum + part.end - part.first, 0);
  const ids = new Uint8Array(count * ID_BYTES);
  const [starts, lengths, uncompressedLengths] = [0, 0, 0].map(() => new Uint32Array(count)) as Triple;
  const [isTree, numbers] = [new Uint8Array(count), new Uint8Array(count)];
  let at = 0;
  let blobNumber = 0;
  for (const [number, { part, bytes: own }] of there.entries()) {
    bytes.set(own, at);
    bytes.set(ends[number]!, at + own.length);
    const end = at + own.length + ends[number]!.length;
    freeBytes(own);
    hashed[part.pack * 2] = at;
    hashed[part.pack * 2 + 1] = at + wholeBlocks(end - at);
    const { columns } = packs[part.pack]!;
    const { first, end: last } = part;
    ids.set(columns.ids.subarray(first * ID_BYTES, last * ID_BYTES), blobNumber * ID_BYTES);
    lengths.set(columns.lengths.subarray(first, last), blobNumber);
    uncompressedLengths.set(columns.uncompressedLengths.subarray(first, last), blobNumber);
    isTree.set(columns.isTree.subarray(first, last), blobNumber);
    numbers.fill(part.pack, blobNumber, blobNumber + last - first);
    for (let blob = first; blob < last; blob += 1)
      starts[blobNumber + blob - first] = at + columns.offsets[blob]! - part.range.offset;
    blobNumber += last - first;
    if (part.isLast) headers.push(headerOf(packs[part.pack]!, part, at));
    at = end;
  }
  return {
    bytes,
    hashed,
    states,
    blobs: { ids, starts, lengths, uncompressedLengths },
    isTree,
    packs: numbers,
    headers,
  };
}

type Triple = [Uint32Array, Uint32Array, Uint32Array];

/** `at` is where the part begins in the task's bytes. The header's length behind it is what its own hash and the pack's prove. */
function headerOf({ size, columns }: StoredPack, { pack, range }: Part, at: number): PartHeader {
  const last = columns.lengths.length - 1;
  const start = at + columns.offsets[last]! + columns.lengths[last]! - range.offset;
  return {
    pack,
    start,
    end: at + size - TRAILER_BYTES - range.offset,
    expected: new Uint8Array(encodePackHeader(columns)),
  };
}
