/**
 * Many blobs from their stored to their plain form, for threads that do nothing else: small ones are opened together, and the
 * hashes of all are made side by side, which is several times as fast as one after the other.
 */
import { HASH_BYTES, hashRanges } from '../base/native/many-hashes.ts';
import { freeBytes } from '../base/free-bytes.ts';
import { decodeBlobView } from './blob-codec.ts';
import { isReadDamage } from './blob-reader.ts';
import { SEAL_OVERHEAD, unsealInto } from './crypto/seal.ts';
import { ManyUnsealer, SMALL_BYTES_MAX } from './crypto/unseal-many.ts';
import { decompressInto } from './format/zstd.ts';
import { isStoredSize } from './stored-blob.ts';
import type { BlobType, MasterKey } from './types.ts';

/** What the indexes say of blobs whose stored bytes lie in one block, by their kinds of facts. */
export interface BlobColumns {
  /** 32 bytes each. */
  readonly ids: Uint8Array;
  /** Places in the block. */
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
  readonly uncompressedLengths: Uint32Array;
}

/** Enough for all lanes of the hash to be busy most of the time, and for most of it to stay in the processor's cache. */
const BATCH_BLOBS = 32;
const BATCH_BYTES = 512 * 1024;
/** Of large blobs there are never enough: memory is the bound. */
const BATCH_BYTES_MAX = 16 * 1024 * 1024;
/** Where there is memory: all of a pack, whose last pieces alone then have too few beside them. */
export const PACK_BATCH_BYTES_MAX = 40 * 1024 * 1024;
const BATCH_BLOBS_MAX = 1024;

/** A blob's contents; undefined when its place, tag, size or SHA-256 is not what is said of it. True only during the call. */
type TakeBlob = (number: number, plain: Buffer | undefined) => void;

/**
 * Gives the contents of each blob, in the order of the columns. Nothing is believed: every hash is compared before its blob
 * is given. `isTree` has a 1 for each folder listing; without it there is none.
 */
export function decodeBlobs(
  key: MasterKey,
  bytes: Uint8Array,
  blobs: BlobColumns,
  take: TakeBlob,
  isTree?: Uint8Array,
  batchBytesMax = BATCH_BYTES_MAX,
): void {
  if (decoder?.key !== key) decoder = new Decoder(key);
  decoder.decode(bytes, blobs, plainLengths(bytes, blobs, isTree), take, isTree, batchBytesMax);
}

/** One a thread: its rooms are used again. */
let decoder: Decoder | undefined;

/** Bytes that each blob claims to have unpacked; NOT_BELIEVED for what no backup writes, or what ends behind the bytes. */
function plainLengths(bytes: Uint8Array, blobs: BlobColumns, isTree: Uint8Array | undefined): Int32Array {
  return Int32Array.from(blobs.starts, (start, number) => {
    const length = blobs.lengths[number]!;
    const uncompressedLength = blobs.uncompressedLengths[number]!;
    if (length < SEAL_OVERHEAD || start + length > bytes.length) return NOT_BELIEVED;
    if (!isStoredSize(length, { type: typeAt(isTree, number), uncompressedLength })) return NOT_BELIEVED;
    return uncompressedLength === 0 ? length - SEAL_OVERHEAD : uncompressedLength;
  });
}

const NOT_BELIEVED = -1;

function typeAt(isTree: Uint8Array | undefined, number: number): BlobType {
  return isTree?.[number] === 1 ? 'tree' : 'data';
}

class Decoder {
  readonly key: MasterKey;
  readonly #unsealer: ManyUnsealer;
  /** Contents of the blobs of a batch, one after another. */
  #plain: Buffer = Buffer.alloc(0);
  /** Contents of a large blob before they are unpacked. */
  #opened: Buffer = Buffer.alloc(0);
  readonly #hashes = Buffer.alloc(BATCH_BLOBS_MAX * HASH_BYTES);
  /** Of each blob of the batch where its contents begin and end; 0 bytes for one that is damaged. */
  readonly #ranges = new Uint32Array(BATCH_BLOBS_MAX * 2);
  readonly #isWell = new Uint8Array(BATCH_BLOBS_MAX);

  constructor(key: MasterKey) {
    this.key = key;
    this.#unsealer = new ManyUnsealer(key);
  }

