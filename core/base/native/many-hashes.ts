/**
 * SHA-256 of many pieces at once. A processor without instructions for SHA-256 takes most of a backup's time for it, one block
 * after the other; eight pieces side by side in its wide registers are three to four times as fast. OpenSSL has that (it made
 * it for TLS) and Node shows no way to it but the symbol, so that it is called through koffi (docs/decisions/0013). Where
 * any part of it is missing, or one sum of the trial at the first use is wrong, each piece is hashed by Node's own call.
 */
import { hash } from 'node:crypto';
import { type KoffiModule, type Linked, throughOpenSsl } from './through-openssl.ts';

export const HASH_BYTES = 32;

const WORDS = 8;
const BLOCK_BYTES = 64;
/** A piece ends with a bit, zeros and its length: one block or two. */
const END_BYTES_MAX = 2 * BLOCK_BYTES;
const LENGTH_BYTES = 8;
/**
 * How many lanes are kept at work, and the fewest that are worth it. With instructions for SHA-256 OpenSSL takes two at a time, and two
 * are twice as fast as one after the other. Without them a step costs the same for one lane as for eight.
 */
const WITH_INSTRUCTIONS = { lanes: 2, busyMin: 2 } as const;
const WITHOUT_INSTRUCTIONS = { lanes: 8, busyMin: 3 } as const;
/** `OPENSSL_INFO_CPU_SETTINGS`, and the bit of it (EBX of CPUID 7). */
const CPU_SETTINGS = 1008;
const INSTRUCTIONS_BIT = 1n << 29n;
/** The way there costs a thread some 15 ms: as much as hashing this many bytes one after the other. */
const WORTH_BYTES = 4 * 1024 * 1024;
/** OpenSSL keeps its own states so; the code reads them in whole registers. */
const STATE_ALIGNMENT = 64;
const WORD = 2 ** 32;
const START = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19] as const;

/** `void sha256_multi_block(SHA256_MB_CTX *states, HASH_DESC *input, int groupsOfFour)` of OpenSSL since 1.0.2. */
type ManyBlocks = (states: Uint8Array, input: Uint8Array, groupsOfFour: number) => void;
/** `void sha256_block_data_order(uint32_t *state, const void *input, size_t blocks)`. */
type Blocks = (state: Uint8Array, input: Uint8Array, blocks: number) => void;

/**
 * Hashes the pieces of `bytes` from `ranges[2i]` to `ranges[2i + 1]` and writes 32 bytes each into `target`, in their order.
 * Nobody may change the bytes meanwhile. @throws RangeError for a range outside of `bytes`, or a target that is too short.
 */
export function hashRanges(bytes: Uint8Array, ranges: ArrayLike<number>, target: Uint8Array): void {
  const count = ranges.length / 2;
  let length = 0;
  if (target.length < count * HASH_BYTES) throw new RangeError('the target is shorter than the hashes');
  for (let at = 0; at < count; at += 1) {
    const [start, end] = [ranges[at * 2]!, ranges[at * 2 + 1]!];
    if (!(start >= 0 && start <= end && end <= bytes.length)) throw new RangeError('a range lies outside of the bytes');
    length += end - start;
  }
  bytesHashed += length;
  if (loaded === undefined && bytesHashed > WORTH_BYTES) loaded = load();
  if (loaded === undefined || loaded === 'none' || count < loaded.busyMin) hashOneByOne(bytes, ranges, target);
  else loaded.hash(bytes, ranges, target);
}

/** Whether pieces are hashed side by side on this machine. */
export function hashesSideBySide(): boolean {
  loaded ??= load();
  return loaded !== 'none';
}

/** How many pieces are kept at work side by side. */
export function lanesAtWork(): number {
  loaded ??= load();
  return loaded === 'none' ? 1 : loaded.lanes;
}

/**
 * How many pieces side by side are as fast as more of them: as many as are kept at work, and where these are few some more, for
 * pieces do not end together.
 */
export function lanesWorth(): number {
  loaded ??= load();
  return loaded === 'none' ? LANES / 2 : Math.max(loaded.lanes, LANES / 2);
}

/** Whether OpenSSL uses instructions for SHA-256 here, by what it says of the processor: somebody may have hidden some of it. */
function hasInstructions(settings: string): boolean {
  const extensions = /^OPENSSL_ia32cap=0x[0-9a-f]+:0x([0-9a-f]+)/.exec(settings)?.[1];
  return extensions !== undefined && (BigInt(`0x${extensions}`) & INSTRUCTIONS_BIT) !== 0n;
}

/** SHA-256 before its first byte, 8 words each. */
export function newStates(count: number): Uint32Array {
  return Uint32Array.from({ length: count * WORDS }, (_, word) => START[word % WORDS]!);
}

