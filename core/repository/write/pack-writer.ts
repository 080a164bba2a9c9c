/**
 * Uploads packs that are whole, and then the index that names them. Order is safety: index files are written only
 * when every pack is durable (docs/format.md, "Order of writing").
 */
import { hexOf } from '../../base/bytes.ts';
import type { ReadCreateStore } from '../../storage/port.ts';
import type { BlobIndex } from '../blob-index.ts';
import { INDEX_BLOBS_MAX } from '../format/index-file.ts';
import { packKey } from '../object-names.ts';
import type { AddedObject, BlobType, MasterKey, PackedBlob } from '../types.ts';
import type { PackMade } from './pack-file.ts';
import { sealIndex } from './seal-index.ts';
import { storeFile, storeObject, type UnpackedFile } from './store-object.ts';

/** Packs that wait for their upload; while there are more, nothing new is sealed. */
const PACKS_IN_FLIGHT_MAX = 3;
const ID_BYTES = 32;

export interface PackWriterOptions {
  readonly store: ReadCreateStore;
  readonly masterKey: MasterKey;
  /** New blobs are added to it as soon as their pack is durable. */
  readonly index: BlobIndex;
  /** False: the caller writes the index files. */
  readonly isListing?: boolean;
  /** Called whenever an upload has ended. */
  readonly onRoom?: () => void;
  readonly onFailure: (error: unknown) => void;
}

export class PackWriter {
  readonly added: AddedObject[] = [];
  /** Ids of all packs that were written. */
  readonly packIds: string[] = [];
  /** Bytes of packs that are durable. */
  uploadedBytes = 0;
  /** Hears of every pack when it is durable and its blobs are in the index: their ids, one after another. */
  onDurable: ((type: BlobType, ids: Uint8Array) => void) | undefined;
  readonly #options: PackWriterOptions;
  readonly #uploads = new Set<Promise<void>>();
  readonly #indexFiles: UnpackedFile[] = [];
  #indexed: PackMade[] = [];
  #indexedBlobs = 0;

  constructor(options: PackWriterOptions) {
    this.#options = options;
  }

  get hasRoom(): boolean {
    return this.#uploads.size < PACKS_IN_FLIGHT_MAX;
  }

  add(pack: PackMade): void {
    const upload: Promise<void> = this.#upload(pack)
      .catch(this.#options.onFailure)
      .finally(() => {
        this.#uploads.delete(upload);
        this.#options.onRoom?.();
      });
    this.#uploads.add(upload);
  }

  /** Resolves when there is room for another pack. */
  async room(): Promise<void> {
    while (!this.hasRoom) await Promise.race(this.#uploads);
  }

  /** Resolves when every pack is durable or has failed. */
  async idle(): Promise<void> {
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

  async #upload(pack: PackMade): Promise<void> {
    const { type, path, packId, fileBytes, crc32c } = pack;
    const kind = type === 'tree' ? 'tree_pack' : 'data_pack';
    const object: AddedObject = { key: packKey(packId), size: fileBytes, crc32c, kind };
    await storeFile(this.#options.store, object, path);
    this.added.push(object);
    this.packIds.push(packId);
    this.uploadedBytes += fileBytes;
    this.#options.index.addPack(pack);
    if (this.#options.isListing !== false) this.#list(pack);
    this.onDurable?.(type, pack.ids);
  }

  #list(pack: PackMade): void {
    // A pack's blobs stand in one index file: restic reports entries that are spread over two.
    if (this.#indexedBlobs + pack.lengths.length > INDEX_BLOBS_MAX) this.#sealIndex();
    this.#indexed.push(pack);
    this.#indexedBlobs += pack.lengths.length;
  }

  /** Sealed index files wait in memory: compressed, they are a tenth of what they were. */
  #sealIndex(): void {
    if (this.#indexed.length === 0) return;
    const packs = this.#indexed;
    this.#indexFiles.push(
      sealIndex(this.#options.masterKey, () => packs.map((pack) => ({ id: pack.packId, blobs: blobsOf(pack) }))),
    );
    this.#indexed = [];
    this.#indexedBlobs = 0;
  }
}

/** One object a blob, as long as somebody looks at it: the pack itself holds them as numbers. */
function* blobsOf({ type, ids, lengths, uncompressedLengths }: PackMade): Generator<Omit<PackedBlob, 'packId'>> {
  let offset = 0;
  for (const [at, length] of lengths.entries()) {
    const id = hexOf(ids, at * ID_BYTES, (at + 1) * ID_BYTES);
    yield { id, type, offset, length, uncompressedLength: uncompressedLengths[at]! };
    offset += length;
  }
}
