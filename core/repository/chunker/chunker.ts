/**
 * Content-defined chunks with restic's parameters and cut points, so that stock restic deduplicates against ours: Rabin
 * fingerprint over 64 bytes, at least 512 KiB, at most 8 MiB, a cut where 20 bits are zero (docs/format.md, "Chunks").
 */
import { polynomialModulo } from '../format/polynomial.ts';
import { chunkerWasmBase64 } from './chunker-wasm.ts';

export const CHUNK_BYTES_MIN = 512 * 1024;
export const CHUNK_BYTES_MAX = 8 * 1024 * 1024;
const WINDOW_BYTES = 64;
const DATA_AT = 65_536;
/** Bytes that are copied into the module's memory at a time: small enough to stay in the processor's cache. */
const COPY_BYTES = 131_072;
/** Bytes that `hasCut` looks at, and the degree that it is made for: that of all restic's polynomials. */
const STEP_BYTES = 16_384;
const USUAL_DEGREE = 53n;

interface ChunkerExports {
  readonly memory: WebAssembly.Memory;
  scan(start: number, count: number, shift: bigint): number;
  hasCut(start: number): number;
}

export class Chunker {
  readonly #wasm: ChunkerExports;
  readonly #memory: Buffer;
  readonly #shift: bigint;
  readonly #isUsual: boolean;

  /** `polynomialHex` as the repository's config holds it. */
  constructor(polynomialHex: string) {
    const polynomial = BigInt(`0x${polynomialHex}`);
    const degree = BigInt(polynomial.toString(2).length - 1);
    const module = new WebAssembly.Module(Buffer.from(chunkerWasmBase64, 'base64'));
    this.#wasm = new WebAssembly.Instance(module).exports as unknown as ChunkerExports; // what chunker.wat exports
    this.#memory = Buffer.from(this.#wasm.memory.buffer);
    this.#shift = degree - 8n;
    this.#isUsual = degree === USUAL_DEGREE;
    const leaving = new BigUint64Array(this.#wasm.memory.buffer, 0, 256);
    const reducing = new BigUint64Array(this.#wasm.memory.buffer, 2048, 256);
    // Both tables are linear over GF(2): eight entries are computed, the others are sums of those.
    for (let bit = 0; bit < 8; bit += 1) {
      const byte = 1 << bit;
      let digest = polynomialModulo(BigInt(byte), polynomial);
      for (let i = 0; i < WINDOW_BYTES; i += 1) digest = polynomialModulo(digest << 8n, polynomial);
      const high = BigInt(byte) << degree;
      const reduced = polynomialModulo(high, polynomial) | high;
      for (let lower = 0; lower < byte; lower += 1) {
        leaving[byte + lower] = digest ^ leaving[lower]!;
        reducing[byte + lower] = reduced ^ reducing[lower]!;
      }
    }
  }

  /**
   * Length of the first chunk of `data`. `isEnd` says that nothing follows: then the rest is a chunk. Without it and
   * without a cut in the data the answer is undefined: the caller brings more (CHUNK_BYTES_MAX bytes always decide), and
   * may say with `scanned` how many of its first bytes an earlier call has looked at in vain.
   */
  nextLength(data: Uint8Array, isEnd: boolean, scanned = 0): number | undefined {
    const limit = Math.min(data.length, CHUNK_BYTES_MAX);
    const bytes = Buffer.from(data.buffer, data.byteOffset, limit); // as `data`, with a call that copies
    // A cut is possible from the byte on that makes the chunk long enough; its window lies wholly inside the chunk.
    for (let at = Math.max(CHUNK_BYTES_MIN - 1, scanned); at < limit; ) {
      const count = Math.min(COPY_BYTES, limit - at);
      // Not `set`: V8 copies what threads share word by word.
      bytes.copy(this.#memory, DATA_AT - WINDOW_BYTES, at - WINDOW_BYTES, at + count);
      const found = this.#scan(count);
      if (found !== undefined) return at + found;
      at += count;
    }
    return limit === CHUNK_BYTES_MAX || isEnd ? limit : undefined;
  }

  /** Bytes of the copied region up to and with the first cut. */
  #scan(limit: number): number | undefined {
    for (let at = 0; at < limit; ) {
      const count = Math.min(STEP_BYTES, limit - at);
      const isWithout = count === STEP_BYTES && this.#isUsual && this.#wasm.hasCut(at) === 0;
      const found = isWithout ? -1 : this.#wasm.scan(at, count, this.#shift);
      if (found !== -1) return at + found;
      at += count;
    }
    return undefined;
  }
}
