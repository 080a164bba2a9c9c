/**
 * Which blob lies where, in memory: open addressing over typed arrays, 57 bytes a blob, instead of some 160 for a
 * Map of objects.
 */
import { isHoldfastError } from '../base/errors.ts';
import { decodeIndex } from './format/index-file.ts';
import { LIMITS } from './format/limits.ts';
import { idOfKey } from './object-names.ts';
import { loadUnpacked } from './repository.ts';
import type { BlobType, OpenRepository, PackedBlob } from './types.ts';

const ID_BYTES = 32;
const INITIAL_CAPACITY = 1024;

export interface IndexDamage {
  readonly key: string;
  readonly message: string;
}

/** Numbers of one entry: pack number, offset, length, uncompressed length and type. */
const FIELDS = 4;

export class BlobIndex {
  #count = 0;
  #ids = Buffer.alloc(INITIAL_CAPACITY * ID_BYTES);
  #fields = new Uint32Array(INITIAL_CAPACITY * FIELDS);
  #types = new Uint8Array(INITIAL_CAPACITY);
  /** Entry number + 1 by hash; 0 is empty. Ids are hashes already: their first bytes serve. */
  #slots = new Uint32Array(INITIAL_CAPACITY * 2); // twice the entries: never more than half full
  readonly #packIds: string[] = [];
  readonly #packNumbers = new Map<string, number>();
  readonly #indexKeys: string[] = [];
  readonly #damaged: IndexDamage[] = [];

  /**
   * Reads every index file. A damaged one is reported in `damaged` and the rest is used: what it alone listed is missing
   * then, which `check` and `restore` name.
   */
  static async load(repo: OpenRepository, onProgress?: (indexFiles: number) => void): Promise<BlobIndex> {
    const index = new BlobIndex();
    const keys: string[] = [];
    for await (const { key } of repo.store.list('index/')) if (idOfKey(key) !== undefined) keys.push(key);
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

  add(blob: PackedBlob): void {
    if (this.#count === this.#types.length) this.#grow();
    const id = Buffer.from(blob.id, 'hex');
    for (const entry of this.#entries(id, blob.type)) {
      const same = this.#blobAt(entry);
      if (same.packId === blob.packId && same.offset === blob.offset) return; // a duplicate index file says nothing new
    }
    const entry = this.#count;
    this.#count += 1;
    id.copy(this.#ids, entry * ID_BYTES);
    this.#types[entry] = blob.type === 'tree' ? 1 : 0;
    this.#fields.set(
      [this.#packNumber(blob.packId), blob.offset, blob.length, blob.uncompressedLength],
      entry * FIELDS,
    );
    this.#link(entry);
  }

  has(id: string | Uint8Array, type: BlobType): boolean {
    return !this.#entries(toBytes(id), type).next().done;
  }

  /** The first copy of a blob. */
  lookup(id: string | Uint8Array, type: BlobType): PackedBlob | undefined {
    const first = this.#entries(toBytes(id), type).next();
    return first.done ? undefined : this.#blobAt(first.value);
  }

  /** Every copy of a blob, in the order in which they were added. */
  lookupAll(id: string | Uint8Array, type: BlobType): PackedBlob[] {
    return [...this.#entries(toBytes(id), type)].map((entry) => this.#blobAt(entry));
  }

  /** Every entry, in the order of adding. */
  *blobs(): Generator<PackedBlob> {
    for (let entry = 0; entry < this.#count; entry += 1) yield this.#blobAt(entry);
  }

  *#entries(id: Buffer, type: BlobType): Generator<number> {
    const mask = this.#slots.length - 1;
    const wanted = type === 'tree' ? 1 : 0;
    for (let slot = id.readUInt32LE(0) & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]! - 1;
      if (entry === -1) return;
      const at = entry * ID_BYTES;
      if (this.#types[entry] === wanted && id.compare(this.#ids, at, at + ID_BYTES) === 0) yield entry;
    }
  }

  #blobAt(entry: number): PackedBlob {
    const at = entry * FIELDS;
    return {
      id: this.#ids.toString('hex', entry * ID_BYTES, (entry + 1) * ID_BYTES),
      type: this.#types[entry] === 1 ? 'tree' : 'data',
      packId: this.#packIds[this.#fields[at]!]!,
      offset: this.#fields[at + 1]!,
      length: this.#fields[at + 2]!,
      uncompressedLength: this.#fields[at + 3]!,
    };
  }

  #packNumber(packId: string): number {
    const known = this.#packNumbers.get(packId);
    if (known !== undefined) return known;
    const number = this.#packIds.length;
    this.#packIds.push(packId);
    this.#packNumbers.set(packId, number);
    return number;
  }

  #link(entry: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#ids.readUInt32LE(entry * ID_BYTES) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  #grow(): void {
    const capacity = this.#types.length * 2;
    const ids = Buffer.alloc(capacity * ID_BYTES);
    this.#ids.copy(ids);
    this.#ids = ids;
    const fields = new Uint32Array(capacity * FIELDS);
    fields.set(this.#fields);
    this.#fields = fields;
    const types = new Uint8Array(capacity);
    types.set(this.#types);
    this.#types = types;
    this.#slots = new Uint32Array(capacity * 2);
    for (let entry = 0; entry < this.#count; entry += 1) this.#link(entry);
  }
}

function toBytes(id: string | Uint8Array): Buffer {
  return typeof id === 'string' ? Buffer.from(id, 'hex') : Buffer.from(id.buffer, id.byteOffset, id.byteLength);
}
