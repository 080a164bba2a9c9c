/**
 * Gathers sealed blobs into packs, uploads them, and then the index that names them. Order is safety: index files are
 * written only when every pack is durable (docs/format.md, "Order of writing").
 */
import { randomInt } from 'node:crypto';
import type { ReadCreateStore } from '../../storage/port.ts';
import type { BlobIndex } from '../blob-index.ts';
import { encodeIndex, type IndexedPack } from '../format/index-file.ts';
import { encodePackHeader, type PackHeaderEntry } from '../format/pack-header.ts';
import { packKey } from '../object-names.ts';
import type { AddedObject, BlobType, MasterKey } from '../types.ts';
import type { FinishJob, PackFinished } from './lane-messages.ts';
import { OpenPack } from './open-pack.ts';
import { sealUnpacked, storeObject, type UnpackedFile } from './store-object.ts';

/** Two open packs a type, chosen at random: the order of chunk sizes in a pack then tells less about the files. */
const OPEN_PACKS = 2;
/** Packs that are being finished or uploaded; while there are more, nothing new is sealed. */
const PACKS_IN_FLIGHT_MAX = 3;
const INDEX_BLOBS_MAX = 50_000;
/** A pack may exceed its size by its last blob, which with few exceptions is a chunk. */
const OVERSHOOT_BYTES = 8 * 1024 * 1024 + 1024;

export interface PackWriterOptions {
  readonly store: ReadCreateStore;
  readonly masterKey: MasterKey;
  /** New blobs are added to it as soon as their pack is durable. */
  readonly index: BlobIndex;
  readonly packBytes: number;
  /** Seals the header and names the pack, on another thread. */
  readonly finishPack: (message: Omit<FinishJob, 'kind' | 'job'>) => Promise<PackFinished>;
  /** Called whenever an upload has ended. */
  readonly onRoom: () => void;
  readonly onFailure: (error: unknown) => void;
}

export class PackWriter {
  readonly added: AddedObject[] = [];
  /** Ids of all packs that were written. */
  readonly packIds: string[] = [];
  /** Sealed bytes of all blobs that were added. */
  storedBytes = 0;
  /** Bytes of packs that are durable. */
  uploadedBytes = 0;
  /** Hears of every pack when it is durable and its blobs are in the index. */
  onDurable: ((entries: readonly PackHeaderEntry[]) => void) | undefined;
  readonly #options: PackWriterOptions;
  readonly #open: Readonly<Record<BlobType, (OpenPack | undefined)[]>>;
  readonly #uploads = new Set<Promise<void>>();
  readonly #buffers: ArrayBuffer[] = [];
  readonly #bufferBytes: number;
  readonly #indexFiles: UnpackedFile[] = [];
  #indexed: IndexedPack[] = [];
  #indexedBlobs = 0;

  constructor(options: PackWriterOptions) {
    this.#options = options;
    this.#bufferBytes = OpenPack.bufferBytes(options.packBytes + OVERSHOOT_BYTES);
    const none = (): undefined[] => Array.from({ length: OPEN_PACKS }, () => undefined);
    this.#open = { data: none(), tree: none() };
  }

  get hasRoom(): boolean {
    return this.#uploads.size < PACKS_IN_FLIGHT_MAX;
  }

  add(entry: PackHeaderEntry, sealed: Uint8Array): void {
    const open = this.#open[entry.type];
    const which = randomInt(OPEN_PACKS);
    let pack = open[which];
    if (pack !== undefined && !pack.hasRoomFor(sealed.length)) {
      this.#upload(pack);
      pack = undefined;
    }
    pack ??= new OpenPack(this.#takeBuffer(sealed.length));
    pack.add(entry, sealed);
    this.storedBytes += sealed.length;
    open[which] = pack;
    if (pack.size < this.#options.packBytes) return;
    open[which] = undefined;
    this.#upload(pack);
  }

  /** Closes the open packs, two small ones of a type as one, and resolves when every pack is durable or has failed. */
  async closePacks(): Promise<void> {
    for (const type of ['data', 'tree'] as const) {
      const [first, second] = this.#open[type].splice(0, OPEN_PACKS).filter((pack) => pack !== undefined);
      this.#open[type].push(...Array.from({ length: OPEN_PACKS }, () => undefined));
      const isOne = first !== undefined && second !== undefined && first.size + second.size <= this.#options.packBytes;
      if (isOne) first.absorb(second);
      for (const pack of isOne ? [first] : [first, second]) if (pack !== undefined) this.#upload(pack);
    }
    while (this.#uploads.size > 0) await Promise.all(this.#uploads);
  }

  /** To be called when every pack is durable, and before the snapshot. @throws what the store throws. */
  async writeIndex(): Promise<void> {
    this.#sealIndex();
    for (const { object, bytes } of this.#indexFiles.splice(0)) {
      await storeObject(this.#options.store, object, bytes);
      this.added.push(object);
    }
  }

  /** Resolves when no upload is under way, or after `waitMs`. */
  async settled(waitMs: number): Promise<void> {
    if (this.#uploads.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, waitMs);
    await Promise.race([Promise.all(this.#uploads), promise]);
    clearTimeout(timer);
  }

  #takeBuffer(blobBytes: number): ArrayBuffer {
    const wanted = OpenPack.bufferBytes(blobBytes);
    // A folder with a hundred thousand files is a blob larger than a pack: it has a buffer of its own.
    if (wanted > this.#bufferBytes) return new ArrayBuffer(wanted);
    return this.#buffers.pop() ?? new ArrayBuffer(this.#bufferBytes);
  }

  #upload(pack: OpenPack): void {
    const upload: Promise<void> = this.#uploadPack(pack)
      .catch(this.#options.onFailure)
      .finally(() => {
        this.#uploads.delete(upload);
        this.#options.onRoom();
      });
    this.#uploads.add(upload);
  }

  async #uploadPack(pack: OpenPack): Promise<void> {
    const { entries } = pack;
    const header = encodePackHeader(entries);
    const finished = await this.#options.finishPack({ buffer: pack.buffer, blobBytes: pack.size, header });
    const { buffer, packId, size, crc32c } = finished;
    const kind = entries[0]?.type === 'tree' ? 'tree_pack' : 'data_pack';
    const object: AddedObject = { key: packKey(packId), size, crc32c, kind };
    await storeObject(this.#options.store, object, new Uint8Array(buffer, 0, size));
    if (buffer.byteLength === this.#bufferBytes && this.#buffers.length < OPEN_PACKS) this.#buffers.push(buffer);
    this.added.push(object);
    this.packIds.push(packId);
    this.uploadedBytes += size;
    this.#index(packId, entries);
    this.onDurable?.(entries);
  }

  #index(packId: string, entries: readonly PackHeaderEntry[]): void {
    let offset = 0;
    const blobs = entries.map((entry) => {
      const blob = { ...entry, packId, offset };
      offset += entry.length;
      return blob;
    });
    for (const blob of blobs) this.#options.index.add(blob);
    // A pack's blobs stand in one index file: restic reports entries that are spread over two.
    if (this.#indexedBlobs + blobs.length > INDEX_BLOBS_MAX) this.#sealIndex();
    this.#indexed.push({ id: packId, blobs });
    this.#indexedBlobs += blobs.length;
  }

  /** Sealed index files wait in memory: compressed, they are a tenth of what they were. */
  #sealIndex(): void {
    if (this.#indexed.length === 0) return;
    this.#indexFiles.push(sealUnpacked(this.#options.masterKey, 'index', encodeIndex(this.#indexed)));
    this.#indexed = [];
    this.#indexedBlobs = 0;
  }
}
