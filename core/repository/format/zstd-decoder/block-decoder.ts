/** Compressed blocks of one frame: literals, then sequences that weave them with matches (RFC 8878, section 3.1.1.3). */
import type { BitReader } from './bit-reader.ts';
import { type FseTable, fseOf, fseOfOne, type HuffmanTable, readFse, readHuffman } from './entropy-tables.ts';
import type { Output } from './output.ts';

const LITERALS_BYTES_MAX = 128 * 1024;

/** Codes of lengths: up to the first table's beginning the code is the length (less the least one), then base and bits. */
const LITERAL_BASES = [
  16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536,
];
const LITERAL_BITS = [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const MATCH_BASES = [
  35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539,
];
const MATCH_BITS = [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

interface LengthCodes {
  readonly bases: Int32Array;
  readonly bits: Uint8Array;
}

function lengthCodes(least: number, direct: number, bases: readonly number[], bits: readonly number[]): LengthCodes {
  const codes = { bases: new Int32Array(direct + bases.length), bits: new Uint8Array(direct + bases.length) };
  for (let code = 0; code < direct; code += 1) codes.bases[code] = code + least;
  codes.bases.set(bases, direct);
  codes.bits.set(bits, direct);
  return codes;
}

const LITERAL_CODES = lengthCodes(0, 16, LITERAL_BASES, LITERAL_BITS);
const MATCH_CODES = lengthCodes(3, 32, MATCH_BASES, MATCH_BITS);

/** `times` repeats of a probability: the predefined distributions are mostly runs. */
const run = (probability: number, times: number): number[] => Array.from({ length: times }, () => probability);

/** What the three kinds of codes may be, and their tables when a block brings none (section 3.1.1.3.2.2). */
const KINDS = {
  literal: {
    symbols: 36,
    accuracyMax: 9,
    predefined: fseOf([4, 3, ...run(2, 11), ...run(1, 3), ...run(2, 9), 3, 2, ...run(1, 5), ...run(-1, 4)], 6),
  },
  offset: {
    symbols: 32,
    accuracyMax: 8,
    predefined: fseOf([...run(1, 6), ...run(2, 3), ...run(1, 15), ...run(-1, 5)], 5),
  },
  match: {
    symbols: 53,
    accuracyMax: 9,
    predefined: fseOf([1, 4, 3, ...run(2, 6), ...run(1, 37), ...run(-1, 7)], 6),
  },
} as const;

type Kind = keyof typeof KINDS;

/** Keeps what later blocks of the frame may refer to: tables, the Huffman tree, the last three offsets. */
export class BlockDecoder {
  readonly #input: Uint8Array;
  readonly #bits: BitReader;
  readonly #output: Output;
  readonly #literalsRoom = new Uint8Array(LITERALS_BYTES_MAX);
  readonly #tables: Partial<Record<Kind, FseTable>> = {};
  #huffman: HuffmanTable | undefined;
  /** Numbers and not a list: a list for each match would keep the garbage collector busy. */
  #first = 1;
  #second = 4;
  #third = 8;
  /** Literals of the block at hand, and where they lie. */
  #literals: Uint8Array;
  #literalAt = 0;
  #literalEnd = 0;

  constructor(input: Uint8Array, bits: BitReader, output: Output) {
    this.#input = input;
    this.#bits = bits;
    this.#output = output;
    this.#literals = input;
  }

  /** Appends the contents of the block in [start, end). @throws Error for a malformed one. */
  decode(start: number, end: number): void {
    const at = this.#readLiterals(start, end);
    this.#readSequences(at, end);
    this.#output.appendRange(this.#literals, this.#literalAt, this.#literalEnd - this.#literalAt);
  }

  #readLiterals(start: number, end: number): number {
    if (start >= end) throw new Error('a block without literals');
    const input = this.#input;
    const type = input[start]! & 3;
    const format = (input[start]! >> 2) & 3;
    if (type >= 2) return this.#readPackedLiterals(start, end, type === 3, format);
    const headerBytes = [1, 2, 1, 3][format]!;
    const size = lowBits(input, start, headerBytes) >> (format % 2 === 0 ? 3 : 4);
    const at = start + headerBytes;
    const stored = type === 1 ? 1 : size;
    if (size > LITERALS_BYTES_MAX || at + stored > end) throw new Error('literals that are cut off');
    if (type === 0) this.#setLiterals(input, at, size);
    else {
      this.#literalsRoom.fill(input[at]!, 0, size);
      this.#setLiterals(this.#literalsRoom, 0, size);
    }
    return at + stored;
  }

  #readPackedLiterals(start: number, end: number, isTreeless: boolean, format: number): number {
    const headerBytes = [3, 3, 4, 5][format]!;
    const sizeBits = [10, 10, 14, 18][format]!;
    // Forty bits at most: more than a bitwise operator holds.
    const header =
      lowBits(this.#input, start, Math.min(4, headerBytes)) +
      (headerBytes === 5 ? this.#input[start + 4]! * 2 ** 32 : 0);
    const size = Math.floor(header / 16) % 2 ** sizeBits;
    const packed = Math.floor(header / 2 ** (4 + sizeBits));
    let at = start + headerBytes;
    const limit = at + packed;
    if (size > LITERALS_BYTES_MAX || limit > end) throw new Error('literals that are cut off');
    if (!isTreeless) {
      const { table, end: treeEnd } = readHuffman(this.#input, this.#bits, at, limit);
      this.#huffman = table;
      at = treeEnd;
    }
    if (this.#huffman === undefined) throw new Error('literals without a tree');
    if (format === 0) this.#decodeStream(this.#huffman, at, limit, 0, size);
    else this.#decodeFourStreams(this.#huffman, at, limit, size);
    this.#setLiterals(this.#literalsRoom, 0, size);
    return limit;
  }

  #setLiterals(source: Uint8Array, at: number, size: number): void {
    this.#literals = source;
    this.#literalAt = at;
    this.#literalEnd = at + size;
  }

  #decodeFourStreams(huffman: HuffmanTable, start: number, limit: number, size: number): void {
    const part = (size + 3) >> 2;
    let at = start + 6;
    if (at > limit || part * 3 > size) throw new Error('literals that are cut off');
    for (let stream = 0; stream < 4; stream += 1) {
      const end = stream === 3 ? limit : at + lowBits(this.#input, start + stream * 2, 2);
      if (end > limit) throw new Error('literals that are cut off');
      this.#decodeStream(huffman, at, end, part * stream, stream === 3 ? size : part * (stream + 1));
      at = end;
    }
  }

  #decodeStream({ entries, bitsMax }: HuffmanTable, start: number, end: number, from: number, to: number): void {
    const bits = this.#bits;
    const room = this.#literalsRoom;
    const input = this.#input;
    bits.open(start, end);
    const mask = entries.length - 1;
    // BitReader.peek, written out: half of the time that decompressing takes is spent here.
    let left = bits.left - bitsMax;
    for (let at = from; at < to; at += 1) {
      const byte = start + (left >> 3);
      const word = input[byte]! | (input[byte + 1]! << 8) | (input[byte + 2]! << 16);
      const entry = entries[(word >>> (left & 7)) & mask]!;
      room[at] = entry;
      left -= entry >> 8;
      if (left < -bitsMax) throw new Error('literals that are cut off');
    }
    bits.left = left + bitsMax;
    if (!bits.isSpent) throw new Error('literals with bits to spare');
  }

  #readSequences(start: number, end: number): void {
    const input = this.#input;
    if (start >= end) throw new Error('a block without sequences');
    const first = input[start]!;
    let at = start + 1;
    let count = first;
    if (first === 255) {
      count = lowBits(input, at, 2) + 0x7f00;
      at += 2;
    } else if (first >= 128) count = ((first - 128) << 8) + input[at++]!;
    if (count === 0) {
      if (at !== end) throw new Error('a block with bytes to spare');
      return;
    }
    if (at >= end) throw new Error('sequences that are cut off');
    const modes = input[at++]!;
    if ((modes & 3) !== 0) throw new Error('sequences of an unknown kind');
    at = this.#readTable('literal', modes >> 6, at, end);
    at = this.#readTable('offset', (modes >> 4) & 3, at, end);
    at = this.#readTable('match', (modes >> 2) & 3, at, end);
    this.#runSequences(count, at, end);
  }

  #readTable(kind: Kind, mode: number, at: number, end: number): number {
    const { symbols, accuracyMax, predefined } = KINDS[kind];
    if (mode === 0) this.#tables[kind] = predefined;
    else if (mode === 1) {
      const symbol = this.#input[at]!;
      if (at >= end || symbol >= symbols) throw new Error('sequences of an unknown code');
      this.#tables[kind] = fseOfOne(symbol);
      return at + 1;
    } else if (mode === 2) {
      const read = readFse(this.#input, at, end, accuracyMax, symbols);
      this.#tables[kind] = read.table;
      return read.end;
    }
    return at;
  }

  #runSequences(count: number, start: number, end: number): void {
    const { literal, offset, match } = this.#tables;
    if (literal === undefined || offset === undefined || match === undefined)
      throw new Error('sequences without their tables');
    const bits = this.#bits;
    bits.open(start, end);
    let literalState = bits.read(literal.accuracyLog);
    let offsetState = bits.read(offset.accuracyLog);
    let matchState = bits.read(match.accuracyLog);
    for (let sequence = 1; ; sequence += 1) {
      const literalEntry = literal.states[literalState]!;
      const offsetEntry = offset.states[offsetState]!;
      const matchEntry = match.states[matchState]!;
      const offsetCode = offsetEntry & 0xff;
      const literalCode = literalEntry & 0xff;
      const matchCode = matchEntry & 0xff;
      const offsetValue = ((1 << offsetCode) >>> 0) + bits.read(offsetCode);
      const matchLength = MATCH_CODES.bases[matchCode]! + bits.read(MATCH_CODES.bits[matchCode]!);
      const literalLength = LITERAL_CODES.bases[literalCode]! + bits.read(LITERAL_CODES.bits[literalCode]!);
      if (bits.left < 0) throw new Error('sequences that are cut off');
      this.#apply(literalLength, this.#offsetOf(offsetValue, literalLength), matchLength);
      if (sequence === count) break;
      literalState = (literalEntry >> 16) + bits.read((literalEntry >> 8) & 0xff);
      matchState = (matchEntry >> 16) + bits.read((matchEntry >> 8) & 0xff);
      offsetState = (offsetEntry >> 16) + bits.read((offsetEntry >> 8) & 0xff);
    }
    if (!bits.isSpent) throw new Error('sequences with bits to spare');
  }

  #apply(literalLength: number, offset: number, matchLength: number): void {
    if (literalLength > this.#literalEnd - this.#literalAt) throw new Error('sequences without literals');
    this.#output.appendRange(this.#literals, this.#literalAt, literalLength);
    this.#literalAt += literalLength;
    this.#output.copyMatch(offset, matchLength);
  }

  /** Values up to three stand for one of the last offsets; without literals before them, for the one after that. */
  #offsetOf(value: number, literalLength: number): number {
    const choice = value > 3 ? 0 : value + (literalLength === 0 ? 1 : 0);
    if (choice === 1) return this.#first;
    const first = this.#first;
    const second = this.#second;
    const chosen = choice === 0 ? value - 3 : choice === 2 ? second : choice === 3 ? this.#third : first - 1;
    if (chosen === 0) throw new Error('a match at no distance');
    if (choice !== 2) this.#third = second;
    this.#second = first;
    this.#first = chosen;
    return chosen;
  }
}

/** Up to four bytes, the lowest first, as a number that is not negative. */
function lowBits(input: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let byte = count - 1; byte >= 0; byte -= 1) value = value * 256 + input[at + byte]!;
  return value;
}
