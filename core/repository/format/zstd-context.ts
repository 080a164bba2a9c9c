/**
 * zstd with one context a thread. Node's one-shot calls make a new context, a stream object and its buffers for every call,
 * which costs as much as compressing some kilobytes. Node offers no synchronous call on a context that is kept, so this uses
 * the one below its streams; where that is not as expected (another version of Node), or anything about an input is unusual,
 * the answer is undefined and the caller takes the one-shot call.
 *
 * A context that has ended a frame begins the next one by itself, with the same parameters. (Node's own `reset` makes a new
 * context instead, with parameters of its own.) One that has not is thrown away: what it holds would be taken for the
 * beginning of the next frame.
 */
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';

/** The largest chunk. Larger inputs are the listings of enormous folders, and the room for them would be held for ever. */
const INPUT_BYTES_MAX = 8 * 1024 * 1024;
const FIRST_OUTPUT_BYTES = 256 * 1024;
const PIECE_BYTES = 256 * 1024;
/** Frames that need a larger window than this are not what a backup writes, and the context would keep the memory. */
const WINDOW_LOG_MAX = 23;

interface Handle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputLength: number,
    output: Uint8Array,
    outputAt: number,
    outputLength: number,
  ): void;
}

interface Engine {
  readonly _handle: Handle;
  /** After a call: room left in the output, input not taken. */
  readonly _writeState: Uint32Array;
  on(event: 'error', listener: () => void): void;
  /** Gives its memory back. */
  close(): void;
}

export class ZstdContext {
  readonly #make: () => Engine;
  readonly #flush: number;
  #output = Buffer.alloc(0);
  #engine: Engine | undefined;
  #isUsable = true;
  #hasFailed = false;

  private constructor(make: () => unknown, flush: number) {
    this.#make = () => make() as Engine; // what Node's types do not tell is looked at before its first use
    this.#flush = flush;
  }

  static forCompression(level: number): ZstdContext {
    const params = { [constants.ZSTD_c_compressionLevel]: level };
    return new ZstdContext(() => createZstdCompress({ params }), constants.ZSTD_e_end);
  }

  /** For one frame of so many bytes, which says so: readers make room by that. */
  static forFrame(level: number, bytes: number): ZstdContext {
    const options = { params: { [constants.ZSTD_c_compressionLevel]: level }, pledgedSrcSize: bytes };
    return new ZstdContext(() => createZstdCompress(options), constants.ZSTD_e_end);
  }

  static forDecompression(): ZstdContext {
    return new ZstdContext(() => createZstdDecompress(), constants.ZSTD_e_continue);
  }

  /** The one frame of these bytes, which is true until the next call; undefined when they must go the long way. */
  compress(input: Uint8Array): Buffer | undefined {
    if (input.length === 0) return undefined;
    // zstd's own bound for incompressible input, and one byte by which an overflow is seen.
    const room = input.length + (input.length >>> 8) + 1024;
    this.#makeRoom(room);
    const size = this.#run(input, room, this.#output, 0);
    return size === undefined || size === room ? this.#giveUp() : this.#output.subarray(0, size);
  }

  /** Whether this Node's zlib is as expected. */
  get isUsable(): boolean {
    this.#engine ??= this.#open();
    return this.#engine !== undefined;
  }

