/**
 * Gathers sealed blobs into packs, uploads them, and then the index that names them. Order is safety: an index file is
 * written only when every pack that it names is durable (docs/format.md, "Order of writing").
 */
import { randomInt } from 'node:crypto';
import { crc32cBase64 } from '../../base/crc32c.ts';
import type { ReadCreateStore } from '../../storage/port.ts';
import type { BlobIndex } from '../blob-index.ts';
import { SEAL_OVERHEAD, seal, unseal } from '../crypto/seal.ts';
import { damagedRepository } from '../format/damage.ts';
import { encodeIndex, type IndexedPack } from '../format/index-file.ts';
import { decodePackHeader, encodePackHeader, type PackHeaderEntry } from '../format/pack-header.ts';
import { decodeUnpacked, encodeUnpacked } from '../format/unpacked.ts';
import { packKey, sha256Hex } from '../object-names.ts';
import type { AddedObject, BlobType, MasterKey, PackedBlob } from '../types.ts';
import type { SealedBlob } from './seal-blob.ts';

/** Two open packs a type, chosen at random: the order of chunk sizes in a pack then tells less about the files. */
const OPEN_PACKS = 2;
const UPLOADS_MAX = 4;
const INDEX_BLOBS_MAX = 50_000;
/** restic refuses sealed headers over 16 MiB; this many entries stay far below. */
const PACK_BLOBS_MAX = 100_000;

interface OpenPack {
  readonly entries: PackHeaderEntry[];
  readonly parts: Uint8Array[];
  size: number;
}

export interface PackWriterOptions {
  readonly store: ReadCreateStore;
  readonly masterKey: MasterKey;
  /** New blobs are added to it as soon as their pack is durable. */
  readonly index: BlobIndex;
  readonly packBytes: number;
}

export class PackWriter {
  readonly added: AddedObject[] = [];
  /** Sealed bytes of all blobs that were added. */
  storedBytes = 0;
  readonly #options: PackWriterOptions;
  readonly #open: Readonly<Record<BlobType, OpenPack[]>>;
  readonly #uploads = new Set<Promise<void>>();
  #indexed: IndexedPack[] = [];
  #indexedBlobs = 0;
  #failure: unknown;

  constructor(options: PackWriterOptions) {
    this.#options = options;
    const packs = (): OpenPack[] => Array.from({ length: OPEN_PACKS }, emptyPack);
    this.#open = { data: packs(), tree: packs() };
  }

  /** Resolves when there is room for another pack in flight. @throws what an upload threw. */
  async room(): Promise<void> {
    while (this.#uploads.size >= UPLOADS_MAX) await Promise.race(this.#uploads);
    this.#assertSound();
  }

  add(id: string, type: BlobType, blob: SealedBlob): void {
    this.#assertSound();
    const which = randomInt(OPEN_PACKS);
    const pack = this.#open[type][which]!;
    pack.entries.push({ id, type, length: blob.bytes.length, uncompressedLength: blob.uncompressedLength });
    pack.parts.push(blob.bytes);
    pack.size += blob.bytes.length;
    this.storedBytes += blob.bytes.length;
    if (pack.size < this.#options.packBytes && pack.entries.length < PACK_BLOBS_MAX) return;
    this.#open[type][which] = emptyPack();
    this.#upload(pack);
  }

  /** Closes open packs, waits for every upload, then writes the index. @throws what an upload threw; no index names its pack. */
  async finish(): Promise<void> {
    for (const type of ['data', 'tree'] as const) {
      const packs = this.#open[type].filter(({ entries }) => entries.length > 0);
      const merged =
        packs.reduce((sum, { size }) => sum + size, 0) <= this.#options.packBytes ? [mergePacks(packs)] : packs;
      for (const pack of merged) {
        if (pack.entries.length === 0) continue;
        await this.room();
        this.#upload(pack);
      }
      this.#open[type].splice(0, OPEN_PACKS, emptyPack(), emptyPack());
    }
    await Promise.all(this.#uploads);
    this.#assertSound();
    await this.#writeIndex();
  }

  #assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #upload(pack: OpenPack): void {
    const upload: Promise<void> = this.#uploadPack(pack)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#uploads.delete(upload));
    this.#uploads.add(upload);
  }

  async #uploadPack(pack: OpenPack): Promise<void> {
    const bytes = this.#encodePack(pack);
    const packId = sha256Hex(bytes);
    const type = pack.entries[0]!.type;
    const crc32c = crc32cBase64(bytes);
    const key = packKey(packId);
    await this.#options.store.create(key, bytes, { crc32c });
    this.added.push({ key, size: bytes.length, crc32c, kind: type === 'tree' ? 'tree_pack' : 'data_pack' });
    let offset = 0;
    const blobs: PackedBlob[] = pack.entries.map((entry) => {
      const blob = { ...entry, packId, offset };
      offset += entry.length;
      return blob;
    });
    for (const blob of blobs) this.#options.index.add(blob);
    this.#indexed.push({ id: packId, blobs });
    this.#indexedBlobs += blobs.length;
    if (this.#indexedBlobs >= INDEX_BLOBS_MAX) await this.#writeIndex();
  }

  /** Blobs, sealed header, length of the sealed header. The header is opened again before it is trusted. */
  #encodePack({ entries, parts, size }: OpenPack): Buffer {
    const header = encodePackHeader(entries);
    const sealed = seal(this.#options.masterKey, header);
    const again = decodePackHeader(unseal(this.#options.masterKey, sealed));
    if (again.length !== entries.length || !again.every(({ id }, at) => id === entries[at]!.id)) {
      throw damagedRepository(
        'A pack’s list of contents did not survive its own encoding. Nothing was uploaded; check this machine’s memory.',
      );
    }
    const length = Buffer.alloc(4);
    length.writeUInt32LE(header.length + SEAL_OVERHEAD);
    return Buffer.concat([...parts, sealed, length], size + sealed.length + 4);
  }

  async #writeIndex(): Promise<void> {
    const packs = this.#indexed;
    if (packs.length === 0) return;
    this.#indexed = [];
    this.#indexedBlobs = 0;
    this.added.push(await storeUnpacked(this.#options.store, this.#options.masterKey, 'index', encodeIndex(packs)));
  }
}

/** Stores an index or snapshot file under the hash of its sealed bytes, after opening it again. */
export async function storeUnpacked(
  store: ReadCreateStore,
  masterKey: MasterKey,
  kind: 'index' | 'snapshot',
  json: Buffer,
): Promise<AddedObject> {
  const bytes = seal(masterKey, encodeUnpacked(json));
  if (!decodeUnpacked(unseal(masterKey, bytes), json.length).equals(json)) {
    throw damagedRepository(
      'A repository file did not survive its own encoding. Nothing was uploaded; check this machine’s memory.',
    );
  }
  const key = `${kind === 'index' ? 'index' : 'snapshots'}/${sha256Hex(bytes)}`;
  const crc32c = crc32cBase64(bytes);
  await store.create(key, bytes, { crc32c });
  return { key, size: bytes.length, crc32c, kind };
}

function emptyPack(): OpenPack {
  return { entries: [], parts: [], size: 0 };
}

function mergePacks(packs: readonly OpenPack[]): OpenPack {
  return {
    entries: packs.flatMap(({ entries }) => entries),
    parts: packs.flatMap(({ parts }) => parts),
    size: packs.reduce((sum, { size }) => sum + size, 0),
  };
}
