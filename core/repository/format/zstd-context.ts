/**
 * zstd for small inputs with one context a thread. Node's one-shot calls make a new context, a stream object and its buffers
 * for every call, which costs as much as compressing some kilobytes. Node offers no synchronous call on a context that is
 * kept, so this uses the one below its streams; where that is not as expected (another version of Node), or anything about
 * an input is unusual, `run` answers undefined and the caller takes the one-shot call.
 */
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';

/** Larger inputs gain nothing, and the room for them would be held for ever. */
const INPUT_BYTES_MAX = 256 * 1024;
/** zstd's own bound for incompressible input of that size, and one byte by which an overflow is seen. */
const OUTPUT_BYTES = INPUT_BYTES_MAX + (INPUT_BYTES_MAX >>> 8) + 1024;

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
  reset(): void;
}

interface Engine {
  readonly _handle: Handle;
  /** After a call: room left in the output, input not taken. */
  readonly _writeState: Uint32Array;
  on(event: 'error', listener: () => void): void;
}

export class ZstdContext {
  readonly #make: () => Engine;
  readonly #flush: number;
  readonly #output = Buffer.allocUnsafeSlow(OUTPUT_BYTES);
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

  static forDecompression(): ZstdContext {
    return new ZstdContext(() => createZstdDecompress(), constants.ZSTD_e_continue);
  }

  /** The one frame of these bytes; undefined when they must go the long way. */
  compress(input: Uint8Array): Buffer | undefined {
    const size = this.#run(input, OUTPUT_BYTES);
    // A full output may not be all of it.
    return size === undefined || size === OUTPUT_BYTES ? undefined : this.#copy(size);
  }

  /** The contents of one frame that holds exactly `bytes` bytes; undefined for anything else, which goes the long way. */
  decompress(input: Uint8Array, bytes: number): Buffer | undefined {
    if (bytes >= OUTPUT_BYTES) return undefined;
    // One byte more than there may be: what is longer shows itself. What is cut off gives less.
    const size = this.#run(input, bytes + 1);
    return size === bytes ? this.#copy(size) : undefined;
  }

  #copy(size: number): Buffer {
    return Buffer.from(this.#output.subarray(0, size));
  }

  /** Bytes that came out of the whole input; undefined when the input was not taken as one frame. */
  #run(input: Uint8Array, room: number): number | undefined {
    if (!this.#isUsable || input.length === 0 || input.length > INPUT_BYTES_MAX) return undefined;
    const engine = (this.#engine ??= this.#open());
    if (engine === undefined) return undefined;
    engine._handle.writeSync(this.#flush, input, 0, input.length, this.#output, 0, room);
    const [left = 0, inputLeft = 1] = engine._writeState;
    if (this.#hasFailed) {
      // A context that met a bad frame is not used again.
      this.#engine = undefined;
      this.#hasFailed = false;
      return undefined;
    }
    engine._handle.reset();
    return inputLeft === 0 ? room - left : undefined;
  }

  #open(): Engine | undefined {
    const engine = this.#make();
    const { _handle: handle, _writeState: state } = engine;
    if (typeof handle?.writeSync === 'function' && typeof handle.reset === 'function' && state instanceof Uint32Array) {
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
