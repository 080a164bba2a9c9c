/**
 * Packs that reached the vault but no sealed snapshot yet. A run that is killed leaves them there; the next one finds their
 * names and lists of contents here, asks the server which really arrived, and uses them instead of sending the same data
 * again. Losing this file costs uploads, nothing else.
 */
import { appendFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import type { Log } from '../../core/base/log.ts';
import { type ManifestObject, manifestObject } from '../../core/protocol/manifest.ts';
import type { BlobIndex } from '../../core/repository/blob-index.ts';
import { SEAL_OVERHEAD, unseal } from '../../core/repository/crypto/seal.ts';
import { encodeIndex, type IndexedPack } from '../../core/repository/format/index-file.ts';
import { decodePackHeader } from '../../core/repository/format/pack-header.ts';
import { encodeUnpacked } from '../../core/repository/format/unpacked.ts';
import { seal } from '../../core/repository/crypto/seal.ts';
import { sha256Hex } from '../../core/repository/object-names.ts';
import { crc32cBase64 } from '../../core/base/crc32c.ts';
import type { MasterKey, PackedBlob, WritableRepository } from '../../core/repository/types.ts';
import type { GatewayStore } from '../gateway/gateway-store.ts';
import { FILE_MODE, readFileIfPresent, writeFileAtomic } from '../state/atomic-file.ts';
import { stateFiles } from '../state/state-files.ts';

const pendingPack = z.strictObject({
  vaultId: z.uuid(),
  object: manifestObject,
  /** The pack's own list of contents, sealed as it stands at its end. */
  sealedHeader: z.base64(),
});
type PendingPack = z.infer<typeof pendingPack>;

const LEASE_OBJECTS_MAX = 64;
const INDEX_BLOBS_MAX = 50_000;

export class PendingPacks {
  readonly #path: string;
  readonly #vaultId: string;
  readonly #log: Log;
  #hasWarned = false;

  constructor(statePath: string, vaultId: string, log: Log) {
    this.#path = stateFiles.pendingPacks(statePath);
    this.#vaultId = vaultId;
    this.#log = log;
  }

  /** Notes a pack that is durable in the vault. Best effort: a full disk must not end a backup. */
  async note(object: ManifestObject, bytes: Uint8Array): Promise<void> {
    const pack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const headerBytes = pack.readUInt32LE(pack.length - 4);
    const header = pack.subarray(pack.length - 4 - headerBytes, pack.length - 4);
    const line: PendingPack = { vaultId: this.#vaultId, object, sealedHeader: header.toString('base64') };
    try {
      await appendFile(this.#path, `${JSON.stringify(line)}\n`, { mode: FILE_MODE });
    } catch (error) {
      if (!this.#hasWarned)
        this.#log.warn({ err: error }, 'arrived packs cannot be noted; an interruption would send them again');
      this.#hasWarned = true;
    }
  }

  /** Whole lines of this vault; one that was cut short by a crash is passed over. */
  async read(): Promise<PendingPack[]> {
    const text = (await readFileIfPresent(this.#path))?.toString('utf8') ?? '';
    const byKey = new Map<string, PendingPack>();
    for (const line of text.split('\n')) {
      if (line === '') continue;
      try {
        const pack = pendingPack.parse(JSON.parse(line));
        if (pack.vaultId === this.#vaultId) byKey.set(pack.object.key, pack);
      } catch {
        this.#log.debug({}, 'a half-written note of a pack is passed over');
      }
    }
    return [...byKey.values()];
  }

  async keep(packs: readonly PendingPack[]): Promise<void> {
    const text = packs.map((pack) => `${JSON.stringify(pack)}\n`).join('');
    await writeFileAtomic(this.#path, text).catch((error: unknown) =>
      this.#log.warn({ err: error }, 'notes of packs not saved'),
    );
  }

  /** Sealed: the vault's own index knows them now. */
  async clear(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}

/**
 * Takes over what an interrupted run has brought: its packs are leased to this run, added to the index in memory, and named
 * by index files of this run. Returns the objects for the commit manifest.
 */
export async function takeOverPacks(
  repo: WritableRepository,
  store: GatewayStore,
  index: BlobIndex,
  pending: PendingPacks,
  log: Log,
): Promise<ManifestObject[]> {
  const noted = await pending.read();
  if (noted.length === 0) return [];
  const arrived: PendingPack[] = [];
  for (let at = 0; at < noted.length; at += LEASE_OBJECTS_MAX) {
    const batch = noted.slice(at, at + LEASE_OBJECTS_MAX);
    const grants = await store.leaseAll(batch.map(({ object }) => object));
    arrived.push(...batch.filter((_, place) => grants[place]?.state === 'present'));
  }
  const known = new Set(index.packIds());
  const packs: IndexedPack[] = [];
  for (const { object, sealedHeader } of arrived) {
    const id = object.key.slice(object.key.lastIndexOf('/') + 1);
    if (known.has(id)) continue;
    const blobs = blobsOf(repo.masterKey, id, object.size, Buffer.from(sealedHeader, 'base64'));
    for (const blob of blobs) index.add(blob);
    packs.push({ id, blobs });
  }
  await pending.keep(arrived);
  log.info({ noted: noted.length, arrived: arrived.length }, 'packs of an interrupted run are used again');
  const indexObjects = await storeIndex(repo, packs);
  return [...arrived.map(({ object }) => object), ...indexObjects];
}

function blobsOf(masterKey: MasterKey, packId: string, packBytes: number, sealedHeader: Buffer): PackedBlob[] {
  let offset = 0;
  const blobs = decodePackHeader(unseal(masterKey, sealedHeader)).map((entry) => {
    const blob: PackedBlob = { ...entry, packId, offset };
    offset += entry.length;
    return blob;
  });
  // The list of contents must fill the pack exactly, or it is of another one.
  if (offset + sealedHeader.length + 4 !== packBytes || sealedHeader.length < SEAL_OVERHEAD) return [];
  return blobs;
}

async function storeIndex(repo: WritableRepository, packs: readonly IndexedPack[]): Promise<ManifestObject[]> {
  const objects: ManifestObject[] = [];
  let gathered: IndexedPack[] = [];
  let blobs = 0;
  const flush = async (): Promise<void> => {
    const bytes = seal(repo.masterKey, encodeUnpacked(encodeIndex(gathered)));
    const object: ManifestObject = {
      key: `index/${sha256Hex(bytes)}`,
      kind: 'index',
      size: bytes.length,
      crc32c: crc32cBase64(bytes),
    };
    await repo.store.create(object.key, bytes, { crc32c: object.crc32c, kind: 'index' });
    objects.push(object);
    gathered = [];
    blobs = 0;
  };
  for (const pack of packs) {
    if (pack.blobs.length === 0) continue;
    gathered.push(pack);
    blobs += pack.blobs.length;
    if (blobs >= INDEX_BLOBS_MAX) await flush();
  }
  if (gathered.length > 0) await flush();
  return objects;
}