  decode(
    bytes: Uint8Array,
    blobs: BlobColumns,
    lengths: Int32Array,
    take: TakeBlob,
    isTree: Uint8Array | undefined,
    batchBytesMax: number,
  ): void {
    for (let first = 0; first < lengths.length; ) {
      if (lengths[first]! > batchBytesMax) {
        take(first, this.#decodeAlone(bytes, blobs, typeAt(isTree, first), first));
        first += 1;
        continue;
      }
      const end = batchEnd(lengths, first, batchBytesMax);
      this.#fill(bytes, blobs, lengths, first, end);
      hashRanges(this.#plain, this.#ranges.subarray(0, (end - first) * 2), this.#hashes);
      for (let number = first; number < end; number += 1)
        take(number, this.#verified(blobs.ids, number, number - first));
      first = end;
    }
  }

  /** Unseals and unpacks the blobs of a batch, one behind the other. */
  #fill(bytes: Uint8Array, blobs: BlobColumns, lengths: Int32Array, first: number, end: number): void {
    const total = lengths.subarray(first, end).reduce((sum, length) => sum + Math.max(0, length), 0);
    // One byte more: contents that are longer than they claim show themselves by it.
    this.#plain = withRoom(this.#plain, total + 1);
    let openEnd = first;
    let at = 0;
    for (let number = first; number < end; number += 1) {
      const length = lengths[number]!;
      const isSmall = blobs.lengths[number]! <= SMALL_BYTES_MAX;
      let isWell = length !== NOT_BELIEVED;
      if (isWell && isSmall) {
        if (number >= openEnd) openEnd = this.#openRun(bytes, blobs, lengths, number, end);
        isWell = this.#unpack(this.#unsealer.opened(number), blobs.uncompressedLengths[number]!, at);
      } else if (isWell) isWell = this.#fillLarge(bytes, blobs, number, at);
      this.#isWell[number - first] = isWell ? 1 : 0;
      this.#ranges[(number - first) * 2] = at;
      if (isWell) at += length;
      this.#ranges[(number - first) * 2 + 1] = at;
    }
  }

  /** Opens the small blobs from `first` on, up to one that is not believed. Returns the number behind the last. */
  #openRun(bytes: Uint8Array, blobs: BlobColumns, lengths: Int32Array, first: number, end: number): number {
    let runEnd = first;
    while (runEnd < end && lengths[runEnd] !== NOT_BELIEVED) runEnd += 1;
    return this.#unsealer.open(bytes, blobs.starts, blobs.lengths, first, runEnd);
  }

  /** Contents into their place; false when they are not of the length that is claimed. */
  #unpack(opened: Uint8Array | undefined, uncompressedLength: number, at: number): boolean {
    if (opened === undefined) return false;
    if (uncompressedLength > 0) return this.#decompress(opened, uncompressedLength, at);
    this.#plain.set(opened, at);
    return true;
  }

  #fillLarge(bytes: Uint8Array, blobs: BlobColumns, number: number, at: number): boolean {
    const start = blobs.starts[number]!;
    const sealed = bytes.subarray(start, start + blobs.lengths[number]!);
    const uncompressedLength = blobs.uncompressedLengths[number]!;
    const length = sealed.length - SEAL_OVERHEAD;
    if (uncompressedLength === 0) return isDone(() => unsealInto(this.key, sealed, this.#plain, at));
    this.#opened = withRoom(this.#opened, length);
    if (!isDone(() => unsealInto(this.key, sealed, this.#opened, 0))) return false;
    return this.#decompress(this.#opened.subarray(0, length), uncompressedLength, at);
  }

  #decompress(opened: Uint8Array, length: number, at: number): boolean {
    return isDone(() => decompressInto(opened, this.#plain, at, length));
  }

  #decodeAlone(bytes: Uint8Array, blobs: BlobColumns, type: BlobType, number: number): Buffer | undefined {
    const start = blobs.starts[number]!;
    const id = Buffer.from(blobs.ids.subarray(number * HASH_BYTES, (number + 1) * HASH_BYTES)).toString('hex');
    const blob = { id, type, uncompressedLength: blobs.uncompressedLengths[number]! };
    let plain: Buffer | undefined;
    isDone(() => {
      plain = decodeBlobView(this.key, bytes.subarray(start, start + blobs.lengths[number]!), blob);
    });
    return plain;
  }

  #verified(ids: Uint8Array, number: number, local: number): Buffer | undefined {
    if (this.#isWell[local] === 0) return undefined;
    const at = local * HASH_BYTES;
    for (let byte = 0; byte < HASH_BYTES; byte += 1)
      if (this.#hashes[at + byte] !== ids[number * HASH_BYTES + byte]) return undefined;
    return this.#plain.subarray(this.#ranges[local * 2], this.#ranges[local * 2 + 1]);
  }
}

/** Number behind the last blob of the batch that begins with `first`. */
function batchEnd(lengths: Int32Array, first: number, batchBytesMax: number): number {
  let total = 0;
  let end = first;
  for (; end < lengths.length && end - first < BATCH_BLOBS_MAX; end += 1) {
    const length = Math.max(0, lengths[end]!);
    const isEnough = end - first >= BATCH_BLOBS && total >= BATCH_BYTES;
    if (isEnough || total + length > batchBytesMax) break;
    total += length;
  }
  return end;
}

/** False for damage. */
function isDone(step: () => void): boolean {
  try {
    step();
    return true;
  } catch (error) {
    if (isReadDamage(error)) return false;
    throw error;
  }
}

const ROOM_BYTES_MIN = 1024 * 1024;

function withRoom(room: Buffer, bytes: number): Buffer {
  if (room.length >= bytes) return room;
  freeBytes(room);
  return Buffer.allocUnsafeSlow(Math.max(ROOM_BYTES_MIN, bytes, Math.min(room.length * 2, BATCH_BYTES_MAX + 1)));
}