/**
 * Takes the pieces of `bytes` (ranges as above) into `states`, 8 words each: of hashes that are made in several steps, side
 * by side. Whoever ends a hash appends what `padding` gives. Only where `hashesSideBySide`.
 * @throws RangeError for pieces that are not of whole blocks, or more than there are lanes.
 */
export function advanceStates(bytes: Uint8Array, ranges: ArrayLike<number>, states: Uint32Array): void {
  loaded ??= load();
  if (loaded === 'none') throw new RangeError('hashes are not made side by side here');
  for (let at = 0; at < ranges.length; at += 2) {
    const [start, end] = [ranges[at]!, ranges[at + 1]!];
    if (!(start >= 0 && start <= end && end <= bytes.length)) throw new RangeError('a range lies outside of the bytes');
    if ((end - start) % BLOCK_BYTES !== 0) throw new RangeError('a piece is not of whole blocks');
  }
  if (ranges.length > LANES * 2 || states.length < ranges.length * (WORDS / 2)) throw new RangeError('too many pieces');
  loaded.advance(bytes, ranges, states);
}

/** What follows the last byte of something of `length` bytes: then it is of whole blocks. */
export function padding(length: number): Buffer {
  const tail = length % BLOCK_BYTES;
  const bytes = Buffer.alloc((tail + 1 + LENGTH_BYTES <= BLOCK_BYTES ? BLOCK_BYTES : END_BYTES_MAX) - tail);
  bytes[0] = 0x80;
  bytes.writeBigUInt64BE(BigInt(length) * 8n, bytes.length - LENGTH_BYTES);
  return bytes;
}

/** The hash that a state has become. */
export function hashOfState(states: Uint32Array, number: number): Buffer {
  const sum = Buffer.allocUnsafe(HASH_BYTES);
  for (let word = 0; word < WORDS; word += 1) sum.writeUInt32BE(states[number * WORDS + word]!, word * 4);
  return sum;
}

/** Pieces that `advanceStates` takes at a time. */
export const LANES = 8;

let loaded: SideBySide | 'none' | undefined;
let bytesHashed = 0;

function hashOneByOne(bytes: Uint8Array, ranges: ArrayLike<number>, target: Uint8Array): void {
  for (let at = 0; at * 2 < ranges.length; at += 1)
    target.set(hash('sha256', bytes.subarray(ranges[at * 2], ranges[at * 2 + 1]), 'buffer'), at * HASH_BYTES);
}

function load(): SideBySide | 'none' {
  const found = throughOpenSsl((linked, koffi) => {
    const sideBySide = new SideBySide(linked, koffi);
    return isRight(sideBySide) ? sideBySide : undefined;
  });
  return found ?? 'none';
}

/** Lengths around every border of block and end, several groups of lanes, unequal ones beside one another. */
function isRight(sideBySide: SideBySide): boolean {
  const trials = [
    [...Array(131).keys(), 191, 192, 193, 1000, 4096, 5000, 9999],
    // Lanes come to their ends one after the other, from either side: the last three are any.
    ...Array.from({ length: 2 * LANES }, (_, count) => Array.from({ length: count }, (_, at) => (at + 1) * 600)),
    ...Array.from({ length: LANES }, (_, at) =>
      Array.from({ length: LANES + at }, (_, lane) => (lane < at ? 9000 : 64)),
    ),
  ];
  const bytes = new Uint8Array(10_000).map((_, at) => (at * 167 + (at >> 8)) & 0xff);
  return trials.every((lengths) => {
    const ranges = lengths.flatMap((length, at) => (at % 2 === 0 ? [0, length] : [10_000 - length, 10_000]));
    const [right, found] = [new Uint8Array(lengths.length * HASH_BYTES), new Uint8Array(lengths.length * HASH_BYTES)];
    hashOneByOne(bytes, ranges, right);
    sideBySide.hash(bytes, ranges, found);
    return Buffer.compare(right, found) === 0;
  });
}

class SideBySide {
  /** Of those that there is room for, and the fewest that are worth a step. */
  readonly lanes: number;
  readonly busyMin: number;
  readonly #address: (bytes: Uint8Array) => number;
  readonly #manyBlocks: ManyBlocks;
  readonly #blocks: Blocks;
  /** Word by word, each of all lanes. */
  readonly #states: Uint32Array;
  readonly #stateBytes: Uint8Array;
  /** A lane: address as two words, blocks, nothing. */
  readonly #input = new Uint32Array(LANES * 4);
  readonly #inputBytes = new Uint8Array(this.#input.buffer);
  /** The last blocks of the piece in each lane. */
  readonly #ends = Buffer.alloc(LANES * END_BYTES_MAX);
  readonly #endsAddress: number;
  readonly #state = new Uint32Array(2 * STATE_ALIGNMENT).subarray(0, WORDS);
  /** Of the piece in each lane: its number, or -1. */
  readonly #pieces = new Int32Array(LANES);
  readonly #addresses = new Float64Array(LANES);
  /** Blocks that lie where the piece lies, then those of its end. */
  readonly #left = new Float64Array(LANES);
  readonly #endLeft = new Float64Array(LANES);

