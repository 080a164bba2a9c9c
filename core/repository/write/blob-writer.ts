/**
 * Stores single blobs without threads of its own: for the commands that move blobs which exist already (prune, copy, repair).
 * Packs first, then the index that names them, then the caller's snapshot. What is sealed is opened again before it leaves.
 */
import path from 'node:path';
import { bytesOfHex } from '../../base/bytes.ts';
import { systemClock } from '../../base/clock.ts';
import type { BlobIndex } from '../blob-index.ts';
import { seal, unseal } from '../crypto/seal.ts';
import { damagedRepository } from '../format/damage.ts';
import { IdSet } from '../id-set.ts';
import { sha256Hex } from '../object-names.ts';
import type { AddedObject, BlobType, WritableRepository } from '../types.ts';
import { OpenPacks } from './open-packs.ts';
import type { PackFile } from './pack-file.ts';
import { PackWriter } from './pack-writer.ts';
import { ScratchFiles } from './scratch-files.ts';
import { sealBlob, sealedBytesMax } from './seal-blob.ts';
import { plainSum } from './plain-sum.ts';

const ID_BYTES = 32;
const PACK_BYTES = 16 * 1024 * 1024;
/** All but the listings of enormous folders are sealed in memory of this size, which is kept. */
const KEPT_BYTES = 9 * 1024 * 1024;

export interface BlobToStore {
  readonly id: string;
  readonly type: BlobType;
  readonly uncompressedLength: number;
}

export interface BlobWriterOptions {
  /** Size at which a pack is closed. */
  readonly packBytes?: number | undefined;
  /** False: the caller writes the index files. */
  readonly isListing?: boolean;
}

export class BlobWriter {
  /** Sealed bytes of all blobs that were added. */
  storedBytes = 0;
  readonly #repo: WritableRepository;
  readonly #packBytes: number;
  readonly #packs: PackWriter;
  readonly #open: Partial<Record<BlobType, OpenPacks>> = {};
  readonly #pending: Readonly<Record<BlobType, IdSet>> = { data: new IdSet(), tree: new IdSet() };
  #scratch: Promise<ScratchFiles> | undefined;
  #packsMade = 0;
  #kept: Buffer | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** `index` learns of every blob as soon as its pack is durable. */
  constructor(repo: WritableRepository, index: BlobIndex, options: BlobWriterOptions = {}) {
    this.#repo = repo;
    this.#packBytes = options.packBytes ?? PACK_BYTES;
    this.#packs = new PackWriter({
      store: repo.store,
      masterKey: repo.masterKey,
      index,
      isListing: options.isListing ?? true,
      onFailure: (error) => {
        this.#failure ??= { error };
      },
    });
    this.#packs.onDurable = (type, ids) => {
      // The index knows them from now on.
      for (let at = 0; at < ids.length; at += ID_BYTES) this.#pending[type].delete(ids, at);
    };
  }

  /** Everything that was stored, in this order. */
  get added(): readonly AddedObject[] {
    return this.#packs.added;
  }

  /** Whether it was added, and its pack may not be durable yet. */
  isPending(id: string, type: BlobType): boolean {
    return this.#pending[type].has(bytesOfHex(id));
  }

  /** Compresses where that gains. @throws HoldfastError repository_damaged when `id` is not the hash of `plain`. */
  async addPlain(id: string, type: BlobType, plain: Uint8Array): Promise<void> {
    const scratch = await this.#ready();
    // Before the hash: whatever changes the bytes in between or later then differs from one of the two.
    const sum = plainSum(plain);
    if (sha256Hex(plain) !== id)
      throw damagedRepository('A piece of data is not the one that its name stands for. It was not stored again.');
    const target = this.#memory(sealedBytesMax(plain.length, 1));
    const { length, uncompressedLength } = sealBlob(this.#repo.masterKey, type, plain, sum, target, 0);
    this.#put(scratch, { id, type, uncompressedLength }, target.subarray(0, length));
    await this.#room();
  }

  /** What was opened with another key, and proven to be the blob: its compressed form is sealed as it is. */
  async addOpened(blob: BlobToStore, opened: Uint8Array): Promise<void> {
    const sealed = seal(this.#repo.masterKey, opened);
    if (!unseal(this.#repo.masterKey, sealed).equals(opened))
      throw damagedRepository(
        'A blob did not survive its own sealing. It was not uploaded; check this machine’s memory.',
      );
    await this.addSealed(blob, sealed);
  }

  /** Bytes that are sealed with this repository's key, and proven to be the blob. */
  async addSealed(blob: BlobToStore, sealed: Uint8Array): Promise<void> {
    this.#put(await this.#ready(), blob, sealed);
    await this.#room();
  }

  /** Resolves when every pack is durable. More may be added afterwards. */
  async closePacks(): Promise<void> {
    this.#assertSound();
    this.#close('data');
    this.#close('tree');
    await this.#packs.idle();
    this.#assertSound();
  }

  /** The index of the packs that were closed since the last time. */
  async writeIndex(): Promise<void> {
    await this.#packs.writeIndex();
  }

  /**
   * Nothing is written any more when this rejects, and no scratch file is left: an upload that ended after the caller's lock
   * is gone would leave a pack behind the back of whoever comes next. What was stored and is in no index stays.
   */
  async orAbandon<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.#abandon(error);
      throw error;
    }
  }

  async #abandon(error: unknown): Promise<void> {
    this.#failure ??= { error };
    this.#open.data?.discard();
    this.#open.tree?.discard();
    await this.#packs.idle();
    const scratch = await this.#scratch;
    await scratch?.clear();
  }

  /** Before anything that must not be interrupted: two callers at one time would otherwise open two packs. */
  async #ready(): Promise<ScratchFiles> {
    this.#assertSound();
    // The real clock: it is compared with what the disk says of leftovers.
    this.#scratch ??= ScratchFiles.open(this.#repo.store, systemClock.nowMs());
    const scratch = await this.#scratch;
    this.#assertSound();
    return scratch;
  }

  #memory(bytes: number): Buffer {
    if (bytes > KEPT_BYTES) return Buffer.allocUnsafeSlow(bytes);
    this.#kept ??= Buffer.allocUnsafeSlow(KEPT_BYTES);
    return this.#kept;
  }

  #put(scratch: ScratchFiles, { id, type, uncompressedLength }: BlobToStore, sealed: Uint8Array): void {
    try {
      this.#open[type] ??= new OpenPacks(
        () => path.join(scratch.folder, `${scratch.prefix}${(this.#packsMade += 1)}`),
        this.#packBytes,
      );
      const packs = this.#open[type];
      const place = packs.draw();
      const pack = packs.at(place);
      const idBytes = bytesOfHex(id);
      pack.note(idBytes, sealed.length, uncompressedLength);
      pack.write(sealed);
      this.storedBytes += sealed.length;
      this.#pending[type].add(idBytes);
      if (pack.isFull(this.#packBytes)) this.#send(packs.take(place), type);
    } catch (error) {
      // Half a blob may stand in the file: no pack may be made of it.
      this.#failure ??= { error };
      throw error;
    }
  }

  #close(type: BlobType): void {
    for (const pack of this.#open[type]?.closeAll() ?? []) this.#send(pack, type);
  }

  #send(pack: PackFile, type: BlobType): void {
    this.#packs.add(pack.close(this.#repo.masterKey, type));
  }

  async #room(): Promise<void> {
    await this.#packs.room();
    this.#assertSound();
  }

  #assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
