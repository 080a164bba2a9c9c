/** zstd with caps: decompression never yields more than the caller allows, whatever the frame claims. */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { damagedRepository } from './damage.ts';

export const ZSTD_LEVEL = 3;
/** First guess of a buffer: eight times the packed size. What unpacks to more gets it as it comes, up to the bound. */
const GUESSED_RATIO = 8;
const GUESS_BYTES_MIN = 64 * 1024;

export function compress(bytes: Uint8Array, level: number = ZSTD_LEVEL): Buffer {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } });
}

/** @throws HoldfastError repository_damaged for a bad frame or one that unpacks to more than `bytesMax`. */
export function decompress(bytes: Uint8Array, bytesMax: number): Buffer {
  try {
    return zstdDecompressSync(bytes, {
      maxOutputLength: Math.max(1, bytesMax),
      // One buffer for the whole instead of Node's pieces of 16 KiB that are joined at the end; one byte more than
      // needed, for a buffer that is exactly full makes Node ask for another.
      chunkSize: Math.max(64, Math.min(bytesMax, Math.max(GUESS_BYTES_MIN, bytes.length * GUESSED_RATIO)) + 1),
    });
  } catch (cause) {
    throw damagedRepository('A stored object does not decompress to the size that it claims.', cause);
  }
}
