/** zstd with caps: decompression never yields more than the caller allows, whatever the frame claims. */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { damagedRepository } from './damage.ts';
import { ZstdContext } from './zstd-context.ts';

export const ZSTD_LEVEL = 3;
/** First guess of a buffer: eight times the packed size. What unpacks to more gets it as it comes, up to the bound. */
const GUESSED_RATIO = 8;
/** Writers make one; thousands of empty ones would only cost time. */
const FRAMES_MAX = 256;
const GUESS_BYTES_MIN = 64 * 1024;

let compressor: ZstdContext | undefined;
let decompressor: ZstdContext | undefined;

/** One frame. */
export function compress(bytes: Uint8Array, level: number = ZSTD_LEVEL): Buffer {
  if (level === ZSTD_LEVEL) {
    compressor ??= ZstdContext.forCompression(ZSTD_LEVEL);
    const packed = compressor.compress(bytes);
    if (packed !== undefined) return packed;
  }
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } });
}

/**
 * One or several frames, as restic and rustic read them, unpacked to at most `bytesMax`.
 * @throws HoldfastError repository_damaged for a bad frame or for more than that.
 */
export function decompress(bytes: Uint8Array, bytesMax: number): Buffer {
  decompressor ??= ZstdContext.forDecompression();
  // A blob says its size. What is large, unusual or damaged goes the long way, which says what is the matter.
  const quick = decompressor.decompress(bytes, bytesMax);
  if (quick !== undefined) return quick;
  try {
    let { plain, taken } = decompressFrame(bytes, bytesMax);
    // Node stops after the first frame and says nothing of the rest.
    for (let frames = 1; taken < bytes.length; frames += 1) {
      if (frames === FRAMES_MAX) throw new Error('too many frames');
      const next = decompressFrame(bytes.subarray(taken), bytesMax - plain.length);
      plain = Buffer.concat([plain, next.plain]);
      taken += next.taken;
    }
    return plain;
  } catch (cause) {
    throw damagedRepository('A stored object does not decompress to the size that it claims.', cause);
  }
}

function decompressFrame(bytes: Uint8Array, bytesMax: number): { plain: Buffer; taken: number } {
  const { buffer, engine } = zstdDecompressSync(bytes, {
    info: true,
    maxOutputLength: Math.max(1, bytesMax),
    // One buffer for the whole instead of Node's pieces of 16 KiB that are joined at the end; one byte more than
    // needed, for a buffer that is exactly full makes Node ask for another.
    chunkSize: Math.max(64, Math.min(bytesMax, Math.max(GUESS_BYTES_MIN, bytes.length * GUESSED_RATIO)) + 1),
  }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } }; // what `info` changes is not in the types
  if (engine.bytesWritten === 0) throw new Error('no frame');
  return { plain: buffer, taken: engine.bytesWritten };
}
