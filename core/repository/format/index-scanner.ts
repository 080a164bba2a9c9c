/**
 * Index files in the form in which programs write them, straight from their bytes into arrays: no object and no string for any
 * of what may be millions of blobs. Anything else, sound or not, is left to the parser (index-file.ts).
 */
import { bytesOfUtf8, hexOf } from '../../base/bytes.ts';

const ID_BYTES = 32;
/** Numbers of one blob: number of its pack in this file times two, plus one for a tree; offset, length, uncompressed length. */
const FIELDS = 4;
const UINT32_MAX = 0xffff_ffff;
const FIRST_BLOBS = 8192;
/** No pack's head, no blob and no other part of the usual form is longer. */
const PART_BYTES_MAX = 400;

export interface IndexImage {
  /** Hex ids, in the order of their packs' numbers. */
  readonly packIds: readonly string[];
  readonly count: number;
  /** The ids of the blobs, one after another. */
  readonly ids: Uint8Array;
  /** FIELDS numbers a blob. */
  readonly fields: Uint32Array;
}

const UNUSUAL = new Error('not of the usual form');

const text = (word: string): Uint8Array => bytesOfUtf8(word);
const WORDS = {
  supersedes: text('{"supersedes":['),
  packs: text('{"packs":['),
  morePacks: text('"packs":['),
  pack: text('{"id":"'),
  blobs: text('","blobs":['),
  blob: text('{"id":"'),
  data: text('","type":"data","offset":'),
  tree: text('","type":"tree","offset":'),
  length: text(',"length":'),
  uncompressed: text(',"uncompressed_length":'),
} as const;

const COMMA = 0x2c;
const QUOTE = 0x22;
const BRACKET = 0x5d;
const BRACE = 0x7d;
const NEWLINE = 0x0a;
const ZERO = 0x30;

/** The value of a lowercase hex digit by its code; 0xff for anything else. */
const DIGITS = new Uint8Array(256).fill(0xff);
for (const [value, digit] of Array.from('0123456789abcdef').entries()) DIGITS[digit.charCodeAt(0)] = value;

/** Its arrays serve one file after the other. */
export class IndexScanner {
  #pieces: Iterator<Uint8Array | undefined> = [][Symbol.iterator]();
  /** A part of the text, and how far it has been read. */
  #json: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Where a part that lies in two pieces is put together. */
  #joined = new Uint8Array(PART_BYTES_MAX);
  #ids = new Uint8Array(FIRST_BLOBS * ID_BYTES);
  #fields = new Uint32Array(FIRST_BLOBS * FIELDS);
  #packIds: string[] = [];
  #count = 0;

  /**
   * What the text says, true until the next call; undefined when it is not exactly of the usual form, or when a piece is
   * undefined. A piece need not stay what it was when the next one is asked for.
   */
  scan(pieces: Iterable<Uint8Array | undefined>): IndexImage | undefined {
    this.#pieces = pieces[Symbol.iterator]();
    this.#json = new Uint8Array(0);
    this.#at = 0;
    this.#packIds = [];
    this.#count = 0;
    try {
      return this.#scan();
    } catch (error) {
      if (error === UNUSUAL) return undefined;
      throw error;
    } finally {
      this.#pieces.return?.();
    }
  }

