/** Decoding tables of zstd's two entropy coders (RFC 8878, sections 4.1 and 4.2): FSE states and Huffman codes. */
import type { BitReader } from './bit-reader.ts';

/** One state is `symbol | bits << 8 | base << 16`: read `bits`, add them to `base`, that is the next state. */
export interface FseTable {
  readonly states: Int32Array;
  readonly accuracyLog: number;
}

/** One entry is `symbol | bits << 8`, by the next `bitsMax` bits of the stream. */
export interface HuffmanTable {
  readonly entries: Uint16Array;
  readonly bitsMax: number;
}

const HUFFMAN_BITS_MAX = 11;
const WEIGHTS_ACCURACY_MAX = 6;
const WEIGHTS_MAX = 255;

/** A table with one symbol: no bits are read. */
export function fseOfOne(symbol: number): FseTable {
  return { states: Int32Array.of(symbol), accuracyLog: 0 };
}

/** The states for probabilities, in which -1 stands for "less than one". @throws Error when they do not fill the table. */
export function fseOf(probabilities: ArrayLike<number>, accuracyLog: number): FseTable {
  const size = 1 << accuracyLog;
  const symbols = new Uint8Array(size);
  const next = new Uint16Array(probabilities.length);
  let high = size;
  for (let symbol = 0; symbol < probabilities.length; symbol += 1) {
    if (probabilities[symbol] !== -1) continue;
    symbols[--high] = symbol;
    next[symbol] = 1;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  for (let symbol = 0; symbol < probabilities.length; symbol += 1) {
    const count = probabilities[symbol]!;
    if (count <= 0) continue;
    next[symbol] = count;
    for (let made = 0; made < count; made += 1) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= high);
    }
  }
  if (at !== 0) throw new Error('probabilities that do not fill their table');
  const states = new Int32Array(size);
  for (let state = 0; state < size; state += 1) {
    const symbol = symbols[state]!;
    const value = next[symbol]!;
    next[symbol] = value + 1;
    const bits = accuracyLog - (31 - Math.clz32(value));
    states[state] = symbol | (bits << 8) | (((value << bits) - size) << 16);
  }
  return { states, accuracyLog };
}

/** Reads a table's description at `start`; `end` is behind its last byte. @throws Error for a malformed one. */
export function readFse(
  input: Uint8Array,
  start: number,
  limit: number,
  accuracyMax: number,
  symbolsMax: number,
): { table: FseTable; end: number } {
  // Forwards, lowest bit first. The padding makes reading a little too far harmless; `end` is compared below.
  let bit = 0;
  const peek = (count: number): number => {
    const at = start + (bit >> 3);
    const word = input[at]! | (input[at + 1]! << 8) | (input[at + 2]! << 16) | (input[at + 3]! << 24);
    return (word >>> (bit & 7)) & ((1 << count) - 1);
  };
  const accuracyLog = peek(4) + 5;
  bit = 4;
  if (accuracyLog > accuracyMax) throw new Error('a table that is larger than it may be');
  const probabilities: number[] = [];
  let remaining = 1 << accuracyLog;
  while (remaining > 0) {
    if (start + (bit >> 3) >= limit || probabilities.length >= symbolsMax) throw new Error('a table that is cut off');
    const bits = 32 - Math.clz32(remaining + 1);
    const lowMask = (1 << (bits - 1)) - 1;
    const threshold = (1 << bits) - 2 - remaining;
    let value = peek(bits);
    if ((value & lowMask) < threshold) {
      value &= lowMask;
      bit += bits - 1;
    } else {
      if (value > lowMask) value -= threshold;
      bit += bits;
    }
    remaining -= Math.abs(value - 1);
    probabilities.push(value - 1);
    if (value !== 1) continue;
    for (let repeat = 3; repeat === 3; ) {
      repeat = peek(2);
      bit += 2;
      if (probabilities.length + repeat > symbolsMax) throw new Error('a table with too many symbols');
      for (let zero = 0; zero < repeat; zero += 1) probabilities.push(0);
    }
  }
  const end = start + ((bit + 7) >> 3);
  if (remaining < 0 || end > limit) throw new Error('a table that is cut off');
  return { table: fseOf(probabilities, accuracyLog), end };
}

/** Reads a tree's description at `start`; `end` is behind its last byte. @throws Error for a malformed one. */
export function readHuffman(
  input: Uint8Array,
  bits: BitReader,
  start: number,
  limit: number,
): { table: HuffmanTable; end: number } {
  if (start >= limit) throw new Error('a tree that is cut off');
  const header = input[start]!;
  const count = header - 127;
  const end = start + 1 + (header < 128 ? header : (count + 1) >> 1);
  if (end > limit) throw new Error('a tree that is cut off');
  const weights: number[] = [];
  if (header < 128) readWeights(input, bits, start + 1, end, weights);
  else
    for (let at = 0; at < count; at += 1) {
      const pair = input[start + 1 + (at >> 1)]!;
      weights.push(at % 2 === 0 ? pair >> 4 : pair & 15);
    }
  return { table: huffmanOf(weights), end };
}

/** Two states take turns, until the stream has no bits for the next one. */
function readWeights(input: Uint8Array, bits: BitReader, start: number, end: number, weights: number[]): void {
  const { table, end: streamStart } = readFse(input, start, end, WEIGHTS_ACCURACY_MAX, WEIGHTS_MAX + 1);
  const { states, accuracyLog } = table;
  bits.open(streamStart, end);
  let state = bits.read(accuracyLog);
  let other = bits.read(accuracyLog);
  if (bits.left < 0) throw new Error('weights that are cut off');
  for (;;) {
    const entry = states[state]!;
    weights.push(entry & 0xff);
    if (weights.length > WEIGHTS_MAX) throw new Error('a tree with too many weights');
    const next = (entry >> 16) + bits.read((entry >> 8) & 0xff);
    if (bits.left < 0) break;
    state = other;
    other = next;
  }
  weights.push(states[other]! & 0xff);
  if (weights.length > WEIGHTS_MAX) throw new Error('a tree with too many weights');
}

/** The last symbol's weight is not written: it is what makes the sum a power of two. */
function huffmanOf(weights: number[]): HuffmanTable {
  let sum = 0;
  for (const weight of weights) {
    if (weight > HUFFMAN_BITS_MAX + 1) throw new Error('a tree that is too deep');
    if (weight > 0) sum += 1 << (weight - 1);
  }
  if (sum === 0) throw new Error('a tree without symbols');
  const bitsMax = 32 - Math.clz32(sum);
  const left = (1 << bitsMax) - sum;
  if (bitsMax > HUFFMAN_BITS_MAX || (left & (left - 1)) !== 0) throw new Error('a tree that is not full');
  weights.push(32 - Math.clz32(left));
  const entries = new Uint16Array(1 << bitsMax);
  let at = 0;
  for (let weight = 1; weight <= bitsMax; weight += 1)
    for (let symbol = 0; symbol < weights.length; symbol += 1) {
      if (weights[symbol] !== weight) continue;
      const width = 1 << (weight - 1);
      entries.fill(symbol | ((bitsMax + 1 - weight) << 8), at, at + width);
      at += width;
    }
  return { entries, bitsMax };
}