  constructor(node: Linked, koffi: KoffiModule) {
    this.#manyBlocks = node.func('void sha256_multi_block(void *states, void *input, int groups)') as ManyBlocks;
    this.#blocks = node.func('void sha256_block_data_order(void *state, const void *input, size_t blocks)') as Blocks;
    this.#address = (bytes) => Number(koffi.address(bytes));
    const info = node.func('const char *OPENSSL_info(int type)') as (type: number) => string | null;
    ({ lanes: this.lanes, busyMin: this.busyMin } = hasInstructions(String(info(CPU_SETTINGS)))
      ? WITH_INSTRUCTIONS
      : WITHOUT_INSTRUCTIONS);
    const room = new Uint8Array(LANES * WORDS * 4 + STATE_ALIGNMENT);
    const misplaced = this.#address(room) % STATE_ALIGNMENT;
    const start = misplaced === 0 ? 0 : STATE_ALIGNMENT - misplaced;
    this.#states = new Uint32Array(room.buffer, start, LANES * WORDS);
    this.#stateBytes = new Uint8Array(room.buffer, start, LANES * WORDS * 4);
    this.#endsAddress = this.#address(this.#ends);
  }

  hash(bytes: Uint8Array, ranges: ArrayLike<number>, target: Uint8Array): void {
    const count = ranges.length / 2;
    const base = this.#address(bytes);
    const lengthOf = (piece: number) => ranges[piece * 2 + 1]! - ranges[piece * 2]!;
    // The longest first: whatever is short fills up beside them, and few lanes are left over at the end.
    const order = Uint32Array.from({ length: count }, (_, piece) => piece).sort((a, b) => lengthOf(b) - lengthOf(a));
    let next = 0;
    let busy = 0;
    this.#pieces.fill(-1);
    for (let lane = 0; lane < this.lanes && next < count; lane += 1) {
      this.#begin(lane, order[next++]!, bytes, ranges, base);
      busy += 1;
    }
    while (busy >= this.busyMin) {
      this.#step();
      for (let lane = 0; lane < this.lanes; lane += 1) {
        if (this.#pieces[lane] === -1 || this.#left[lane] !== 0 || this.#goesOn(lane)) continue;
        this.#end(lane, target);
        if (next < count) this.#begin(lane, order[next++]!, bytes, ranges, base);
        else busy -= 1;
      }
    }
    for (let lane = 0; lane < this.lanes; lane += 1)
      if (this.#pieces[lane] !== -1) this.#finish(lane, bytes, base, target);
  }

  /** At most as many pieces as there are lanes, of whole blocks. */
  advance(bytes: Uint8Array, ranges: ArrayLike<number>, states: Uint32Array): void {
    const base = this.#address(bytes);
    const blocksOf = (piece: number) => (ranges[piece * 2 + 1]! - ranges[piece * 2]!) / BLOCK_BYTES;
    const order = Array.from({ length: ranges.length / 2 }, (_, piece) => piece)
      .filter((piece) => blocksOf(piece) > 0)
      .sort((a, b) => blocksOf(b) - blocksOf(a));
    const begin = (lane: number): void => {
      const piece = order.shift()!; // the caller has looked that there is one
      this.#pieces[lane] = piece;
      this.#addresses[lane] = base + ranges[piece * 2]!;
      this.#left[lane] = blocksOf(piece);
      for (let word = 0; word < WORDS; word += 1) this.#states[word * LANES + lane] = states[piece * WORDS + word]!;
    };
    const stateOf = (lane: number): Uint32Array => {
      const piece = this.#pieces[lane]!;
      const state = states.subarray(piece * WORDS, (piece + 1) * WORDS);
      for (let word = 0; word < WORDS; word += 1) state[word] = this.#states[word * LANES + lane]!;
      return state;
    };
    let busy = 0;
    this.#pieces.fill(-1);
    for (let lane = 0; lane < this.lanes && order.length > 0; lane += 1) {
      begin(lane);
      busy += 1;
    }
    while (busy >= this.busyMin) {
      this.#step();
      for (let lane = 0; lane < this.lanes; lane += 1) {
        if (this.#pieces[lane] === -1 || this.#left[lane] !== 0) continue;
        stateOf(lane);
        this.#pieces[lane] = -1;
        if (order.length > 0) begin(lane);
        else busy -= 1;
      }
    }
    for (let lane = 0; lane < this.lanes; lane += 1) {
      if (this.#pieces[lane] === -1) continue;
      const { buffer, byteOffset } = stateOf(lane);
      const start = this.#addresses[lane]! - base;
      this.#blocks(new Uint8Array(buffer, byteOffset, WORDS * 4), bytes.subarray(start), this.#left[lane]!);
    }
  }

  #begin(lane: number, piece: number, bytes: Uint8Array, ranges: ArrayLike<number>, base: number): void {
    const start = ranges[piece * 2]!;
    const end = ranges[piece * 2 + 1]!;
    const length = end - start;
    const tail = length % BLOCK_BYTES;
    this.#pieces[lane] = piece;
    this.#addresses[lane] = base + start;
    this.#left[lane] = (length - tail) / BLOCK_BYTES;
    for (let word = 0; word < WORDS; word += 1) this.#states[word * LANES + lane] = START[word]!;
    const endBytes = tail + 1 + LENGTH_BYTES <= BLOCK_BYTES ? BLOCK_BYTES : END_BYTES_MAX;
    const at = lane * END_BYTES_MAX;
    this.#ends.fill(0, at, at + endBytes);
    this.#ends.set(bytes.subarray(end - tail, end), at);
    this.#ends[at + tail] = 0x80;
    this.#ends.writeUInt32BE(Math.floor((length * 8) / WORD), at + endBytes - LENGTH_BYTES);
    this.#ends.writeUInt32BE((length * 8) % WORD, at + endBytes - LENGTH_BYTES / 2);
    this.#endLeft[lane] = endBytes / BLOCK_BYTES;
    if (this.#left[lane] === 0) this.#goesOn(lane);
  }

  /** From the piece's own blocks to those of its end. False when these are done too. */
  #goesOn(lane: number): boolean {
    const blocks = this.#endLeft[lane]!;
    this.#endLeft[lane] = 0;
    this.#left[lane] = blocks;
    this.#addresses[lane] = this.#endsAddress + lane * END_BYTES_MAX;
    return blocks > 0;
  }

  /**
   * As far as the lane goes that has least left. OpenSSL takes lanes in groups (two with instructions for SHA-256, else four or
   * eight, by the processor) and ends at the first group that has nothing to do, whatever the later ones have: an idle lane
   * before a busy one therefore reads what a busy one reads, and its state is nobody's.
   */
  #step(): void {
    let blocks = Number.POSITIVE_INFINITY;
    let last = 0;
    for (let lane = 0; lane < LANES; lane += 1) {
      if (this.#pieces[lane] === -1) continue;
      last = lane;
      if (this.#left[lane]! < blocks) blocks = this.#left[lane]!;
    }
    const lastAddress = this.#addresses[last]!;
    for (let lane = 0; lane < LANES; lane += 1) {
      const isBusy = this.#pieces[lane] !== -1;
      const address = isBusy ? this.#addresses[lane]! : lastAddress;
      this.#input[lane * 4] = address % WORD;
      this.#input[lane * 4 + 1] = Math.floor(address / WORD);
      this.#input[lane * 4 + 2] = lane <= last ? blocks : 0;
      if (!isBusy) continue;
      this.#left[lane] = this.#left[lane]! - blocks;
      this.#addresses[lane] = address + blocks * BLOCK_BYTES;
    }
    this.#manyBlocks(this.#stateBytes, this.#inputBytes, LANES / 4);
  }

  /** One lane alone, to its end. */
  #finish(lane: number, bytes: Uint8Array, base: number, target: Uint8Array): void {
    for (let word = 0; word < WORDS; word += 1) this.#state[word] = this.#states[word * LANES + lane]!;
    const stateBytes = new Uint8Array(this.#state.buffer, this.#state.byteOffset, WORDS * 4);
    do {
      const blocks = this.#left[lane]!;
      if (blocks === 0) continue;
      const isEnd = this.#endLeft[lane] === 0;
      const start = this.#addresses[lane]! - (isEnd ? this.#endsAddress : base);
      this.#blocks(stateBytes, (isEnd ? this.#ends : bytes).subarray(start, start + blocks * BLOCK_BYTES), blocks);
    } while (this.#goesOn(lane));
    for (let word = 0; word < WORDS; word += 1) this.#states[word * LANES + lane] = this.#state[word]!;
    this.#end(lane, target);
  }

  #end(lane: number, target: Uint8Array): void {
    const at = this.#pieces[lane]! * HASH_BYTES;
    for (let word = 0; word < WORDS; word += 1) {
      const value = this.#states[word * LANES + lane]!;
      target[at + word * 4] = value >>> 24;
      target[at + word * 4 + 1] = value >>> 16;
      target[at + word * 4 + 2] = value >>> 8;
      target[at + word * 4 + 3] = value;
    }
    this.#pieces[lane] = -1;
  }
}
