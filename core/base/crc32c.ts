/**
 * CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected), the checksum that Google Cloud Storage keeps for every object and
 * that Holdfast therefore uses in leases, ledgers and manifests. Node has only the CRC-32 of zip. "Slicing by 16": sixteen
 * tables, four words a step; a plain one-table loop is six times slower and would be the slowest part of an upload.
 */

const SLICES = 16;
const tables = buildTables();
/** Typed arrays read words in the machine's order; the fast path below is written for little-endian, as all our targets are. */
const isLittleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

function buildTables(): Int32Array {
  const built = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    built[byte] = crc;
  }
  for (let slice = 1; slice < SLICES; slice++) {
    for (let byte = 0; byte < 256; byte++) {
      const shorter = built[(slice - 1) * 256 + byte]!;
      built[slice * 256 + byte] = (shorter >>> 8) ^ built[shorter & 255]!;
    }
  }
  return built;
}

/**
 * CRC-32C of `bytes` as an unsigned 32-bit number. `previous` is the result for the bytes that came before, so that
 * `crc32c(b, crc32c(a))` equals the checksum of a followed by b.
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  const end = bytes.length;
  let crc = ~previous;
  let at = 0;
  if (isLittleEndian && end >= 64) {
    // Int32Array needs an aligned start: the first bytes go one by one.
    const head = (4 - (bytes.byteOffset & 3)) & 3;
    crc = crcBytes(bytes, 0, head, crc);
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + head, (end - head) >>> 2);
    const wordsDone = words.length & ~3;
    crc = crcWords(words, wordsDone, crc);
    at = head + wordsDone * 4;
  }
  return ~crcBytes(bytes, at, end, crc) >>> 0;
}

function crcBytes(bytes: Uint8Array, from: number, to: number, start: number): number {
  let crc = start;
  for (let at = from; at < to; at++) crc = tables[(crc ^ bytes[at]!) & 255]! ^ (crc >>> 8);
  return crc;
}

function crcWords(words: Int32Array, count: number, start: number): number {
  const t = tables;
  let crc = start;
  for (let at = 0; at < count; at += 4) {
    const a = words[at]! ^ crc;
    const b = words[at + 1]!;
    const c = words[at + 2]!;
    const d = words[at + 3]!;
    crc =
      t[3840 + (a & 255)]! ^
      t[3584 + ((a >>> 8) & 255)]! ^
      t[3328 + ((a >>> 16) & 255)]! ^
      t[3072 + (a >>> 24)]! ^
      t[2816 + (b & 255)]! ^
      t[2560 + ((b >>> 8) & 255)]! ^
      t[2304 + ((b >>> 16) & 255)]! ^
      t[2048 + (b >>> 24)]! ^
      t[1792 + (c & 255)]! ^
      t[1536 + ((c >>> 8) & 255)]! ^
      t[1280 + ((c >>> 16) & 255)]! ^
      t[1024 + (c >>> 24)]! ^
      t[768 + (d & 255)]! ^
      t[512 + ((d >>> 8) & 255)]! ^
      t[256 + ((d >>> 16) & 255)]! ^
      t[d >>> 24]!;
  }
  return crc;
}

/** The number as Google Cloud Storage writes it: base64 of four big-endian bytes. */
export function crc32cToBase64(crc: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(crc >>> 0);
  return bytes.toString('base64');
}

/** Checksum of the whole in the form of the object-store port. */
export function crc32cBase64(bytes: Uint8Array): string {
  return crc32cToBase64(crc32c(bytes));
}

/** The checksum of bytes that come in pieces. */
export class Crc32c {
  #crc = 0;

  update(bytes: Uint8Array): this {
    this.#crc = crc32c(bytes, this.#crc);
    return this;
  }

  value(): number {
    return this.#crc;
  }

  base64(): string {
    return crc32cToBase64(this.#crc);
  }
}
