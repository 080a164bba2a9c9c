/**
 * Packs on their way into the vault, or there, and in no sealed snapshot yet. A run that is killed leaves them; the next one
 * finds their names and lists of contents here, asks the server which really arrived, and uses them instead of sending the same data
 * again. Losing this file costs uploads, nothing else.
 */
import { appendFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { isHoldfastError } from '../../core/base/errors.ts';
import type { Log } from '../../core/base/log.ts';
import { type ManifestObject, manifestObject } from '../../core/protocol/manifest.ts';
import type { BlobIndex } from '../../core/repository/blob-index.ts';
import { unseal } from '../../core/repository/crypto/seal.ts';
import { decodePackHeader, placeBlobs } from '../../core/repository/format/pack-header.ts';
import { idOfKey } from '../../core/repository/object-names.ts';
import type { PackContents } from '../../core/repository/packs-of-index.ts';
import type { MasterKey, PackedBlob, WritableRepository } from '../../core/repository/types.ts';
import { writeIndex } from '../../core/repository/write/write-index.ts';
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

  /** Notes a pack that is about to be sent. Best effort: a full disk must not end a backup. */
  async note(object: ManifestObject, bytes: Uint8Array): Promise<void> {
    const pack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const headerBytes = pack.readUInt32LE(pack.length - 4);
    const header = pack.subarray(pack.length - 4 - headerBytes, pack.length - 4);
    const line: PendingPack = { vaultId: this.#vaultId, object, sealedHeader: header.toString('base64') };
    try {
      await appendFile(this.#path, `${JSON.stringify(line)}\n`, { mode: FILE_MODE });
    } catch (error) {
      if (!this.#hasWarned)
        this.#log.warn({ err: error }, 'packs cannot be noted; an interruption would send them again');
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
  store: Pick<GatewayStore, 'leaseAll'>,
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
  const packs: PackContents[] = [];
  for (const pack of arrived) {
    const packId = idOfKey(pack.object.key);
    if (packId === undefined || known.has(packId)) continue;
    const blobs = blobsOf(repo.masterKey, packId, pack);
    if (blobs === undefined) {
      log.warn({ key: pack.object.key }, 'the note of a pack is damaged; its data is sent again');
      continue;
    }
    for (const blob of blobs) index.add(blob);
    packs.push({ packId, blobs });
  }
  await pending.keep(arrived);
  log.info({ noted: noted.length, arrived: arrived.length }, 'packs of an interrupted run are used again');
  const indexObjects: ManifestObject[] = [];
  await writeIndex(repo, packs, (object) => indexObjects.push(object));
  return [...arrived.map(({ object }) => object), ...indexObjects];
}

/** Undefined when the note is damaged, or its list of contents is that of another pack. */
function blobsOf(
  masterKey: MasterKey,
  packId: string,
  { object, sealedHeader }: PendingPack,
): PackedBlob[] | undefined {
  try {
    const entries = decodePackHeader(unseal(masterKey, Buffer.from(sealedHeader, 'base64')));
    return placeBlobs(packId, entries, object.size);
  } catch (error) {
    if (isHoldfastError(error, 'repository_damaged')) return undefined;
    throw error;
  }
}
