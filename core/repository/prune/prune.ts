/**
 * Removes what no snapshot needs. In two phases: first everything new is written, read back and compared, and nothing old is
 * touched; only then old index files go, and after them the packs that they named. Whenever it is interrupted, each needed
 * blob lies in a pack that an index names.
 */
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import { decodeBlob } from '../blob-codec.ts';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { checkPackData } from '../check/check-pack.ts';
import { startCheckThreads } from '../check/check-threads.ts';
import { damagedRepository } from '../format/damage.ts';
import { INDEX_BLOBS_MAX } from '../format/index-file.ts';
import { LIMITS } from '../format/limits.ts';
import { idOfKey, packKey } from '../object-names.ts';
import { joinRanges } from '../pack-ranges.ts';
import { type PackContents, packsOf, packColumnsOf } from '../packs-of-index.ts';
import { listSnapshots, loadUnpacked } from '../repository.ts';
import type { AdministeredRepository, PackedBlob, SnapshotWithId } from '../types.ts';
import { BlobWriter } from '../write/blob-writer.ts';
import { writeIndex } from '../write/write-index.ts';
import { markUsed } from './mark-used.ts';
import {
  KEEP,
  planPrune,
  type PrunePlan,
  type PrunePlanOptions,
  type PruneStats,
  REMOVE,
  REPACK,
} from './plan-prune.ts';
import { assertWritableVersion } from '../write/assert-writable-version.ts';

export interface PruneProgress {
  readonly phase: 'index' | 'snapshots' | 'repack' | 'verify' | 'remove';
  readonly done: number;
  /** 0 while it is not known. */
  readonly total: number;
}

export interface PruneOptions extends PrunePlanOptions {
  readonly isDryRun: boolean;
  /** Snapshots that count as gone: those which a dry run of `forget` would remove. */
  readonly withoutSnapshots?: ReadonlySet<string>;
  readonly packBytes?: number;
  /** Fires as well when the exclusive lock is lost. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PruneProgress) => void;
}

export interface PruneResult extends PruneStats {
  /** Bytes of the packs that were written for those that are gone; 0 in a dry run. */
  readonly writtenBytes: number;
}

/** With so many more index files than are needed they are put together, which makes opening faster. */
const SPARE_INDEX_FILES = 16;

/**
 * The caller holds the exclusive lock.
 * @throws HoldfastError repository_damaged when an index, a snapshot or anything that a snapshot needs is missing or cannot be
 * read: nothing is removed then; cancelled; what the store throws. A failure leaves all that snapshots need where it is.
 */
export async function prune(repo: AdministeredRepository, options: PruneOptions): Promise<PruneResult> {
  if (!options.isDryRun) assertWritableVersion(repo);
  return await new Prune(repo, options).run();
}

class Prune {
  readonly #repo: AdministeredRepository;
  readonly #options: PruneOptions;

  constructor(repo: AdministeredRepository, options: PruneOptions) {
    this.#repo = repo;
    this.#options = options;
  }

