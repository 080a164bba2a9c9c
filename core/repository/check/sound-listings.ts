/**
 * Looks at folder listings as a check does, without making an object, a text or a number of anything that need not be kept: of most
 * there is nothing to say. It knows one form, that which backups write, and takes for sound only what reading all of it
 * (format/tree.ts) would find sound as well. Of anything else it says nothing, and all of it is read.
 */
import { hexOf } from '../../base/bytes.ts';
import { isPlainName } from '../../filesystem/plain-name.ts';
import type { BlobIndex } from '../blob-index.ts';
import { LIMITS } from '../format/limits.ts';
import { isValidUtf8 } from '../format/utf8-rune.ts';

/** A folder in a listing, and the listing of what is in it. */
export interface ListedFolder {
  readonly name: Uint8Array;
  readonly subtree: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const ZERO = 0x30;
const LIST_END = 0x5d;
const ID_BYTES = 32;
/** So many digits are exact as a double, and below every bound of an uint64. */
const DIGITS_MAX = 15;
const UINT32_MAX = 0xffff_ffff;
const NONE = -1;

const word = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const WORDS = {
  open: word('{"nodes":['),
  name: word('{"name":"'),
  file: word(',"type":"file"'),
  folder: word(',"type":"dir"'),
  link: word(',"type":"symlink"'),
  mode: word(',"mode":'),
  mtime: word(',"mtime":"'),
  atime: word(',"atime":"'),
  ctime: word(',"ctime":"'),
  uid: word(',"uid":'),
  gid: word(',"gid":'),
  user: word(',"user":"'),
  group: word(',"group":"'),
  inode: word(',"inode":'),
  deviceId: word(',"device_id":'),
  size: word(',"size":'),
  links: word(',"links":'),
  linkTarget: word(',"linktarget":"'),
  pieces: word(',"content":['),
  noPieces: word(',"content":null'),
  subtree: word(',"subtree":"'),
  end: word('}'),
  close: word(']}'),
};

export class SoundListings {
  readonly #index: BlobIndex;
  readonly #id = new Uint8Array(ID_BYTES);
  #bytes: Uint8Array = new Uint8Array(0);
  /** The next byte. */
  #at = 0;
  #isAscii = true;
  /** Where the last text began and ended. */
  #textStart = 0;
  #textEnd = 0;

  constructor(index: BlobIndex) {
    this.#index = index;
  }

