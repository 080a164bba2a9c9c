/**
 * One folder of a snapshot as the machine remembers it: everything its tree was made of, in a form that a listing can be
 * compared with byte for byte. Lies in the state file (folder-state.ts); numbers are in this machine's byte order.
 *
 *   Float64     bytes of all files
 *   Uint32 x 7  entries, files, folders, content ids, bytes of the names, bytes of the link targets, 1 when it may be kept
 *   Int64       FACT_WORDS an entry
 *   Uint32      number of content ids of each entry, padded to 8 bytes
 *   32 bytes    tree id of each folder, then each content id of each file
 *   names, then link targets, both joined by zero bytes, padded to 8 bytes
 */
import type { EntryFacts } from '../../filesystem/scan.ts';
import { FACT, FACT_WORDS, readTime, writeFacts } from '../../filesystem/entry-facts.ts';
import type { FolderListing } from '../../filesystem/folder-listing.ts';
import type { TreeNode } from '../types.ts';

const HEAD_BYTES = 40;
const ID_BYTES = 32;

/** An entry as it stands in a tree. Facts are those of its node, which for a file that was read are the opened file's. */
export interface KeptEntry {
  readonly name: Buffer;
  readonly linkTarget?: Buffer | undefined;
  readonly facts: EntryFacts;
  /** Hex ids of a file's contents; null for everything else. */
  readonly content: readonly string[] | null;
  /** Hex; of a folder. */
  readonly subtree?: string | undefined;
  readonly attributes: NonNullable<TreeNode['extendedAttributes']>;
}

/** `mayBeKept`: nothing was to be told of its entries that would have to be told the next time as well. */
export function encodeFolderRecord(entries: readonly KeptEntry[], mayBeKept: boolean): Buffer {
  const names = Buffer.from(entries.map(({ name }) => name.toString('latin1')).join('\0'), 'latin1');
  const links = entries.flatMap(({ linkTarget }) => linkTarget?.toString('latin1') ?? []).join('\0');
  const subtrees = entries.flatMap(({ subtree }) => subtree ?? []);
  const contents = entries.flatMap(({ content }) => content ?? []);
  const at = placesOf(entries.length, subtrees.length, contents.length, names.length);
  const bytes = Buffer.alloc(padded(at.links + links.length));
  const files = entries.filter(({ content }) => content !== null);
  new Float64Array(bytes.buffer, bytes.byteOffset, 1)[0] = files.reduce((sum, { facts }) => sum + facts.size, 0);
  const head = [entries.length, files.length, subtrees.length, contents.length, names.length, links.length];
  new Uint32Array(bytes.buffer, bytes.byteOffset + 8, 7).set([...head, mayBeKept ? 1 : 0]);
  const words = new BigInt64Array(bytes.buffer, bytes.byteOffset + HEAD_BYTES, entries.length * FACT_WORDS);
  const counts = new Uint32Array(bytes.buffer, bytes.byteOffset + at.counts, entries.length);
  for (const [place, { facts, content }] of entries.entries()) {
    writeFacts(facts, words, place);
    counts[place] = content?.length ?? 0;
  }
  bytes.write(subtrees.join(''), at.subtrees, 'hex');
  bytes.write(contents.join(''), at.contents, 'hex');
  names.copy(bytes, at.names);
  bytes.write(links, at.links, 'latin1');
  return bytes;
}

export class FolderRecord {
  readonly length: number;
  readonly files: number;
  readonly mayBeKept: boolean;
  /** Of all files. */
  readonly fileBytes: number;
  readonly #bytes: Buffer;
  readonly #at: ReturnType<typeof placesOf>;
  readonly #folders: number;
  readonly #contentIds: number;
  readonly #nameBytes: number;
  readonly #linkBytes: number;
  readonly #words: BigInt64Array;
  #places: Map<string, number> | undefined;
  /** Number of content ids before each entry's, and of folders before it. */
  #before: { readonly contents: Uint32Array; readonly folders: Uint32Array } | undefined;

