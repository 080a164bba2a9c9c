/** zstd with caps: decompression never yields more than the caller allows, whatever the frame claims. */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { damagedRepository } from './damage.ts';

export const ZSTD_LEVEL = 3;

export function compress(bytes: Uint8Array, level: number = ZSTD_LEVEL): Buffer {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } });
}

/** @throws HoldfastError repository_damaged for a bad frame or one that unpacks to more than `bytesMax`. */
export function decompress(bytes: Uint8Array, bytesMax: number): Buffer {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, bytesMax) });
  } catch (cause) {
    throw damagedRepository('A stored object does not decompress to the size that it claims.', cause);
  }
}
