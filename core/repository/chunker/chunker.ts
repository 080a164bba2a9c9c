/**
 * Content-defined chunks with restic's parameters and cut points, so that stock restic deduplicates against ours: Rabin
 * fingerprint over 64 bytes, at least 512 KiB, at most 8 MiB, a cut where 20 bits are zero (docs/format.md, "Chunks").
 */
import { polynomialModulo } from '../format/polynomial.ts';
import { chunkerWasmBase64 } from './chunker-wasm.ts';
import { wasmExports } from '../../base/wasm-exports.ts';

export const CHUNK_BYTES_MIN = 512 * 1024;
export const CHUNK_BYTES_MAX = 8 * 1024 * 1024;
const WINDOW_BYTES = 64;
/** Bytes that `firstCut` looks at, and the degree that it is made for: that of all restic's polynomials. */
const BLOCK_BYTES = 33_792;
const USUAL_DEGREE = 53n;
/** Places in the module's memory: see chunker.wat. */
const REDUCING_AT = 2048;
const HALVES_AT = 4096;
const DATA_AT = 16_384;
/** Bytes of a digest beside others of its kind, and by how many bits it is shifted there. */
const DIGEST_BYTES = 7;
const DIGEST_SHIFT = 3n;

interface ChunkerExports {
  readonly memory: WebAssembly.Memory;
  scan(count: number, shift: bigint): number;
  firstCut(): number;
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
    this.#wasm = wasmExports<ChunkerExports>(module, ['memory', 'scan', 'firstCut']);
    this.#memory = Buffer.from(this.#wasm.memory.buffer);
    this.#shift = degree - 8n;
    this.#isUsual = degree === USUAL_DEGREE;
    const leaving = new BigUint64Array(this.#wasm.memory.buffer, 0, 256);
    const reducing = new BigUint64Array(this.#wasm.memory.buffer, REDUCING_AT, 256);
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
    this.#fillHalves([reducing, leaving]);
  }

  /** The same tables by halves of a byte, and of each byte of a digest apart. */
  #fillHalves(tables: readonly BigUint64Array[]): void {
    let at = HALVES_AT;
    for (let byte = 0; byte < DIGEST_BYTES; byte += 1)
      for (const table of tables)
        for (const factor of [1, 16])
          for (let half = 0; half < 16; half += 1) {
            const digest = table[half * factor]! << DIGEST_SHIFT;
            this.#memory[at] = Number((digest >> BigInt(8 * byte)) & 0xffn);
            at += 1;
          }
  }

  /**
   * Length of the first chunk of `data`. `isEnd` says that nothing follows: then the rest is a chunk. Without it and
   * without a cut in the data the answer is undefined: the caller brings more (CHUNK_BYTES_MAX bytes always decide), and
   * may say with `scanned` how many of its first bytes an earlier call has looked at in vain.
   */
  nextLength(data: Uint8Array, isEnd: boolean, scanned = 0): number | undefined {
    const limit = Math.min(data.length, CHUNK_BYTES_MAX);
    // A cut is possible from the byte on that makes the chunk long enough; its window lies wholly inside the chunk.
    const first = CHUNK_BYTES_MIN - 1;
    const bytes = Buffer.from(data.buffer, data.byteOffset, limit); // as `data`, with a call that copies
    for (let at = Math.max(first, scanned); at < limit; ) {
      const end = Math.min(at + BLOCK_BYTES, limit);
      // The last block reaches back, over bytes that have no cut.
      const isBlock = this.#isUsual && end - BLOCK_BYTES >= first;
      const start = isBlock ? end - BLOCK_BYTES : at;
      // Not `set`: V8 copies what threads share word by word.
      bytes.copy(this.#memory, DATA_AT - WINDOW_BYTES, start - WINDOW_BYTES, end);
      const found = isBlock ? this.#wasm.firstCut() : this.#wasm.scan(end - start, this.#shift);
      if (found !== -1) return start + found;
      at = end;
    }
    return limit === CHUNK_BYTES_MAX || isEnd ? limit : undefined;
  }
}
