/**
 * A new index from what is stored: packs say themselves what they hold. The new index is written and read back before an old
 * file goes, so that an interruption leaves two indexes, never none.
 */
import { HoldfastError } from '../../base/errors.ts';
import { BlobIndex } from '../blob-index.ts';
import { isReadDamage } from '../blob-reader.ts';
import { checkPackListing } from '../check/check-pack.ts';
import { columnsOf } from '../pack-columns.ts';
import { LIMITS } from '../format/limits.ts';
import { idOfKey } from '../object-names.ts';
import { type PackContents, packsOf, packColumnsOf } from '../packs-of-index.ts';
import { loadUnpacked } from '../repository.ts';
import type { AdministeredRepository } from '../types.ts';
import { writeIndex } from '../write/write-index.ts';
import { readPackHeader } from './read-pack-header.ts';
import { assertWritableVersion } from '../write/assert-writable-version.ts';

export interface RepairIndexOptions {
  readonly isDryRun: boolean;
  /** Every pack is asked what it holds, not only those that the index does not fit. */
  readonly readsAllPacks?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (packsDone: number, packsTotal: number) => void;
}

export interface RepairIndexResult {
  /** False: the index was right, and nothing was written. */
  readonly isChanged: boolean;
  readonly packs: number;
  readonly blobs: number;
  /** Packs whose own lists were read. */
  readonly packsRead: number;
  /** Listed before, but not stored: their contents are lost. */
  readonly missingPacks: readonly string[];
  /** Stored, but their own lists cannot be read: left where they are, and out of the index. */
  readonly damagedPacks: readonly { readonly packId: string; readonly message: string }[];
  /** Index files that could not be read; they are removed. */
  readonly damagedIndexes: readonly string[];
  /** Files among the packs that are none. They are left alone. */
  readonly foreignFiles: readonly string[];
}

/**
 * The caller holds the exclusive lock.
 * @throws HoldfastError cancelled; what the store throws. Whatever fails, every blob that was listed before still is.
 */
export async function repairIndex(
  repo: AdministeredRepository,
  options: RepairIndexOptions,
): Promise<RepairIndexResult> {
  if (!options.isDryRun) assertWritableVersion(repo);
  return await new IndexRepair(repo, options).run();
}

class IndexRepair {
  readonly #repo: AdministeredRepository;
  readonly #options: RepairIndexOptions;
  readonly #missing: string[] = [];
  readonly #damaged: { packId: string; message: string }[] = [];
  readonly #foreign: string[] = [];
  #packs = 0;
  #blobs = 0;
  #read = 0;

  constructor(repo: AdministeredRepository, options: RepairIndexOptions) {
    this.#repo = repo;
    this.#options = options;
  }

  async run(): Promise<RepairIndexResult> {
    const index = await BlobIndex.load(this.#repo);
    const sizes = await this.#packSizes();
    const oldKeys = await this.#indexKeys();
    const damagedIndexes = index.damaged.map(({ key }) => key);
    const newKeys: string[] = [];
    if (damagedIndexes.length === 0 && this.#options.readsAllPacks !== true && this.#fits(index, sizes))
      return { ...this.#result(), isChanged: false };
    if (this.#options.isDryRun) {
      for await (const _ of this.#contents(index, sizes)) this.#assertWanted();
    } else {
      await writeIndex(this.#repo, this.#contents(index, sizes), ({ key }) => newKeys.push(key));
      for (const key of newKeys) await loadUnpacked(this.#repo, key, LIMITS.indexBytes);
    }
    const isSame = this.#isRight(index) && damagedIndexes.length === 0 && this.#options.readsAllPacks !== true;
    if (!this.#options.isDryRun) {
      // With nothing to mend it is the new one that goes.
      for (const key of isSame ? newKeys : oldKeys) {
        this.#assertWanted();
        await this.#repo.store.remove(key);
      }
    }
    return { ...this.#result(), damagedIndexes, isChanged: !isSame };
  }

  #result(): Omit<RepairIndexResult, 'isChanged'> {
    return {
      packs: this.#packs,
      blobs: this.#blobs,
      packsRead: this.#read,
      missingPacks: this.#missing,
      damagedPacks: this.#damaged,
      damagedIndexes: [],
      foreignFiles: this.#foreign,
    };
  }

  /** True, with the counts of it, when the index lists just what is stored. */
  #fits(index: BlobIndex, sizes: ReadonlyMap<string, number>): boolean {
    if (sizes.size !== index.packIds().length) return false;
    for (const { packId, columns } of packColumnsOf(index))
      if (checkPackListing(packId, sizes.get(packId), columns).length > 0) return false;
    this.#packs = sizes.size;
    this.#blobs = index.size;
    return true;
  }

  async #packSizes(): Promise<Map<string, number>> {
    const sizes = new Map<string, number>();
    for await (const { key, size } of this.#repo.store.list('data/')) {
      const id = idOfKey(key);
      if (id === undefined) this.#foreign.push(key);
      else sizes.set(id, size);
    }
    return sizes;
  }

  async #indexKeys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.#repo.store.list('index/')) if (idOfKey(key) !== undefined) keys.push(key);
    return keys;
  }

  /** What every stored pack holds: from the index where it fits, else from the pack. */
  async *#contents(index: BlobIndex, sizes: ReadonlyMap<string, number>): AsyncGenerator<PackContents> {
    const total = new Set([...sizes.keys(), ...index.packIds()]).size;
    const unlisted = new Set(sizes.keys());
    let done = 0;
    for (const { packId, blobs } of packsOf(index)) {
      this.#assertWanted();
      unlisted.delete(packId);
      const size = sizes.get(packId);
      const fits = checkPackListing(packId, size, columnsOf(blobs)).length === 0;
      if (size === undefined) this.#missing.push(packId);
      else if (fits && this.#options.readsAllPacks !== true) yield this.#count({ packId, blobs });
      else yield* this.#fromPack(packId, size);
      this.#options.onProgress?.((done += 1), total);
    }
    for (const packId of unlisted) {
      this.#assertWanted();
      yield* this.#fromPack(packId, sizes.get(packId) ?? 0);
      this.#options.onProgress?.((done += 1), total);
    }
  }

  async *#fromPack(packId: string, size: number): AsyncGenerator<PackContents> {
    this.#read += 1;
    try {
      yield this.#count({ packId, blobs: await readPackHeader(this.#repo, packId, size) });
    } catch (error) {
      if (!isReadDamage(error)) throw error;
      this.#damaged.push({ packId, message: error instanceof Error ? error.message : String(error) });
    }
  }

  #count(pack: PackContents): PackContents {
    this.#packs += 1;
    this.#blobs += pack.blobs.length;
    return pack;
  }

  /** Nothing was missing, nothing had to be asked of a pack but what is damaged and was not listed anyhow. */
  #isRight(index: BlobIndex): boolean {
    const listed = new Set(index.packIds());
    return (
      this.#missing.length === 0 &&
      this.#damaged.every(({ packId }) => !listed.has(packId)) &&
      this.#read === this.#damaged.length
    );
  }

  #assertWanted(): void {
    if (this.#options.signal?.aborted)
      throw new HoldfastError('cancelled', 'The repair was stopped. The index that was there still is; run it again.');
  }
}
