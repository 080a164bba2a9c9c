/**
 * Which blob lies where, in memory: open addressing over typed arrays, at most 64 bytes a blob, instead of some 160 for a
 * Map of objects.
 */
import { bytesOfHex, hexOf } from '../base/bytes.ts';
import { freeBytes } from '../base/free-bytes.ts';
import type { ListedObject } from '../storage/port.ts';
import { SEAL_OVERHEAD } from './crypto/sealed-form.ts';
import { decodeIndex } from './format/index-file.ts';
import { type IndexImage, IndexScanner } from './format/index-scanner.ts';
import { copyId, hashOfId, ID_BYTES, isSameId } from './id-bytes.ts';
import { loadIndexFiles } from './load-index-files.ts';
import { idOfKey } from './object-keys.ts';
import type { BlobType, OpenRepository, PackedBlob, PackedColumns } from './types.ts';

export interface IndexDamage {
  readonly key: string;
  readonly message: string;
}

/** Numbers of one entry: pack number with the type in its lowest bit, offset, length, uncompressed length. */
const FIELDS = 4;
/** Entries live in segments, so that growing copies nothing and leaves no half-empty array behind: 768 KiB each. */
const SEGMENT_BITS = 14;
const SEGMENT_ENTRIES = 1 << SEGMENT_BITS;
const SEGMENT_MASK = SEGMENT_ENTRIES - 1;
const FIRST_SLOTS = 2048;
/** Filled to seven tenths at most: with 48 bytes an entry and 4 a slot, 54 to 60 bytes a blob. */
const LOAD_MAX = 0.7;
/** Nobody has more copies of a blob than this in good faith; an index full of one id would make each insert slower. */
const COPIES_MAX = 64;

interface Segment {
  readonly ids: Uint8Array;
  readonly fields: Uint32Array;
}

/** Some blobs of an index: their ids one after another, and four numbers each, as in IndexImage. */
export type IndexPiece = Readonly<Segment>;

export class BlobIndex {
  #count = 0;
  readonly #segments: Segment[] = [];
  /** Entry number + 1 by hash; 0 is empty. Ids are hashes already: their first bytes serve. */
  #slots = new Uint32Array(FIRST_SLOTS);
  readonly #packIds: string[] = [];
  readonly #packNumbers = new Map<string, number>();
  /** End of the last known blob of each pack, by pack number. */
  readonly #packEnds: number[] = [];
  readonly #indexKeys: string[] = [];
  readonly #damaged: IndexDamage[] = [];

  /**
   * Reads every index file. A damaged one is reported in `damaged` and the rest is used: what it alone listed is missing
   * then, which `check` and `restore` name.
   */
  static async load(repo: OpenRepository, onProgress?: (indexFiles: number) => void): Promise<BlobIndex> {
    const files: ListedObject[] = [];
    for await (const file of repo.store.list('index/')) files.push(file);
    const index = new BlobIndex();
    await index.loadFiles(repo, files, onProgress);
    return index;
  }

