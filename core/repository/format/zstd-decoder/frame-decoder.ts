/** One zstd frame after another, into one growing output of bounded size (RFC 8878, section 3). */
import { BitReader, PADDING } from './bit-reader.ts';
import { BlockDecoder } from './block-decoder.ts';
import { Output } from './output.ts';
import { xxh64 } from './xxh64.ts';

const MAGIC = 0xfd2f_b528;
const SKIPPABLE = 0x184d_2a50;
const BLOCK_BYTES_MAX = 128 * 1024;
/** Writers make one; thousands of empty ones would only cost time. */
const FRAMES_MAX = 256;

interface FrameHeader {
  readonly contentBytes: number | undefined;
  readonly blockBytesMax: number;
  readonly hasChecksum: boolean;
  /** Behind the header. */
  readonly end: number;
}

/**
 * The contents of all frames in `bytes`. No claim of a frame makes it take more memory than `bytesMax` and a little.
 * @throws Error for anything that is no zstd, is cut off, or holds more than `bytesMax`.
 */
export function decodeFrames(bytes: Uint8Array, bytesMax: number): Uint8Array {
  const input = new Uint8Array(PADDING + bytes.length + PADDING);
  input.set(bytes, PADDING);
  const output = new Output(bytesMax, bytes.length);
  let frames = 0;
  for (let at = PADDING; at < PADDING + bytes.length || frames === 0; frames += 1) {
    if (frames === FRAMES_MAX) throw new Error('too many frames');
    at = decodeFrame(input, at, PADDING + bytes.length, output);
  }
  return output.bytes();
}

function decodeFrame(input: Uint8Array, start: number, limit: number, output: Output): number {
  if (start + 8 > limit) throw new Error('a frame that is cut off');
  const view = new DataView(input.buffer);
  const magic = view.getUint32(start, true);
  if ((magic & 0xffff_fff0) >>> 0 === SKIPPABLE) {
    const end = start + 8 + view.getUint32(start + 4, true);
    if (end > limit) throw new Error('a frame that is cut off');
    return end;
  }
  if (magic !== MAGIC) throw new Error('no zstd frame');
  const header = readHeader(input, start + 4, limit);
  if (header.contentBytes !== undefined) output.reserve(header.contentBytes);
  const frameStart = output.size;
  output.beginFrame();
  let at = decodeBlocks(input, header, limit, output);
  if (header.contentBytes !== undefined && output.size - frameStart !== header.contentBytes)
    throw new Error('a frame of another size than it says');
  if (header.hasChecksum) {
    if (at + 4 > limit) throw new Error('a frame that is cut off');
    const found = Number(xxh64(output.from(frameStart)) & 0xffff_ffffn);
    if (view.getUint32(at, true) !== found) throw new Error('a frame with another checksum');
    at += 4;
  }
  return at;
}

function readHeader(input: Uint8Array, start: number, limit: number): FrameHeader {
  const descriptor = input[start]!;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x08) !== 0) throw new Error('a frame of an unknown kind');
  let at = start + 1;
  let windowBytes = 0;
  if (!isSingleSegment) {
    const window = input[at++]!;
    const base = 2 ** (10 + (window >> 3));
    windowBytes = base + (base / 8) * (window & 7);
  }
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  for (let byte = 0; byte < dictionaryBytes; byte += 1)
    if (input[at + byte] !== 0) throw new Error('a frame that needs a dictionary');
  at += dictionaryBytes;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  let contentBytes: number | undefined;
  if (sizeBytes > 0) {
    contentBytes = sizeBytes === 2 ? 256 : 0;
    for (let byte = 0; byte < sizeBytes; byte += 1) contentBytes += input[at + byte]! * 256 ** byte;
  }
  at += sizeBytes;
  if (at > limit) throw new Error('a frame that is cut off');
  const window = isSingleSegment ? (contentBytes ?? 0) : windowBytes;
  return {
    contentBytes,
    blockBytesMax: Math.min(BLOCK_BYTES_MAX, window),
    hasChecksum: (descriptor & 4) !== 0,
    end: at,
  };
}

function decodeBlocks(input: Uint8Array, header: FrameHeader, limit: number, output: Output): number {
  const blocks = new BlockDecoder(input, new BitReader(input), output);
  for (let at = header.end, isLast = false; ; ) {
    if (isLast) return at;
    if (at + 3 > limit) throw new Error('a frame that is cut off');
    const word = input[at]! | (input[at + 1]! << 8) | (input[at + 2]! << 16);
    isLast = (word & 1) === 1;
    const type = (word >> 1) & 3;
    const size = word >> 3;
    at += 3;
    if (size > header.blockBytesMax || type === 3) throw new Error('a block that is larger than it may be');
    const stored = type === 1 ? 1 : size;
    if (at + stored > limit) throw new Error('a frame that is cut off');
    const before = output.size;
    if (type === 0) output.append(input.subarray(at, at + size));
    else if (type === 1) output.repeat(input[at]!, size);
    else blocks.decode(at, at + size);
    if (output.size - before > header.blockBytesMax) throw new Error('a block that holds more than it may');
    at += stored;
  }
}
