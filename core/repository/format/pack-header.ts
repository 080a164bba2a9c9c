/** The header at the end of a pack: one entry a blob, in the order of the blobs (docs/format.md, "Packs"). */
import type { BlobType, PackedBlob } from '../types.ts';
import { damagedRepository } from './damage.ts';
import { SEAL_OVERHEAD } from '../crypto/sealed-form.ts';
import { LIMITS } from './limits.ts';

export interface PackHeaderEntry {
  readonly id: string;
  readonly type: BlobType;
  /** Sealed length in bytes. */
  readonly length: number;
  /** 0 when the blob is stored uncompressed. */
  readonly uncompressedLength: number;
}

/** Entries by their kinds of facts: thousands of objects would be most of what reads or makes a list of contents. */
export interface PackHeaderColumns {
  /** 32 bytes each. */
  readonly ids: Uint8Array;
  /** 1 for a folder listing, 0 for a piece of a file. */
  readonly isTree: Uint8Array;
  readonly lengths: Uint32Array;
  readonly uncompressedLengths: Uint32Array;
}

const ID_BYTES = 32;
const PLAIN_BYTES = 37;
const COMPRESSED_BYTES = 41;

export function headerColumnsOf(entries: readonly PackHeaderEntry[]): PackHeaderColumns {
  const ids = Buffer.allocUnsafeSlow(entries.length * ID_BYTES);
  for (const [at, { id }] of entries.entries()) ids.write(id, at * ID_BYTES, 'hex');
  return {
    ids,
    isTree: Uint8Array.from(entries, ({ type }) => (type === 'tree' ? 1 : 0)),
    lengths: Uint32Array.from(entries, ({ length }) => length),
    uncompressedLengths: Uint32Array.from(entries, ({ uncompressedLength }) => uncompressedLength),
  };
}

export function encodePackHeader({ ids, isTree, lengths, uncompressedLengths }: PackHeaderColumns): Buffer {
  const header = Buffer.allocUnsafeSlow(lengths.length * COMPRESSED_BYTES);
  // Byte by byte: Buffer's own calls would take longer to compile than this to run.
  const bytes = new Uint8Array(header.buffer);
  let at = 0;
  for (let number = 0; number < lengths.length; number += 1) {
    const uncompressedLength = uncompressedLengths[number]!;
    bytes[at] = isTree[number]! + (uncompressedLength > 0 ? 2 : 0);
    at = writeUint32(bytes, at + 1, lengths[number]!);
    if (uncompressedLength > 0) at = writeUint32(bytes, at, uncompressedLength);
    for (let byte = 0; byte < ID_BYTES; byte += 1) bytes[at + byte] = ids[number * ID_BYTES + byte]!;
    at += ID_BYTES;
  }
  return header.subarray(0, at);
}

/** Little end first; returns the place behind it. */
function writeUint32(target: Uint8Array, at: number, value: number): number {
  target[at] = value;
  target[at + 1] = value >>> 8;
  target[at + 2] = value >>> 16;
  target[at + 3] = value >>> 24;
  return at + 4;
}

/** @throws HoldfastError repository_damaged when an entry is cut short, of an unknown type or impossibly small. */
export function decodePackHeader(header: Uint8Array): PackHeaderEntry[] {
  if (header.length > LIMITS.packHeaderBytes) throw damagedRepository('The list of contents of a pack is too large.');
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.byteLength);
  const entries: PackHeaderEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes[at]!;
    const size = kind <= 1 ? PLAIN_BYTES : COMPRESSED_BYTES;
    if (kind > 3 || at + size > bytes.length) throw damagedRepository('The list of contents of a pack is damaged.');
    const length = bytes.readUInt32LE(at + 1);
    const uncompressedLength = kind > 1 ? bytes.readUInt32LE(at + 5) : 0;
    if (length < SEAL_OVERHEAD || (kind > 1 && uncompressedLength === 0)) {
      throw damagedRepository('The list of contents of a pack names a blob of an impossible size.');
    }
    const id = bytes.toString('hex', at + size - 32, at + size);
    entries.push({ id, type: kind % 2 === 1 ? 'tree' : 'data', length, uncompressedLength });
    at += size;
  }
  return entries;
}

/** The uint32 behind the sealed header: the header's sealed length. */
const TRAILER_BYTES = 4;

/** Bytes of a pack file that are not blobs: the sealed header and its length. */
export function packHeaderBytes(uncompressedLengths: Iterable<number>): number {
  let plain = 0;
  for (const length of uncompressedLengths) plain += length === 0 ? PLAIN_BYTES : COMPRESSED_BYTES;
  return plain + SEAL_OVERHEAD + TRAILER_BYTES;
}

/**
 * Where the blobs of a pack of `packBytes` lie: one behind the other from its first byte, and behind them their header.
 * @throws HoldfastError repository_damaged when there are none, or they do not fill the pack exactly: the header is another's.
 */
export function placeBlobs(packId: string, entries: readonly PackHeaderEntry[], packBytes: number): PackedBlob[] {
  let offset = 0;
  const blobs = entries.map((entry) => {
    const blob = { ...entry, packId, offset };
    offset += entry.length;
    return blob;
  });
  if (
    blobs.length === 0 ||
    offset + packHeaderBytes(entries.map(({ uncompressedLength }) => uncompressedLength)) !== packBytes
  )
    throw damagedRepository('The pack’s own list of contents does not fit its size.');
  return blobs;
}

/** The sealed header's length, from a whole pack. @throws HoldfastError repository_damaged when it cannot be one. */
export function readPackTrailer(pack: Uint8Array): number {
  if (pack.length < TRAILER_BYTES + SEAL_OVERHEAD) throw damagedRepository('A pack is too short to hold anything.');
  const length = Buffer.from(pack.buffer, pack.byteOffset, pack.byteLength).readUInt32LE(pack.length - TRAILER_BYTES);
  if (length < SEAL_OVERHEAD || length > LIMITS.packHeaderBytes || length + TRAILER_BYTES > pack.length)
    throw damagedRepository('The list of contents of a pack has an impossible length.');
  return length;
}
