/** What was decompressed so far, which is also what later matches copy from. It grows as it is filled, up to a bound. */
const FIRST_BYTES_MIN = 64 * 1024;
/** As a rule text packs to no less than this part. */
const GUESSED_RATIO = 8;
/** Below this a loop is faster than a call. */
const LOOP_BYTES_MAX = 24;

export class Output {
  readonly #bytesMax: number;
  #bytes: Uint8Array;
  #size = 0;
  #frameStart = 0;

  constructor(bytesMax: number, packedBytes: number) {
    this.#bytesMax = bytesMax;
    this.#bytes = new Uint8Array(Math.min(bytesMax, Math.max(FIRST_BYTES_MIN, packedBytes * GUESSED_RATIO)));
  }

  get size(): number {
    return this.#size;
  }

  /** Matches reach no further back than this. */
  beginFrame(): void {
    this.#frameStart = this.#size;
  }

  /** All of it: a view when little room is left over, else a copy. */
  bytes(): Uint8Array {
    return this.#bytes.length === this.#size ? this.#bytes : this.#bytes.slice(0, this.#size);
  }

  from(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.#size);
  }

  /** Makes room for more. @throws Error past the bound. */
  reserve(more: number): void {
    const needed = this.#size + more;
    if (needed > this.#bytesMax) throw new Error('more than it may be');
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.min(this.#bytesMax, Math.max(needed, this.#bytes.length * 2)));
    grown.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = grown;
  }

  append(piece: Uint8Array): void {
    this.reserve(piece.length);
    this.#bytes.set(piece, this.#size);
    this.#size += piece.length;
  }

  appendRange(source: Uint8Array, start: number, length: number): void {
    this.reserve(length);
    if (length > LOOP_BYTES_MAX) this.#bytes.set(source.subarray(start, start + length), this.#size);
    else {
      const bytes = this.#bytes;
      const to = this.#size;
      for (let at = 0; at < length; at += 1) bytes[to + at] = source[start + at]!;
    }
    this.#size += length;
  }

  repeat(byte: number, length: number): void {
    this.reserve(length);
    this.#bytes.fill(byte, this.#size, this.#size + length);
    this.#size += length;
  }

  /** Repeats what lies `offset` bytes back; a copy longer than that repeats itself. @throws Error past the beginning. */
  copyMatch(offset: number, length: number): void {
    if (offset > this.#size - this.#frameStart) throw new Error('a match before the beginning');
    this.reserve(length);
    const bytes = this.#bytes;
    const to = this.#size;
    const from = to - offset;
    if (length > LOOP_BYTES_MAX && offset >= length) bytes.copyWithin(to, from, from + length);
    else for (let at = 0; at < length; at += 1) bytes[to + at] = bytes[from + at]!;
    this.#size = to + length;
  }
}
