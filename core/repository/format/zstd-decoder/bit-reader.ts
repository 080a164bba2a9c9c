/**
 * Bits of a zstd stream that is read backwards (RFC 8878, section 4.1): the last byte's highest set bit ends the stream, and
 * what was written last is read first. The input has PADDING bytes before and behind it, so that no read needs a bound:
 * one that goes past the stream's beginning sees foreign bits, and `isSpent` then says no.
 */
export const PADDING = 8;

export class BitReader {
  readonly #input: Uint8Array;
  #base = 0;
  /** Bits that are left; below zero when more was read than there is. */
  left = 0;

  constructor(input: Uint8Array) {
    this.#input = input;
  }

  /** Begins the stream that lies in [start, end). @throws Error when it is empty or has no end mark. */
  open(start: number, end: number): void {
    const last = end > start ? this.#input[end - 1]! : 0;
    if (last === 0) throw new Error('a bit stream without its end mark');
    this.#base = start;
    this.left = (end - start) * 8 - 1 - Math.clz32(last << 24);
  }

  /** The next `count` bits, at most 24, which stay. */
  peek(count: number): number {
    const from = this.left - count;
    const at = this.#base + (from >> 3);
    const input = this.#input;
    const word = input[at]! | (input[at + 1]! << 8) | (input[at + 2]! << 16) | (input[at + 3]! << 24);
    return (word >>> (from & 7)) & ((1 << count) - 1);
  }

  /** The next `count` bits, at most 32. @throws Error when the stream ended long ago. */
  read(count: number): number {
    if (count > 16) return this.read(count - 16) * 65_536 + this.read(16);
    const bits = this.peek(count);
    this.left -= count;
    // The padding covers what one read may go too far, not more.
    if (this.left < -32) throw new Error('a bit stream that is cut off');
    return bits;
  }

  get isSpent(): boolean {
    return this.left === 0;
  }
}