  /** One frame of pieces that come one by one, and then no other: the context is gone. @throws Error when zlib says no. */
  compressPieces(pieces: Iterable<Uint8Array>): Buffer[] {
    const engine = this.#engine ?? this.#open();
    if (engine === undefined) throw new Error('this Node has another zlib');
    this.#engine = undefined;
    const output = Buffer.allocUnsafeSlow(PIECE_BYTES);
    const frame: Buffer[] = [];
    const put = (flush: number, input: Uint8Array): void => {
      for (let at = 0, isMore = true; isMore; ) {
        engine._handle.writeSync(flush, input, at, input.length - at, output, 0, PIECE_BYTES);
        if (this.#hasFailed) throw new Error('zlib refused to compress');
        const [left = 0, inputLeft = 0] = engine._writeState;
        at = input.length - inputLeft;
        isMore = left === 0 || inputLeft > 0;
        if (left < PIECE_BYTES) frame.push(Buffer.from(output.subarray(0, PIECE_BYTES - left)));
      }
    };
    try {
      for (const piece of pieces) put(constants.ZSTD_e_continue, piece);
      put(this.#flush, Buffer.alloc(0));
      return frame;
    } finally {
      engine.close();
    }
  }

  /**
   * The contents of one whole frame that holds exactly `bytes` bytes, true until the next call; undefined for anything else,
   * which goes the long way.
   */
  decompress(input: Uint8Array, bytes: number): Buffer | undefined {
    if (bytes > INPUT_BYTES_MAX || !isOneFrame(input)) return undefined;
    // One byte more than there may be: what is longer shows itself.
    this.#makeRoom(bytes + 1);
    const size = this.#run(input, bytes + 1, this.#output, 0);
    return size === bytes ? this.#output.subarray(0, size) : this.#giveUp();
  }

  /**
   * As decompress, into `target` from `offset` on, where there must be room for one byte more; false for what goes the long
   * way.
   */
  decompressInto(input: Uint8Array, target: Uint8Array, offset: number, bytes: number): boolean {
    if (bytes > INPUT_BYTES_MAX || !isOneFrame(input)) return false;
    const room = bytes + 1;
    if (offset + room > target.length) throw new RangeError('no room for what is unpacked');
    if (this.#run(input, room, target, offset) === bytes) return true;
    this.#giveUp();
    return false;
  }

  /**
   * The contents of one whole frame in pieces, each true until the next; undefined, and then no more, for what must go the long
   * way. Nothing else may use the context before the last piece was taken, or `return` called.
   */
  *pieces(input: Uint8Array): Generator<Buffer | undefined, void, void> {
    // Pieces come out of a window, which is as large as the contents where a frame says that they are one segment.
    const isFit = isOneFrame(input) && segmentBytes(input) <= INPUT_BYTES_MAX;
    const engine = isFit ? (this.#engine ??= this.#open()) : undefined;
    if (engine === undefined) return yield undefined;
    this.#makeRoom(PIECE_BYTES);
    let isWhole = false;
    try {
      for (let at = 0, isMore = true; isMore; ) {
        const output = this.#output.subarray(0, PIECE_BYTES);
        engine._handle.writeSync(this.#flush, input, at, input.length - at, output, 0, PIECE_BYTES);
        const [left = 0, inputLeft = 1] = engine._writeState;
        isMore = left === 0;
        at = input.length - inputLeft;
        if (this.#hasFailed || (!isMore && inputLeft !== 0)) return yield undefined;
        yield output.subarray(0, PIECE_BYTES - left);
      }
      isWhole = true;
    } finally {
      this.#hasFailed = false;
      if (!isWhole) this.#giveUp();
    }
  }

  /** Nobody knows where in a frame the context is. */
  #giveUp(): undefined {
    this.#engine = undefined;
    return undefined;
  }

  #makeRoom(bytes: number): void {
    if (this.#output.length < bytes)
      this.#output = Buffer.allocUnsafeSlow(Math.max(FIRST_OUTPUT_BYTES, bytes, this.#output.length * 2));
  }

  /** Bytes that came out of the whole input; undefined when the input was not taken as one frame. */
  #run(input: Uint8Array, room: number, output: Uint8Array, offset: number): number | undefined {
    if (!this.#isUsable || input.length > INPUT_BYTES_MAX) return undefined;
    const engine = (this.#engine ??= this.#open());
    if (engine === undefined) return undefined;
    engine._handle.writeSync(this.#flush, input, 0, input.length, output, offset, room);
    const [left = 0, inputLeft = 1] = engine._writeState;
    const hasFailed = this.#hasFailed;
    this.#hasFailed = false;
    return hasFailed || inputLeft !== 0 ? undefined : room - left;
  }

  #open(): Engine | undefined {
    const engine = this.#make();
    const { _handle: handle, _writeState: state } = engine;
    if (typeof handle?.writeSync === 'function' && state instanceof Uint32Array) {
      engine.on('error', () => undefined);
      const raw = handle as unknown as { onerror: (...details: unknown[]) => void };
      raw.onerror = () => {
        this.#hasFailed = true;
      };
      return engine;
    }
    this.#isUsable = false;
    return undefined;
  }
}

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const BLOCK_HEADER_BYTES = 3;
const RLE_BLOCK = 1;

/** Bytes of a frame's one segment; 0 when its window is a size of its own. */
function segmentBytes(frame: Uint8Array): number {
  const descriptor = frame[4]!;
  if ((descriptor & 0x20) === 0) return 0;
  const bytes = CONTENT_SIZE_BYTES[(descriptor >>> 6) as 0 | 1 | 2 | 3];
  const at = 5 + DICTIONARY_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3];
  return bytes < 4 ? 2 ** 16 + 255 : new DataView(frame.buffer, frame.byteOffset + at).getUint32(0, true);
}

/** Whether the bytes are one frame from its magic number to its very end (RFC 8878, section 3.1.1), in a window of usual size. */
function isOneFrame(bytes: Uint8Array): boolean {
  if (bytes.length < 6) return false;
  const descriptor = bytes[4]!;
  if (!MAGIC.every((byte, at) => bytes[at] === byte)) return false;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  if (!isSingleSegment && 10 + (bytes[5]! >>> 3) >= WINDOW_LOG_MAX) return false;
  const contentSize = CONTENT_SIZE_BYTES[(descriptor >>> 6) as 0 | 1 | 2 | 3];
  let at = 5 + (isSingleSegment ? 0 : 1) + DICTIONARY_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3];
  at += isSingleSegment && contentSize === 0 ? 1 : contentSize;
  for (;;) {
    if (at + BLOCK_HEADER_BYTES > bytes.length) return false;
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    const type = (header >>> 1) & 3;
    at += BLOCK_HEADER_BYTES + (type === RLE_BLOCK ? 1 : header >>> 3);
    if (type > 2) return false;
    if ((header & 1) === 1) break;
  }
  return at + ((descriptor & 4) !== 0 ? 4 : 0) === bytes.length;
}