  #scan(): IndexImage {
    this.#fill();
    // What an index file replaces is gone already: nobody needs these names.
    if (this.#take(WORDS.supersedes)) {
      do this.#skipQuotedId();
      while (this.#takeByte(COMMA));
      this.#need(BRACKET);
      this.#need(COMMA);
      this.#needWord(WORDS.morePacks);
    } else this.#needWord(WORDS.packs);
    if (!this.#takeByte(BRACKET)) {
      do this.#pack();
      while (this.#takeByte(COMMA));
      this.#need(BRACKET);
    }
    this.#need(BRACE);
    do this.#fill();
    while (this.#takeByte(NEWLINE)); // Go's encoder adds one
    if (this.#at !== this.#json.length) throw UNUSUAL;
    return {
      packIds: this.#packIds,
      count: this.#count,
      ids: this.#ids.subarray(0, this.#count * ID_BYTES),
      fields: this.#fields.subarray(0, this.#count * FIELDS),
    };
  }

  /** Sees to it that a whole part lies ahead, unless the text ends before. */
  #fill(): void {
    while (this.#json.length - this.#at < PART_BYTES_MAX) {
      // Moved before the next piece is asked for, which may lie in the same memory.
      const left = this.#json.length - this.#at;
      this.#joined.set(this.#json.subarray(this.#at));
      this.#json = this.#joined.subarray(0, left);
      this.#at = 0;
      const { value: piece, done } = this.#pieces.next();
      if (done === true) return;
      if (piece === undefined) throw UNUSUAL;
      this.#json = left === 0 ? piece : this.#join(left, piece);
    }
  }

  #join(before: number, piece: Uint8Array): Uint8Array {
    const length = before + piece.length;
    if (this.#joined.length < length) {
      const room = new Uint8Array(PART_BYTES_MAX + piece.length);
      room.set(this.#joined.subarray(0, before));
      this.#joined = room;
    }
    this.#joined.set(piece, before);
    return this.#joined.subarray(0, length); // what lies behind is of an earlier piece
  }

  #grow(): void {
    const ids = new Uint8Array(this.#ids.length * 2);
    ids.set(this.#ids);
    const fields = new Uint32Array(this.#fields.length * 2);
    fields.set(this.#fields);
    this.#ids = ids;
    this.#fields = fields;
  }

  #pack(): void {
    this.#fill();
    this.#needWord(WORDS.pack);
    const id = new Uint8Array(ID_BYTES);
    this.#id(id, 0);
    this.#packIds.push(hexOf(id));
    this.#needWord(WORDS.blobs);
    if (!this.#takeByte(BRACKET)) {
      do this.#blob();
      while (this.#takeByte(COMMA));
      this.#need(BRACKET);
    }
    this.#need(BRACE);
  }

  #blob(): void {
    this.#fill();
    this.#needWord(WORDS.blob);
    const at = this.#count * FIELDS;
    if (at >= this.#fields.length) this.#grow();
    this.#id(this.#ids, this.#count * ID_BYTES);
    const isTree = !this.#take(WORDS.data);
    if (isTree) this.#needWord(WORDS.tree);
    this.#fields[at] = (this.#packIds.length - 1) * 2 + (isTree ? 1 : 0);
    this.#fields[at + 1] = this.#number();
    this.#needWord(WORDS.length);
    this.#fields[at + 2] = this.#number();
    this.#fields[at + 3] = this.#take(WORDS.uncompressed) ? this.#number() : 0;
    this.#need(BRACE);
    this.#count += 1;
  }

  #id(target: Uint8Array, at: number): void {
    const json = this.#json;
    let from = this.#at;
    for (let byte = 0; byte < ID_BYTES; byte += 1, from += 2) {
      const high = DIGITS[json[from]!]!;
      const low = DIGITS[json[from + 1]!]!;
      // Past the end of the text both are undefined.
      if (!(high <= 15 && low <= 15)) throw UNUSUAL;
      target[at + byte] = high * 16 + low;
    }
    this.#at = from;
  }

  #skipQuotedId(): void {
    this.#fill();
    this.#need(QUOTE);
    this.#at += ID_BYTES * 2;
    this.#need(QUOTE);
  }

  #number(): number {
    let value = 0;
    const start = this.#at;
    for (;;) {
      const digit = this.#json[this.#at]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
      this.#at += 1;
    }
    const digits = this.#at - start;
    // More than ten digits or a zero in front is nothing that a program writes.
    if (digits === 0 || digits > 10 || value > UINT32_MAX || (digits > 1 && this.#json[start] === ZERO)) throw UNUSUAL;
    return value;
  }

  #take(word: Uint8Array): boolean {
    for (let byte = 0; byte < word.length; byte += 1) if (this.#json[this.#at + byte] !== word[byte]) return false;
    this.#at += word.length;
    return true;
  }

  #takeByte(byte: number): boolean {
    if (this.#json[this.#at] !== byte) return false;
    this.#at += 1;
    return true;
  }

  #needWord(word: Uint8Array): void {
    if (!this.#take(word)) throw UNUSUAL;
  }

  #need(byte: number): void {
    if (!this.#takeByte(byte)) throw UNUSUAL;
  }
}
