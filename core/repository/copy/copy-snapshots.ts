/**
 * Copies snapshots into another repository: pieces are sealed anew with its key, not cut anew. A snapshot is written when
 * everything that it needs is there; what an interrupted copy has brought is used by the next one.
 */
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import { sealUnpacked, storeObject } from '../write/store-object.ts';
import { decodeBlob } from '../blob-codec.ts';
import type { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { unseal } from '../crypto/seal.ts';
import { damagedRepository } from '../format/damage.ts';
import { parseGoTime } from '../format/go-text.ts';
import { encodeSnapshot } from '../format/snapshot.ts';
import { packKey } from '../object-names.ts';
import { joinRanges } from '../pack-ranges.ts';
import type { BlobType, OpenRepository, PackedBlob, SnapshotWithId, WritableRepository } from '../types.ts';
import { BlobWriter } from '../write/blob-writer.ts';

export interface CopyProgress {
  readonly snapshotsDone: number;
  readonly snapshotsTotal: number;
  readonly blobsDone: number;
  /** Of the snapshot that is being copied. */
  readonly blobsTotal: number;
}

export interface CopyOptions {
  /** Of the source: what is to be copied, and its loaded index. */
  readonly snapshots: readonly SnapshotWithId[];
  readonly sourceIndex: BlobIndex;
  /** Of the target: what it has, and its loaded index, to which is added. */
  readonly existing: readonly SnapshotWithId[];
  readonly index: BlobIndex;
  readonly packBytes?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CopyProgress) => void;
}

export interface CopiedSnapshot {
  readonly sourceId: string;
  readonly targetId: string;
  /** It was there before. */
  readonly wasThere: boolean;
}

export interface CopyResult {
  readonly copied: readonly CopiedSnapshot[];
  /** What could not be copied whole was not copied. */
  readonly failed: readonly { readonly sourceId: string; readonly message: string }[];
  readonly blobs: number;
  readonly storedBytes: number;
}

/** After so many bytes packs are closed and listed, so that an interrupted copy has not been for nothing. */
const LISTED_EVERY_BYTES = 512 * 1024 * 1024;

/** States of a blob of the source. */
const NEW = 0;
/** Met on the way through the snapshot that is being copied. */
const MET = 1;
const DONE = 2;

/**
 * Damage of the source costs the snapshots that it touches, which are named; the others are copied.
 * @throws HoldfastError bad_request for a target of format version 1; cancelled; what the stores throw.
 */
export async function copySnapshots(
  source: OpenRepository,
  target: WritableRepository,
  options: CopyOptions,
): Promise<CopyResult> {
  if (target.config.version !== 2)
    throw new HoldfastError(
      'bad_request',
      'The repository to copy into is of format version 1, which cannot be added to. Nothing was copied. "restic migrate upgrade_repo_v2" brings it to version 2.',
    );
  return await new Copy(source, target, options).run();
}

class Copy {
  readonly #source: OpenRepository;
  readonly #target: WritableRepository;
  readonly #options: CopyOptions;
  readonly #reader: BlobReader;
  readonly #writer: BlobWriter;
  readonly #states: Uint8Array;
  readonly #copied: CopiedSnapshot[] = [];
  readonly #failed: { sourceId: string; message: string }[] = [];
  /** Whole in the target, but for its packs and index, which are written for several at once. */
  #ready: SnapshotWithId[] = [];
  #listedBytes = 0;
  #blobs = 0;

  constructor(source: OpenRepository, target: WritableRepository, options: CopyOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#reader = new BlobReader(source, options.sourceIndex);
    this.#writer = new BlobWriter(target, options.index, { packBytes: options.packBytes });
    this.#states = new Uint8Array(options.sourceIndex.size);
  }

  async run(): Promise<CopyResult> {
    return await this.#writer.orAbandon(() => this.#run());
  }

