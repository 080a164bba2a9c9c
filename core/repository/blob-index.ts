/**
 * Which blob lies where, in memory: open addressing over typed arrays, at most 64 bytes a blob, instead of some 160 for a
 * Map of objects.
 */
import { isHoldfastError } from '../base/errors.ts';
import { decodeIndex } from './format/index-file.ts';
import { LIMITS } from './format/limits.ts';
import { idOfKey } from './object-names.ts';
import { loadUnpacked } from './repository.ts';
import type { BlobType, OpenRepository, PackedBlob } from './types.ts';

export interface IndexDamage {
  readonly key: string;
  readonly message: string;
}

export interface PackContents {
  readonly packId: string;
  /** In ascending order of their offsets. */
  readonly blobs: readonly PackedBlob[];
}

const ID_BYTES = 32;
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
  readonly ids: Buffer;
  readonly fields: Uint32Array;
}

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
    const index = new BlobIndex();
    const keys: string[] = [];
    for await (const { key, size } of repo.store.list('index/')) {
      if (idOfKey(key) === undefined) continue;
      // The stored form is compressed: one that is larger than its plain form may be was not written by a backup.
      if (size <= LIMITS.indexBytes) keys.push(key);
      else index.#damaged.push({ key, message: 'An index file is larger than any real one. It was not read.' });
    }
    const loaders = Array.from({ length: Math.min(4, keys.length) }, async () => {
      for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
        await index.#loadFile(repo, key);
        onProgress?.(index.#indexKeys.length);
      }
    });
    await Promise.all(loaders);
    return index;
  }

  async #loadFile(repo: OpenRepository, key: string): Promise<void> {
    try {
      this.addIndexFile(key, await loadUnpacked(repo, key, LIMITS.indexBytes));
    } catch (error) {
      if (!isHoldfastError(error, 'repository_damaged') && !isHoldfastError(error, 'object_missing')) throw error;
      this.#damaged.push({ key, message: error.message });
    }
  }

  /** Adds a decoded index file's blobs. @throws HoldfastError repository_damaged; nothing is added then. */
  addIndexFile(key: string, json: Uint8Array): void {
    for (const pack of decodeIndex(json)) for (const blob of pack.blobs) this.add(blob);
    this.#indexKeys.push(key);
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
    const id = Buffer.from(blob.id, 'hex');
    const tag = this.#packNumber(blob.packId) * 2 + (blob.type === 'tree' ? 1 : 0);
    let copies = 0;
    for (let slot = this.#firstSlot(id, 0); ; slot = this.#nextSlot(slot)) {
      const entry = this.#entryOf(slot, id, blob.type);
      if (entry === END) break;
      if (entry === OTHER) continue;
      const { fields } = this.#segments[entry >>> SEGMENT_BITS]!;
      const at = (entry & SEGMENT_MASK) * FIELDS;
      if (fields[at] === tag && fields[at + 1] === blob.offset) return; // a duplicate index file says nothing new
      copies += 1;
      if (copies === COPIES_MAX) return;
    }
    if (this.#count + 1 > this.#slots.length * LOAD_MAX) this.#growSlots();
    const entry = this.#count;
    if ((entry & SEGMENT_MASK) === 0)
      this.#segments.push({
        ids: Buffer.alloc(SEGMENT_ENTRIES * ID_BYTES),
        fields: new Uint32Array(SEGMENT_ENTRIES * FIELDS),
      });
    this.#count += 1;
    const { ids, fields } = this.#segments[entry >>> SEGMENT_BITS]!;
    id.copy(ids, (entry & SEGMENT_MASK) * ID_BYTES);
    const at = (entry & SEGMENT_MASK) * FIELDS;
    fields[at] = tag;
    fields[at + 1] = blob.offset;
    fields[at + 2] = blob.length;
    fields[at + 3] = blob.uncompressedLength;
    this.#packEnds[tag >>> 1] = Math.max(this.#packEnds[tag >>> 1]!, blob.offset + blob.length);
    this.#link(entry);
  }

  has(id: string | Uint8Array, type: BlobType): boolean {
    return this.#find(toBytes(id), type) !== END;
  }

  /** The first copy of a blob. */
  lookup(id: string | Uint8Array, type: BlobType): PackedBlob | undefined {
    const entry = this.#find(toBytes(id), type);
    return entry === END ? undefined : this.#blobAt(entry);
  }

  /** Every copy of a blob, in the order in which they were added. */
  lookupAll(id: string | Uint8Array, type: BlobType): PackedBlob[] {
    const bytes = toBytes(id);
    const copies: number[] = [];
    for (let slot = this.#firstSlot(bytes, 0); ; slot = this.#nextSlot(slot)) {
      const entry = this.#entryOf(slot, bytes, type);
      if (entry === END) return copies.sort((a, b) => a - b).map((copy) => this.#blobAt(copy));
      if (entry !== OTHER) copies.push(entry);
    }
  }

  /** Every entry, in the order of adding. */
  *blobs(): Generator<PackedBlob> {
    for (let entry = 0; entry < this.#count; entry += 1) yield this.#blobAt(entry);
  }

  /** The contents of each pack, one pack after another; a few bytes a blob beside the index itself. */
  *packs(): Generator<PackContents> {
    const order = Uint32Array.from({ length: this.#count }, (_, entry) => entry);
    order.sort(
      (a, b) => (this.#field(a, 0) >>> 1) - (this.#field(b, 0) >>> 1) || this.#field(a, 1) - this.#field(b, 1),
    );
    for (let start = 0; start < order.length; ) {
      const pack = this.#field(order[start]!, 0) >>> 1;
      let end = start;
      while (end < order.length && this.#field(order[end]!, 0) >>> 1 === pack) end += 1;
      yield {
        packId: this.#packIds[pack]!,
        blobs: Array.from(order.subarray(start, end), (entry) => this.#blobAt(entry)),
      };
      start = end;
    }
  }

  #find(id: Buffer, type: BlobType): number {
    for (let slot = this.#firstSlot(id, 0); ; slot = this.#nextSlot(slot)) {
      const entry = this.#entryOf(slot, id, type);
      if (entry !== OTHER) return entry;
    }
  }

  #firstSlot(ids: Buffer, at: number): number {
    return ids.readUInt32LE(at) & (this.#slots.length - 1);
  }

  #nextSlot(slot: number): number {
    return (slot + 1) & (this.#slots.length - 1);
  }

  /** The entry in a slot when it is this blob; OTHER when it is another one, END when the slot is empty. */
  #entryOf(slot: number, id: Buffer, type: BlobType): number {
    const entry = this.#slots[slot]! - 1;
    if (entry === -1) return END;
    const { ids, fields } = this.#segments[entry >>> SEGMENT_BITS]!;
    const local = entry & SEGMENT_MASK;
    if ((fields[local * FIELDS]! & 1) !== (type === 'tree' ? 1 : 0)) return OTHER;
    const at = local * ID_BYTES;
    return id.compare(ids, at, at + ID_BYTES) === 0 ? entry : OTHER;
  }

  #field(entry: number, field: number): number {
    return this.#segments[entry >>> SEGMENT_BITS]!.fields[(entry & SEGMENT_MASK) * FIELDS + field]!;
  }

  #blobAt(entry: number): PackedBlob {
    const { ids, fields } = this.#segments[entry >>> SEGMENT_BITS]!;
    const local = entry & SEGMENT_MASK;
    const at = local * FIELDS;
    return {
      id: ids.toString('hex', local * ID_BYTES, (local + 1) * ID_BYTES),
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

  #growSlots(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let entry = 0; entry < this.#count; entry += 1) this.#link(entry);
  }
}

/** Answers of a slot that are no entry. */
const END = -1;
const OTHER = -2;

function toBytes(id: string | Uint8Array): Buffer {
  return typeof id === 'string' ? Buffer.from(id, 'hex') : Buffer.from(id.buffer, id.byteOffset, id.byteLength);
}
