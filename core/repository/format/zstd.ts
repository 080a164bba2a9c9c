/** zstd with caps: decompression never yields more than the caller allows, whatever the frame claims. */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { damagedRepository } from './damage.ts';
import { ZstdContext } from './zstd-context.ts';

export const ZSTD_LEVEL = 3;
/** Two thirds of the time, or less; of lists of ids it also makes less: short matches among them only cost. */
export const ZSTD_QUICK_LEVEL = 1;
/** First guess of a buffer: eight times the packed size. What unpacks to more gets it as it comes, up to the bound. */
const GUESSED_RATIO = 8;
/** Writers make one; thousands of empty ones would only cost time. */
const FRAMES_MAX = 256;
const GUESS_BYTES_MIN = 64 * 1024;

/** One a level that was asked for. */
const compressors = new Map<number, ZstdContext>();
let decompressor: ZstdContext | undefined;

/** One frame. */
export function compress(bytes: Uint8Array): Buffer {
  return Buffer.from(compressView(bytes));
}

/**
 * As compress, but what it gives is true only until the next call with the same level on this thread: for those who copy it at
 * once.
 */
export function compressView(bytes: Uint8Array, level = ZSTD_LEVEL): Buffer {
  let compressor = compressors.get(level);
  if (compressor === undefined) {
    compressor = ZstdContext.forCompression(level);
    compressors.set(level, compressor);
  }
  return (
    compressor.compress(bytes) ?? zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } })
  );
}

/** One frame of pieces that come one by one, `bytes` in all; in pieces, too. For large texts: it makes a context of its own. */
export function compressPieces(pieces: Iterable<Uint8Array>, bytes: number, level = ZSTD_LEVEL): readonly Buffer[] {
  const context = ZstdContext.forFrame(level, bytes);
  if (context.isUsable) return context.compressPieces(pieces);
  return [compress(Buffer.concat(Array.from(pieces, (piece) => Buffer.from(piece))))];
}

/**
 * One or several frames, as restic and rustic read them, unpacked to at most `bytesMax`.
 * @throws HoldfastError repository_damaged for a bad frame or for more than that.
 */
export function decompress(bytes: Uint8Array, bytesMax: number): Buffer {
  decompressor ??= ZstdContext.forDecompression();
  // A blob says its size. What is large, unusual or damaged goes the long way, which says what is the matter.
  const quick = decompressor.decompress(bytes, bytesMax);
  return quick === undefined ? decompressSlowly(bytes, bytesMax) : Buffer.from(quick);
}

/** As decompress, but what it gives is true only until the next call on this thread. */
export function decompressView(bytes: Uint8Array, bytesMax: number): Buffer {
  decompressor ??= ZstdContext.forDecompression();
  return decompressor.decompress(bytes, bytesMax) ?? decompressSlowly(bytes, bytesMax);
}

/**
 * As decompress, of one frame, in pieces that are each true until the next; undefined, and then no more, for anything that is
 * unusual or damaged, of which `decompress` tells what is the matter. Nothing else may be decompressed on this thread before
 * the last piece was taken, or `return` called.
 */
export function* decompressPieces(bytes: Uint8Array, bytesMax: number): Generator<Uint8Array | undefined, void, void> {
  decompressor ??= ZstdContext.forDecompression();
  let total = 0;
  for (const piece of decompressor.pieces(bytes)) {
    total += piece?.length ?? 0;
    if (total > bytesMax) return yield undefined;
    yield piece;
  }
}

/**
 * As decompress, of what unpacks to exactly `length` bytes, into `target` from `offset` on, where there must be room for one
 * byte more. @throws HoldfastError repository_damaged, also for another length.
 */
export function decompressInto(bytes: Uint8Array, target: Buffer, offset: number, length: number): void {
  decompressor ??= ZstdContext.forDecompression();
  if (decompressor.decompressInto(bytes, target, offset, length)) return;
  const plain = decompressSlowly(bytes, length);
  if (plain.length !== length)
    throw damagedRepository('A stored object does not decompress to the size that it claims.');
  target.set(plain, offset);
}

function decompressSlowly(bytes: Uint8Array, bytesMax: number): Buffer {
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
