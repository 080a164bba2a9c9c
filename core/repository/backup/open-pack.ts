/** A pack that is being filled: sealed blobs one behind the other in one buffer that has room for the header. */
import { SEAL_OVERHEAD } from '../crypto/seal.ts';
import type { PackHeaderEntry } from '../format/pack-header.ts';

/** restic refuses sealed headers over 16 MiB; this many entries need less than 1 MiB. */
const PACK_BLOBS_MAX = 20_000;
const HEADER_ENTRY_BYTES = 41;
const HEADER_ROOM = PACK_BLOBS_MAX * HEADER_ENTRY_BYTES + SEAL_OVERHEAD + 4;

export class OpenPack {
  readonly entries: PackHeaderEntry[] = [];
  size = 0;
  readonly #bytes: Buffer;

  constructor(buffer: ArrayBuffer) {
    this.#bytes = Buffer.from(buffer);
  }

  /** Bytes of a buffer that takes `blobBytes` of blobs. */
  static bufferBytes(blobBytes: number): number {
    return blobBytes + HEADER_ROOM;
  }

  get buffer(): ArrayBuffer {
    return this.#bytes.buffer as ArrayBuffer; // the constructor took no other
  }

  hasRoomFor(length: number): boolean {
    return this.entries.length < PACK_BLOBS_MAX && this.size + length <= this.#bytes.length - HEADER_ROOM;
  }

  add(entry: PackHeaderEntry, sealed: Uint8Array): void {
    this.#bytes.set(sealed, this.size);
    this.entries.push(entry);
    this.size += sealed.length;
  }

  /** Takes over all blobs of another pack. */
  absorb(other: OpenPack): void {
    this.#bytes.set(other.#bytes.subarray(0, other.size), this.size);
    this.entries.push(...other.entries);
    this.size += other.size;
  }
}