  /**
   * The folders that a listing names, when nothing in it is to be reported: names are plain and in order, each piece is in the
   * index, files are as long as their pieces. Undefined says nothing of the listing.
   */
  foldersOf(listing: Uint8Array): ListedFolder[] | undefined {
    if (listing.length > LIMITS.treeBlobBytes) return undefined;
    // One kind of array, of which the loops below are compiled for.
    this.#bytes = new Uint8Array(listing.buffer, listing.byteOffset, listing.byteLength);
    this.#at = 0;
    this.#isAscii = true;
    const folders: ListedFolder[] = [];
    if (!this.#is(WORDS.open) || !this.#areEntriesSound(folders) || !this.#is(WORDS.close)) return undefined;
    this.#isByte(NEWLINE);
    if (this.#at !== this.#bytes.length) return undefined;
    return this.#isAscii || isValidUtf8(this.#bytes) ? folders : undefined;
  }

  #areEntriesSound(folders: ListedFolder[]): boolean {
    if (this.#bytes[this.#at] === WORDS.close[0]) return true;
    let entries = 0;
    let previousStart = 0;
    let previousEnd = 0;
    do {
      entries += 1;
      if (entries > LIMITS.treeEntries || !this.#is(WORDS.name) || !this.#text()) return false;
      const [start, end] = [this.#textStart, this.#textEnd];
      const name = this.#bytes.subarray(start, end);
      if (!isPlainName(name) || (entries > 1 && !this.#isBehind(previousStart, previousEnd, start, end))) return false;
      previousStart = start;
      previousEnd = end;
      if (!this.#isEntrySound(name, folders)) return false;
    } while (this.#isByte(COMMA));
    return true;
  }

  /** From behind the name to behind the entry. */
  #isEntrySound(name: Uint8Array, folders: ListedFolder[]): boolean {
    const isFile = this.#is(WORDS.file);
    const isFolder = !isFile && this.#is(WORDS.folder);
    if (!isFile && !isFolder && !this.#is(WORDS.link)) return false;
    if (!this.#isCount(WORDS.mode, UINT32_MAX)) return false;
    if (!this.#isText(WORDS.mtime) || !this.#isText(WORDS.atime) || !this.#isText(WORDS.ctime)) return false;
    if (!this.#isCount(WORDS.uid, UINT32_MAX) || !this.#isCount(WORDS.gid, UINT32_MAX)) return false;
    if (!this.#isText(WORDS.user) || !this.#isText(WORDS.group)) return false;
    if (!this.#isCount(WORDS.inode) || !this.#isCount(WORDS.deviceId)) return false;
    const size = this.#is(WORDS.size) ? this.#count() : 0;
    if (size === NONE || !this.#isCount(WORDS.links) || !this.#isText(WORDS.linkTarget)) return false;
    if (this.#is(WORDS.pieces)) {
      if (!this.#arePiecesThere(isFile ? size : NONE)) return false;
    } else if (isFile || !this.#is(WORDS.noPieces)) return false;
    if (isFolder) {
      if (!this.#is(WORDS.subtree) || !this.#takeId() || !this.#isByte(QUOTE)) return false;
      folders.push({ name, subtree: hexOf(this.#id) });
    }
    return this.#is(WORDS.end);
  }

  /** The ids of a list that is open, and its end. `size` in bytes is what they have together, unless it is NONE. */
  #arePiecesThere(size: number): boolean {
    let bytes = 0;
    if (this.#bytes[this.#at] === QUOTE)
      do {
        if (!this.#isByte(QUOTE) || !this.#takeId() || !this.#isByte(QUOTE)) return false;
        const entry = this.#index.entryOf(this.#id, 'data');
        if (entry === undefined) return false;
        bytes += this.#index.plainLengthAt(entry);
      } while (this.#isByte(COMMA));
    return this.#isByte(LIST_END) && (size === NONE || size === bytes);
  }

  /** Goes behind it when it is there. */
  #is(expected: Uint8Array): boolean {
    const bytes = this.#bytes;
    const start = this.#at;
    for (let at = 0; at < expected.length; at += 1) if (bytes[start + at] !== expected[at]) return false;
    this.#at = start + expected.length;
    return true;
  }

  #isByte(expected: number): boolean {
    if (this.#bytes[this.#at] !== expected) return false;
    this.#at += 1;
    return true;
  }

  /** A field that may be left out, with a text. */
  #isText(key: Uint8Array): boolean {
    return !this.#is(key) || this.#text();
  }

  /** A field that may be left out, with a number. */
  #isCount(key: Uint8Array, max = Number.MAX_SAFE_INTEGER): boolean {
    if (!this.#is(key)) return true;
    const count = this.#count();
    return count !== NONE && count <= max;
  }

  /** From behind the quote that opens a text to behind the one that closes it; false when anything in it is not as it is read. */
  #text(): boolean {
    const bytes = this.#bytes;
    let at = this.#at;
    this.#textStart = at;
    for (; at < bytes.length; at += 1) {
      const byte = bytes[at]!;
      if (byte === QUOTE) {
        this.#textEnd = at;
        this.#at = at + 1;
        return true;
      }
      if (byte < SPACE || byte === BACKSLASH) return false;
      if (byte >= 0x80) this.#isAscii = false;
    }
    return false;
  }

  /** A whole number as JSON writes it; NONE for anything else, and for one with more digits than a double holds. */
  #count(): number {
    const bytes = this.#bytes;
    const start = this.#at;
    let at = start;
    let count = 0;
    for (; at < bytes.length; at += 1) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      count = count * 10 + digit;
    }
    this.#at = at;
    const digits = at - start;
    const isPadded = digits > 1 && bytes[start] === ZERO;
    return digits === 0 || digits > DIGITS_MAX || isPadded ? NONE : count;
  }

  /** 64 hexadecimal digits into the id. */
  #takeId(): boolean {
    const bytes = this.#bytes;
    const start = this.#at;
    if (start + ID_BYTES * 2 > bytes.length) return false;
    for (let byte = 0; byte < ID_BYTES; byte += 1) {
      const value = (HEX[bytes[start + byte * 2]!]! << 4) | HEX[bytes[start + byte * 2 + 1]!]!;
      if (value < 0) return false;
      this.#id[byte] = value;
    }
    this.#at = start + ID_BYTES * 2;
    return true;
  }

  /** Whether one part of the bytes comes behind another in their order. */
  #isBehind(start: number, end: number, nextStart: number, nextEnd: number): boolean {
    const bytes = this.#bytes;
    const length = Math.min(end - start, nextEnd - nextStart);
    for (let at = 0; at < length; at += 1) {
      const difference = bytes[nextStart + at]! - bytes[start + at]!;
      if (difference !== 0) return difference > 0;
    }
    return nextEnd - nextStart > end - start;
  }
}

/** By letter: the value of a digit, NONE for what is none. */
const HEX = Int8Array.from({ length: 256 }, (_, letter) => '0123456789abcdef'.indexOf(String.fromCharCode(letter)));