  /** Adds those of the listed index files that are not in it yet; see `load`. */
  async loadFiles(
    repo: OpenRepository,
    files: readonly ListedObject[],
    onProgress?: (indexFiles: number) => void,
  ): Promise<void> {
    const known = new Set(this.#indexKeys);
    const wanted = files.filter(({ key }) => idOfKey(key) !== undefined && !known.has(key));
    await loadIndexFiles(this, repo, wanted, () => onProgress?.(this.#indexKeys.length));
  }

  /** Adds the blobs of an index file that was scanned. */
  addImage(key: string, { packIds, count, ids, fields }: IndexImage): void {
    const numbers = Uint32Array.from(packIds, (packId) => this.#packNumber(packId));
    for (let entry = 0; entry < count; entry += 1) {
      const at = entry * FIELDS;
      const local = fields[at]!;
      const tag = numbers[local >>> 1]! * 2 + (local & 1);
      this.#insert(ids, entry * ID_BYTES, tag, fields[at + 1]!, fields[at + 2]!, fields[at + 3]!);
    }
    this.#indexKeys.push(key);
  }

  /** Adds a decoded index file's blobs. @throws HoldfastError repository_damaged; nothing is added then. */
  addIndexFile(key: string, json: Uint8Array): void {
    const image = new IndexScanner().scan([json]);
    if (image !== undefined) return this.addImage(key, image);
    for (const pack of decodeIndex(json)) for (const blob of pack.blobs) this.add(blob);
    this.#indexKeys.push(key);
  }

  /** An index file whose blobs are not here. */
  addDamage(damage: IndexDamage): void {
    this.#damaged.push(damage);
  }

  /** Makes room for so many blobs in all: growing step by step would look for the place of each several times. */
  reserve(blobs: number): void {
    let slots = this.#slots.length;
    while (blobs > slots * LOAD_MAX) slots *= 2;
    if (slots > this.#slots.length) this.#growSlots(slots);
  }

  /** All of it in arrays, piece by piece; the pieces must not be changed, and are those of now. */
  *pieces(): Generator<IndexPiece> {
    for (const [number, { ids, fields }] of this.#segments.entries()) {
      const entries = Math.min(SEGMENT_ENTRIES, this.#count - number * SEGMENT_ENTRIES);
      yield { ids: ids.subarray(0, entries * ID_BYTES), fields: fields.subarray(0, entries * FIELDS) };
    }
  }

  /**
   * The index that consists of these pieces, which become its own: each of SEGMENT_ENTRIES blobs but the last, none of them
   * twice, `blobs` in all. `indexKeys` are the index files that they were in.
   * @throws RangeError for a pack that is not in the list.
   */
  static async ofPieces(
    packIds: readonly string[],
    indexKeys: readonly string[],
    blobs: number,
    pieces: AsyncIterable<IndexPiece>,
  ): Promise<BlobIndex> {
    const index = new BlobIndex();
    for (const packId of packIds) index.#packNumber(packId);
    index.reserve(blobs);
    for await (const piece of pieces) index.#adopt(piece);
    index.#indexKeys.push(...indexKeys);
    return index;
  }

  #adopt({ ids, fields }: IndexPiece): void {
    const entries = fields.length / FIELDS;
    if ((this.#count & SEGMENT_MASK) !== 0 || entries > SEGMENT_ENTRIES)
      throw new RangeError('a piece is out of place');
    const segment = entries === SEGMENT_ENTRIES ? { ids, fields } : emptySegment();
    if (entries < SEGMENT_ENTRIES) {
      segment.ids.set(ids);
      segment.fields.set(fields);
    }
    this.#segments.push(segment);
    this.reserve(this.#count + entries);
    for (let local = 0; local < entries; local += 1) {
      const at = local * FIELDS;
      const pack = fields[at]! >>> 1;
      if (pack >= this.#packIds.length) throw new RangeError('a blob lies in a pack that is not there');
      this.#packEnds[pack] = Math.max(this.#packEnds[pack]!, fields[at + 1]! + fields[at + 2]!);
      this.#link(this.#count);
      this.#count += 1;
    }
  }

  get size(): number {
    return this.#count;
  }

  get damaged(): readonly IndexDamage[] {
    return this.#damaged;
  }

  /** Keys of the index files that were read. */
  get indexKeys(): readonly string[] {
    return this.#indexKeys;
  }

  packIds(): readonly string[] {
    return this.#packIds;
  }

  /** End of the last blob that is known in a pack (its header lies behind it); 0 for an unknown pack. */
  packEnd(packId: string): number {
    const number = this.#packNumbers.get(packId);
    return number === undefined ? 0 : this.#packEnds[number]!;
  }

  add(blob: PackedBlob): void {
    const tag = this.#packNumber(blob.packId) * 2 + (blob.type === 'tree' ? 1 : 0);
    this.#insert(bytesOfHex(blob.id), 0, tag, blob.offset, blob.length, blob.uncompressedLength);
  }

  /** All blobs of a pack, one behind the other from its beginning: `ids` has 32 bytes each. */
  addPack({ packId, type, ids, lengths, uncompressedLengths }: PackedColumns): void {
    const tag = this.#packNumber(packId) * 2 + (type === 'tree' ? 1 : 0);
    let offset = 0;
    for (let at = 0; at < lengths.length; at += 1) {
      this.#insert(ids, at * ID_BYTES, tag, offset, lengths[at]!, uncompressedLengths[at]!);
      offset += lengths[at]!;
    }
  }

  #insert(ids: Uint8Array, from: number, tag: number, offset: number, length: number, uncompressed: number): void {
    let copies = 0;
    let slot = this.#firstSlot(ids, from);
    for (; ; slot = this.#nextSlot(slot)) {
      const entry = this.#entryIn(slot, ids, (tag & 1) === 1 ? 'tree' : 'data', from);
      if (entry === END) break;
      if (entry === OTHER) continue;
      const { fields } = this.#segments[entry >>> SEGMENT_BITS]!;
      const at = (entry & SEGMENT_MASK) * FIELDS;
      if (fields[at] === tag && fields[at + 1] === offset) return; // a duplicate index file says nothing new
      copies += 1;
      if (copies === COPIES_MAX) return;
    }
    const entry = this.#count;
    if ((entry & SEGMENT_MASK) === 0) this.#segments.push(emptySegment());
    this.#count += 1;
    const segment = this.#segments[entry >>> SEGMENT_BITS]!;
    copyId(ids, from, segment.ids, (entry & SEGMENT_MASK) * ID_BYTES);
    const at = (entry & SEGMENT_MASK) * FIELDS;
    segment.fields[at] = tag;
    segment.fields[at + 1] = offset;
    segment.fields[at + 2] = length;
    segment.fields[at + 3] = uncompressed;
    this.#packEnds[tag >>> 1] = Math.max(this.#packEnds[tag >>> 1]!, offset + length);
    if (this.#count > this.#slots.length * LOAD_MAX) this.#growSlots(this.#slots.length * 2);
    else this.#slots[slot] = entry + 1;
  }

  has(id: string | Uint8Array, type: BlobType): boolean {
    return this.#find(toBytes(id), type) !== END;
  }

  /** The first copy of a blob. */
  lookup(id: string | Uint8Array, type: BlobType): PackedBlob | undefined {
    const entry = this.#find(toBytes(id), type);
    return entry === END ? undefined : this.blobAt(entry);
  }

  /** Every copy of a blob, in the order in which they were added. */
  lookupAll(id: string | Uint8Array, type: BlobType): PackedBlob[] {
    const bytes = toBytes(id);
    const copies: number[] = [];
    for (let slot = this.#firstSlot(bytes, 0); ; slot = this.#nextSlot(slot)) {
      const entry = this.#entryIn(slot, bytes, type);
      if (entry === END) return copies.sort((a, b) => a - b).map((copy) => this.blobAt(copy));
      if (entry !== OTHER) copies.push(entry);
    }
  }

  /**
   * The numbers of the packs in which these blobs lie (ids one after another), each at least once; undefined when one of them
   * is not here. Makes no object of any blob: a backup of an unchanged folder asks for each of its files.
   */
  packsOf(ids: Uint8Array, type: BlobType): number[] | undefined {
    const packs: number[] = [];
    let last = -1;
    for (let at = 0; at < ids.length; at += ID_BYTES) {
      const entry = this.#find(ids, type, at);
      if (entry === END) return undefined;
      const pack = this.#field(entry, 0) >>> 1;
      if (pack !== last) packs.push(pack);
      last = pack;
    }
    return packs;
  }

  /** The number of the pack of one blob's first copy, -1 when there is none: its id begins at `from`. Makes no object. */
  packOf(ids: Uint8Array, from: number, type: BlobType): number {
    const entry = this.#find(ids, type, from);
    return entry === END ? -1 : this.#field(entry, 0) >>> 1;
  }

  /** @throws RangeError for a number that neither `packsOf` nor `packOf` gave. */
  packId(number: number): string {
    const id = this.#packIds[number];
    if (id === undefined) throw new RangeError(`no pack ${number}`);
    return id;
  }

  /** Every entry, in the order of adding. */
  *blobs(): Generator<PackedBlob> {
    for (let entry = 0; entry < this.#count; entry += 1) yield this.blobAt(entry);
  }

  /**
   * Entries by number, below `size`, for what looks at all of them and must not make an object of each. Numbers stay what
   * they are while the index grows. This is the number of the first copy, undefined when there is none.
   */
  entryOf(id: string | Uint8Array, type: BlobType): number | undefined {
    const entry = this.#find(toBytes(id), type);
    return entry === END ? undefined : entry;
  }

  /** The entry of the first copy of the same blob. */
  firstCopy(entry: number): number {
    return this.#find(this.idAt(entry), this.isTreeAt(entry) ? 'tree' : 'data');
  }

  /** The index's own bytes: not to be changed. */
  idAt(entry: number): Uint8Array {
    const at = (entry & SEGMENT_MASK) * ID_BYTES;
    return this.#segments[entry >>> SEGMENT_BITS]!.ids.subarray(at, at + ID_BYTES);
  }

  /** As idAt, into `target` from `at` on. */
  copyId(entry: number, target: Uint8Array, at: number): void {
    copyId(this.#segments[entry >>> SEGMENT_BITS]!.ids, (entry & SEGMENT_MASK) * ID_BYTES, target, at);
  }

  /** Its place in `packIds()`. */
  packNumberAt(entry: number): number {
    return this.#field(entry, 0) >>> 1;
  }

  isTreeAt(entry: number): boolean {
    return (this.#field(entry, 0) & 1) === 1;
  }

  lengthAt(entry: number): number {
    return this.#field(entry, 2);
  }

  offsetAt(entry: number): number {
    return this.#field(entry, 1);
  }

  /** 0 when it is stored uncompressed. */
  uncompressedLengthAt(entry: number): number {
    return this.#field(entry, 3);
  }

  /** Bytes that the blob has once it is opened: an uncompressed one is its stored length without IV and tag. */
  plainLengthAt(entry: number): number {
    return this.#field(entry, 3) === 0 ? this.#field(entry, 2) - SEAL_OVERHEAD : this.#field(entry, 3);
  }

  isCompressedAt(entry: number): boolean {
    return this.#field(entry, 3) > 0;
  }

  #find(ids: Uint8Array, type: BlobType, at = 0): number {
    for (let slot = this.#firstSlot(ids, at); ; slot = this.#nextSlot(slot)) {
      const entry = this.#entryIn(slot, ids, type, at);
      if (entry !== OTHER) return entry;
    }
  }

  #firstSlot(ids: Uint8Array, at: number): number {
    return hashOfId(ids, at) & (this.#slots.length - 1);
  }

  #nextSlot(slot: number): number {
    return (slot + 1) & (this.#slots.length - 1);
  }

  /** The entry in a slot when it is this blob; OTHER when it is another one, END when the slot is empty. */
  #entryIn(slot: number, wanted: Uint8Array, type: BlobType, from = 0): number {
    const entry = this.#slots[slot]! - 1;
    if (entry === -1) return END;
    const { ids, fields } = this.#segments[entry >>> SEGMENT_BITS]!;
    const local = entry & SEGMENT_MASK;
    if ((fields[local * FIELDS]! & 1) !== (type === 'tree' ? 1 : 0)) return OTHER;
    const at = local * ID_BYTES;
    return isSameId(wanted, from, ids, at) ? entry : OTHER;
  }

  #field(entry: number, field: number): number {
    return this.#segments[entry >>> SEGMENT_BITS]!.fields[(entry & SEGMENT_MASK) * FIELDS + field]!;
  }

  blobAt(entry: number): PackedBlob {
    const { ids, fields } = this.#segments[entry >>> SEGMENT_BITS]!;
    const local = entry & SEGMENT_MASK;
    const at = local * FIELDS;
    return {
      id: hexOf(ids, local * ID_BYTES, (local + 1) * ID_BYTES),
      type: (fields[at]! & 1) === 1 ? 'tree' : 'data',
      packId: this.#packIds[fields[at]! >>> 1]!,
      offset: fields[at + 1]!,
      length: fields[at + 2]!,
      uncompressedLength: fields[at + 3]!,
    };
  }

  #packNumber(packId: string): number {
    const known = this.#packNumbers.get(packId);
    if (known !== undefined) return known;
    const number = this.#packIds.length;
    this.#packIds.push(packId);
    this.#packEnds.push(0);
    this.#packNumbers.set(packId, number);
    return number;
  }

  #link(entry: number): void {
    const { ids } = this.#segments[entry >>> SEGMENT_BITS]!;
    let slot = this.#firstSlot(ids, (entry & SEGMENT_MASK) * ID_BYTES);
    while (this.#slots[slot] !== 0) slot = this.#nextSlot(slot);
    this.#slots[slot] = entry + 1;
  }

  #growSlots(slots: number): void {
    freeBytes(new Uint8Array(this.#slots.buffer)); // it would lie about until somebody collects garbage
    this.#slots = new Uint32Array(slots);
    for (let entry = 0; entry < this.#count; entry += 1) this.#link(entry);
  }
}

function emptySegment(): Segment {
  return { ids: new Uint8Array(SEGMENT_ENTRIES * ID_BYTES), fields: new Uint32Array(SEGMENT_ENTRIES * FIELDS) };
}

/** Answers of a slot that are no entry. */
const END = -1;
const OTHER = -2;

function toBytes(id: string | Uint8Array): Uint8Array {
  return typeof id === 'string' ? bytesOfHex(id) : id;
}