  async #run(): Promise<CopyResult> {
    for (const [at, snapshot] of this.#options.snapshots.entries()) {
      this.#assertWanted();
      const there = this.#options.existing.find((other) => isCopyOf(other, snapshot));
      if (there !== undefined) {
        this.#copied.push({ sourceId: snapshot.id, targetId: there.id, wasThere: true });
        continue;
      }
      try {
        await this.#copyBlobs(await this.#collect(snapshot), at);
        this.#settle(DONE);
        this.#ready.push(snapshot);
      } catch (error) {
        if (!isHoldfastError(error, 'repository_damaged')) throw error;
        // What was met may not be whole: the next snapshot looks at it again.
        this.#settle(NEW);
        this.#failed.push({ sourceId: snapshot.id, message: error.message });
      }
      if (this.#writer.storedBytes - this.#listedBytes > LISTED_EVERY_BYTES) await this.#list();
    }
    await this.#list();
    const { storedBytes } = this.#writer;
    return { copied: this.#copied, failed: this.#failed, blobs: this.#blobs, storedBytes };
  }

  /** Entries of the source's index that the target does not have, in the order in which they lie in their packs. */
  async #collect(snapshot: SnapshotWithId): Promise<Uint32Array> {
    const { sourceIndex } = this.#options;
    const wanted: number[] = [];
    /** True when it is met for the first time. */
    const meet = (id: string, type: BlobType): boolean => {
      const entry = sourceIndex.entryOf(id, type);
      if (entry === undefined) throw damagedRepository(`The source has lost data that it needs (${id.slice(0, 8)}).`);
      if (this.#states[entry] !== NEW) return false;
      this.#states[entry] = MET;
      if (!this.#options.index.has(id, type) && !this.#writer.isPending(id, type)) wanted.push(entry);
      return true;
    };
    const waiting = [snapshot.tree];
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      if (!meet(id, 'tree')) continue;
      this.#assertWanted();
      for (const { content, subtree } of await this.#reader.tree(id)) {
        for (const blobId of content ?? []) meet(blobId, 'data');
        if (subtree !== undefined) waiting.push(subtree);
      }
    }
    const packOf = (entry: number): number => sourceIndex.packNumberAt(entry);
    return Uint32Array.from(wanted).sort(
      (a, b) => packOf(a) - packOf(b) || sourceIndex.offsetAt(a) - sourceIndex.offsetAt(b),
    );
  }

  async #copyBlobs(entries: Uint32Array, snapshotsDone: number): Promise<void> {
    const { sourceIndex } = this.#options;
    for (let start = 0; start < entries.length; ) {
      const pack = sourceIndex.packNumberAt(entries[start]!);
      let end = start;
      while (end < entries.length && sourceIndex.packNumberAt(entries[end]!) === pack) end += 1;
      const blobs = Array.from(entries.subarray(start, end), (entry) => sourceIndex.blobAt(entry));
      for (const { range, items } of joinRanges(blobs, ({ offset, length }) => ({ offset, length }))) {
        this.#assertWanted();
        const bytes = await this.#source.store.get(packKey(items[0]!.packId), range).catch(emptyWhenDamaged);
        for (const blob of items) {
          const from = blob.offset - range.offset;
          await this.#copyBlob(blob, bytes.subarray(from, from + blob.length));
        }
      }
      start = end;
      const progress = { blobsDone: end, blobsTotal: entries.length };
      this.#options.onProgress?.({ ...progress, snapshotsDone, snapshotsTotal: this.#options.snapshots.length });
      // In the middle of a large snapshot as well.
      if (this.#writer.storedBytes - this.#listedBytes > LISTED_EVERY_BYTES) await this.#list();
    }
  }

  async #copyBlob(blob: PackedBlob, sealed: Uint8Array): Promise<void> {
    const { masterKey } = this.#source;
    let plain: Uint8Array;
    let isFirstCopy = true;
    try {
      plain = decodeBlob(masterKey, sealed, blob);
    } catch (error) {
      if (!isHoldfastError(error, 'repository_damaged')) throw error;
      plain = await this.#reader.read(blob.id, blob.type);
      isFirstCopy = false;
    }
    this.#blobs += 1;
    // What is compressed already is not compressed again.
    if (isFirstCopy && blob.uncompressedLength > 0) await this.#writer.addOpened(blob, unseal(masterKey, sealed));
    else await this.#writer.addPlain(blob.id, blob.type, plain);
  }

  /** Packs, then the index, then the snapshots that are whole. */
  async #list(): Promise<void> {
    await this.#writer.closePacks();
    await this.#writer.writeIndex();
    this.#listedBytes = this.#writer.storedBytes;
    for (const snapshot of this.#ready.splice(0)) {
      this.#assertWanted();
      const { id: sourceId, parent: _, ...kept } = snapshot; // its parent is another one's, there
      const json = encodeSnapshot({ ...kept, original: snapshot.original ?? sourceId });
      const { object, bytes } = sealUnpacked(this.#target.masterKey, 'snapshot', json);
      await storeObject(this.#target.store, object, bytes);
      this.#copied.push({ sourceId, targetId: object.key.slice('snapshots/'.length), wasThere: false });
    }
  }

  #settle(state: number): void {
    for (const [entry, old] of this.#states.entries()) if (old === MET) this.#states[entry] = state;
  }

  #assertWanted(): void {
    if (this.#options.signal?.aborted)
      throw new HoldfastError(
        'cancelled',
        'The copying was stopped. Snapshots that were copied are whole; the next run goes on with the others.',
      );
  }
}

/** The same backup: one is the other's original, or both have the same one, and nobody has changed what it says. */
function isCopyOf(there: SnapshotWithId, here: SnapshotWithId): boolean {
  const original = here.original ?? here.id;
  const isSameOrigin = there.original === original || there.id === original;
  const isSet = (a: readonly string[] = [], b: readonly string[] = []): boolean =>
    a.length === b.length && a.every((item) => b.includes(item));
  return (
    isSameOrigin &&
    there.tree === here.tree &&
    parseGoTime(there.time) === parseGoTime(here.time) &&
    there.hostname === here.hostname &&
    there.username === here.username &&
    (there.uid ?? 0) === (here.uid ?? 0) &&
    (there.gid ?? 0) === (here.gid ?? 0) &&
    isSet(there.paths, here.paths) &&
    isSet(there.tags, here.tags) &&
    isSet(there.excludes, here.excludes)
  );
}

function emptyWhenDamaged(error: unknown): Uint8Array {
  if (isHoldfastError(error, 'object_missing') || isHoldfastError(error, 'object_mismatch')) return new Uint8Array(0);
  throw error;
}