  async run(): Promise<PruneResult> {
    const index = await BlobIndex.load(this.#repo, (files) => this.#report('index', files, 0));
    const unreadable = index.damaged[0];
    if (unreadable !== undefined)
      throw damagedRepository(
        `The index file ${unreadable.key} cannot be read, so that nobody knows what it lists. Nothing was removed. Run "repair index".`,
      );
    const snapshots = await this.#snapshots();
    const reader = new BlobReader(this.#repo, index);
    const used = await markUsed(reader, index, snapshots, {
      ...(this.#options.signal === undefined ? {} : { signal: this.#options.signal }),
      onProgress: (done, total) => this.#report('snapshots', done, total),
    });
    const plan = planPrune(index, used, await this.#packSizes(), this.#options);
    if (this.#options.isDryRun) return { ...plan.stats, writtenBytes: 0 };
    return { ...plan.stats, writtenBytes: await this.#execute(index, used, reader, plan) };
  }

  async #snapshots(): Promise<readonly SnapshotWithId[]> {
    const { snapshots, damaged } = await listSnapshots(this.#repo);
    if (damaged[0] !== undefined)
      throw damagedRepository(
        `Snapshot ${damaged[0].id.slice(0, 8)} cannot be read, so that nobody knows what it needs. Nothing was removed. Forget it by its id if it is lost for good.`,
      );
    return snapshots.filter(({ id }) => this.#options.withoutSnapshots?.has(id) !== true);
  }

  async #packSizes(): Promise<Map<string, number>> {
    const sizes = new Map<string, number>();
    for await (const { key, size } of this.#repo.store.list('data/')) {
      const id = idOfKey(key);
      if (id !== undefined) sizes.set(id, size);
    }
    return sizes;
  }

  async #execute(index: BlobIndex, used: Uint8Array, reader: BlobReader, plan: PrunePlan): Promise<number> {
    const packIds = index.packIds();
    const isIndexStale = plan.actions.some((action) => action !== KEEP);
    const filesNeeded = Math.ceil(index.size / INDEX_BLOBS_MAX);
    let writtenBytes = 0;
    if (isIndexStale || index.indexKeys.length > filesNeeded + SPARE_INDEX_FILES) {
      const oldKeys = [...index.indexKeys];
      const newKeys: string[] = [];
      try {
        writtenBytes = await this.#write(index, used, reader, plan, newKeys);
      } catch (error) {
        // An index that reads back otherwise must not stay: whoever opens the repository would stumble over it.
        await Promise.allSettled(newKeys.map((key) => this.#repo.store.remove(key)));
        throw error;
      }
      // From here on things go: first what names packs, then the packs.
      await this.#remove(oldKeys);
    }
    const gone = packIds.filter((_, pack) => plan.actions[pack] === REMOVE || plan.actions[pack] === REPACK);
    await this.#remove([...gone, ...plan.unlisted].map(packKey));
    return writtenBytes;
  }

  /** The new packs and the whole new index, read back. Keys of its files go to `newKeys`. Returns the bytes of the packs. */
  async #write(
    index: BlobIndex,
    used: Uint8Array,
    reader: BlobReader,
    plan: PrunePlan,
    newKeys: string[],
  ): Promise<number> {
    const fresh = new BlobIndex();
    const writer = new BlobWriter(this.#repo, fresh, {
      packBytes: this.#options.packBytes,
      isListing: false,
    });
    await writer.orAbandon(() => this.#repack(index, reader, plan, writer));
    await this.#readBack(writer, fresh);
    await writeIndex(this.#repo, allPacks(index, plan, fresh), ({ key }) => newKeys.push(key));
    await this.#assertComplete(index, used, plan, newKeys);
    return writer.added.reduce((sum, { size }) => sum + size, 0);
  }

  /** Copies what is needed of the packs that go. Sealed bytes are taken as they are, after they were opened and hashed. */
  async #repack(index: BlobIndex, reader: BlobReader, plan: PrunePlan, writer: BlobWriter): Promise<void> {
    const { starts, entries } = entriesToMove(index, plan);
    const packs = plan.stats.repackedPacks;
    let done = 0;
    for (let at = 0; at + 1 < starts.length; at += 1) {
      const blobs = Array.from(entries.subarray(starts[at], starts[at + 1]), (entry) => index.blobAt(entry));
      if (blobs.length === 0) continue;
      blobs.sort((a, b) => a.offset - b.offset);
      for (const { range, items } of joinRanges(blobs, ({ offset, length }) => ({ offset, length }))) {
        this.#assertWanted();
        const bytes = await this.#repo.store.get(packKey(items[0]!.packId), range).catch(emptyWhenDamaged);
        for (const blob of items) {
          const from = blob.offset - range.offset;
          await this.#move(blob, bytes.subarray(from, from + blob.length), reader, writer);
        }
      }
      this.#report('repack', (done += 1), packs);
    }
    await writer.closePacks();
  }

  async #move(blob: PackedBlob, sealed: Uint8Array, reader: BlobReader, writer: BlobWriter): Promise<void> {
    let plain: Buffer;
    try {
      plain = decodeBlob(this.#repo.masterKey, sealed, blob);
    } catch (error) {
      if (!isHoldfastError(error, 'repository_damaged')) throw error;
      // Another copy, or the same one at a second look; without any the prune ends before anything is removed.
      return await writer.addPlain(blob.id, blob.type, await reader.read(blob.id, blob.type));
    }
    const isToCompress =
      blob.uncompressedLength === 0 && (blob.type === 'tree' || this.#options.repackUncompressed === true);
    if (isToCompress) await writer.addPlain(blob.id, blob.type, plain);
    else await writer.addSealed(blob, sealed);
  }

  /** Every new pack, byte by byte, from where it is stored now. */
  async #readBack(writer: BlobWriter, fresh: BlobIndex): Promise<void> {
    const sizes = new Map(writer.added.map(({ key, size }) => [key, size]));
    const here = startCheckThreads(this.#repo.masterKey, 0); // no threads: one pack after the other
    let done = 0;
    for (const { packId, columns } of packColumnsOf(fresh)) {
      this.#assertWanted();
      const size = sizes.get(packKey(packId)) ?? 0;
      const [finding] = await checkPackData(this.#repo.store, here, { packId, size, columns });
      if (finding !== undefined)
        throw damagedRepository(
          `A pack that was just written reads back otherwise: ${finding.message} Nothing was removed. Check the storage before the next prune.`,
        );
      this.#report('verify', (done += 1), sizes.size);
    }
  }

  /** Whether the new index files, read from the store, name a place that stays for everything that is needed. */
  async #assertComplete(
    index: BlobIndex,
    used: Uint8Array,
    plan: PrunePlan,
    newKeys: readonly string[],
  ): Promise<void> {
    const fresh = new BlobIndex();
    for (const key of newKeys) fresh.addIndexFile(key, await loadUnpacked(this.#repo, key, LIMITS.indexBytes));
    const gone = new Set(index.packIds().filter((_, pack) => plan.actions[pack] !== KEEP));
    for (let entry = 0; entry < index.size; entry += 1) {
      if (used[entry] !== 1) continue;
      const place = fresh.entryOf(index.idAt(entry), index.isTreeAt(entry) ? 'tree' : 'data');
      if (place === undefined || gone.has(fresh.packIds()[fresh.packNumberAt(place)]!))
        throw damagedRepository(
          'The new index does not name everything that snapshots need. Nothing was removed. Please report this.',
        );
    }
    this.#assertWanted();
  }

  async #remove(keys: readonly string[]): Promise<void> {
    for (const [done, key] of keys.entries()) {
      this.#assertWanted();
      await this.#repo.store.remove(key);
      this.#report('remove', done + 1, keys.length);
    }
  }

  #assertWanted(): void {
    if (this.#options.signal?.aborted)
      throw new HoldfastError(
        'cancelled',
        'The prune was stopped. Nothing that a snapshot needs was removed. The next one completes it.',
        { cause: this.#options.signal.reason },
      );
  }

  #report(phase: PruneProgress['phase'], done: number, total: number): void {
    this.#options.onProgress?.({ phase, done, total });
  }
}

/** What there is after the prune: old packs that stay, and the new ones. */
function* allPacks(index: BlobIndex, { actions }: PrunePlan, fresh: BlobIndex): Generator<PackContents> {
  const numbers = new Map(index.packIds().map((id, pack) => [id, pack]));
  for (const pack of packsOf(index)) if (actions[numbers.get(pack.packId)!] === KEEP) yield pack;
  yield* packsOf(fresh);
}

/** The chosen blobs of the packs that are written anew, pack by pack; a blob of which a copy stays is left out. */
function entriesToMove(index: BlobIndex, plan: PrunePlan): { starts: Uint32Array; entries: Uint32Array } {
  const staysElsewhere = new Uint8Array(index.size);
  const packOf = (entry: number): number => index.packNumberAt(entry);
  for (let entry = 0; entry < index.size; entry += 1) {
    if (plan.actions[packOf(entry)] === KEEP) staysElsewhere[index.firstCopy(entry)] = 1;
  }
  const isMoved = (entry: number): boolean =>
    plan.chosen[entry] === 1 && plan.actions[packOf(entry)] === REPACK && staysElsewhere[index.firstCopy(entry)] === 0;
  const starts = new Uint32Array(index.packIds().length + 1);
  for (let entry = 0; entry < index.size; entry += 1) if (isMoved(entry)) starts[packOf(entry) + 1]! += 1;
  for (let pack = 0; pack + 1 < starts.length; pack += 1) starts[pack + 1]! += starts[pack]!;
  const entries = new Uint32Array(starts.at(-1) ?? 0);
  const next = Uint32Array.from(starts);
  for (let entry = 0; entry < index.size; entry += 1) {
    if (!isMoved(entry)) continue;
    const pack = packOf(entry);
    entries[next[pack]!] = entry;
    next[pack]! += 1;
  }
  return { starts, entries };
}

/** What cannot be read whole is decoded blob by blob, from other copies where there are some. */
function emptyWhenDamaged(error: unknown): Uint8Array {
  if (isHoldfastError(error, 'object_missing') || isHoldfastError(error, 'object_mismatch')) return new Uint8Array(0);
  throw error;
}