  /** Undefined when the bytes are no record. They begin at a multiple of 8 of their memory, and must not change. */
  static decode(bytes: Buffer): FolderRecord | undefined {
    if (bytes.length < HEAD_BYTES) return undefined;
    const [entries, , folders, contents, nameBytes, linkBytes] = new Uint32Array(bytes.buffer, bytes.byteOffset + 8, 7);
    const { links } = placesOf(entries!, folders!, contents!, nameBytes!);
    return padded(links + linkBytes!) === bytes.length ? new FolderRecord(bytes) : undefined;
  }

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
    const head = new Uint32Array(bytes.buffer, bytes.byteOffset + 8, 7);
    this.fileBytes = new Float64Array(bytes.buffer, bytes.byteOffset, 1)[0]!;
    this.length = head[0]!;
    this.files = head[1]!;
    this.#folders = head[2]!;
    this.#contentIds = head[3]!;
    this.#nameBytes = head[4]!;
    this.#linkBytes = head[5]!;
    this.mayBeKept = head[6] === 1;
    this.#at = placesOf(this.length, this.#folders, this.#contentIds, this.#nameBytes);
    this.#words = new BigInt64Array(bytes.buffer, bytes.byteOffset + HEAD_BYTES, this.length * FACT_WORDS);
  }

  /** Whether the folder's names and all that the system says of them are what they were; what is below is not looked at. */
  isSame({ names, linkTargets, words }: FolderListing): boolean {
    if (names.length !== this.length) return false;
    const facts = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
    return (
      this.#bytes.compare(facts, 0, facts.length, HEAD_BYTES, HEAD_BYTES + facts.length) === 0 &&
      this.#text(this.#at.names, this.#nameBytes) === names.join('\0') &&
      this.#text(this.#at.links, this.#linkBytes) === linkTargets.join('\0')
    );
  }

  /** The ids of all contents, one after another. */
  get contentIds(): Buffer {
    return this.#bytes.subarray(this.#at.contents, this.#at.contents + this.#contentIds * ID_BYTES);
  }

  /** The place of a name (a string of its bytes), or -1. */
  placeOf(name: string): number {
    this.#places ??= new Map(
      this.#text(this.#at.names, this.#nameBytes)
        .split('\0')
        .map((one, place) => [one, place]),
    );
    return this.length === 0 ? -1 : (this.#places.get(name) ?? -1);
  }

  /** What says that a file's contents are the same: as restic, size, times and inode. */
  isUnchanged(place: number, facts: EntryFacts): boolean {
    const at = place * FACT_WORDS;
    return (
      this.#isFile(place) &&
      Number(this.#words[at + FACT.size]!) === facts.size &&
      readTime(this.#words, place, 'mtimeNs') === facts.mtimeNs &&
      readTime(this.#words, place, 'ctimeNs') === facts.ctimeNs &&
      BigInt.asUintN(64, this.#words[at + FACT.inode]!) === facts.inode
    );
  }

  /** Hex ids of a file's contents; null for everything else. */
  content(place: number): readonly string[] | null {
    if (!this.#isFile(place)) return null;
    const count = new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset + this.#at.counts, this.length)[place]!;
    const first = this.#at.contents + this.#sums().contents[place]! * ID_BYTES;
    return Array.from({ length: count }, (_, number) =>
      this.#bytes.toString('hex', first + number * ID_BYTES, first + (number + 1) * ID_BYTES),
    );
  }

  /** Hex tree id of a folder. */
  subtree(place: number): string | undefined {
    if (!this.#isType(place, TYPE_FOLDER)) return undefined;
    const first = this.#at.subtrees + this.#sums().folders[place]! * ID_BYTES;
    return this.#bytes.toString('hex', first, first + ID_BYTES);
  }

  #sums(): { readonly contents: Uint32Array; readonly folders: Uint32Array } {
    if (this.#before !== undefined) return this.#before;
    const counts = new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset + this.#at.counts, this.length);
    const contents = new Uint32Array(this.length);
    const folders = new Uint32Array(this.length);
    for (let place = 1; place < this.length; place += 1) {
      contents[place] = contents[place - 1]! + counts[place - 1]!;
      folders[place] = folders[place - 1]! + (this.#isType(place - 1, TYPE_FOLDER) ? 1 : 0);
    }
    this.#before = { contents, folders };
    return this.#before;
  }

  #isFile(place: number): boolean {
    return this.#isType(place, TYPE_FILE);
  }

  #isType(place: number, type: number): boolean {
    return (Number(this.#words[place * FACT_WORDS + FACT.mode]!) & TYPE_BITS) === type;
  }

  #text(from: number, length: number): string {
    return this.#bytes.toString('latin1', from, from + length);
  }
}

const TYPE_BITS = 0o170000;
const TYPE_FILE = 0o100000;
const TYPE_FOLDER = 0o040000;

interface Places {
  readonly counts: number;
  readonly subtrees: number;
  readonly contents: number;
  readonly names: number;
  readonly links: number;
}

function placesOf(entries: number, folders: number, contents: number, nameBytes: number): Places {
  const counts = HEAD_BYTES + entries * FACT_WORDS * 8;
  const subtrees = counts + padded(entries * 4);
  const atContents = subtrees + folders * ID_BYTES;
  const names = atContents + contents * ID_BYTES;
  return { counts, subtrees, contents: atContents, names, links: names + nameBytes };
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
