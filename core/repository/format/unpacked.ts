/** "Unpacked" files: snapshots, indexes and locks. Plaintext is JSON, or in version 2 one byte 2 and a zstd frame of it. */
import { damagedRepository } from './damage.ts';
import { compress, decompress } from './zstd.ts';

const COMPRESSED = 2;

export function encodeUnpacked(json: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(COMPRESSED), compress(json)]);
}

/** @throws HoldfastError repository_damaged for anything but raw JSON or the compressed form. */
export function decodeUnpacked(plaintext: Uint8Array, bytesMax: number): Buffer {
  const first = plaintext[0];
  if (first === COMPRESSED) return decompress(plaintext.subarray(1), bytesMax);
  if (first === 0x7b || first === 0x5b) {
    return Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.byteLength);
  }
  throw damagedRepository('A stored file is neither JSON nor compressed JSON.');
}
