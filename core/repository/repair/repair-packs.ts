/**
 * What is intact in damaged packs moves to new ones, and the damaged packs go. As everywhere, the new packs and the new index
 * are there and were read back before anything old is removed.
 */
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import { decodeBlob } from '../blob-codec.ts';
import { BlobIndex } from '../blob-index.ts';
import { isReadDamage } from '../blob-reader.ts';
import { startCheckThreads } from '../check/check-threads.ts';
import { checkPackData } from '../check/check-pack.ts';
import { damagedRepository } from '../format/damage.ts';
import { LIMITS } from '../format/limits.ts';
import { packKey } from '../object-names.ts';
import { type PackContents, packsOf, packColumnsOf } from '../packs-of-index.ts';
import { loadUnpacked } from '../repository.ts';
import type { AdministeredRepository, PackedBlob } from '../types.ts';
import { BlobWriter } from '../write/blob-writer.ts';
import { writeIndex } from '../write/write-index.ts';
import { readPackHeader } from './read-pack-header.ts';
import { assertWritableVersion } from '../write/assert-writable-version.ts';

export interface RepairPacksOptions {
  readonly packIds: readonly string[];
  /** Hears of each pack's bytes before the pack is removed, to keep them elsewhere. */
  readonly onDamagedPack: (packId: string, bytes: Uint8Array) => Promise<void>;
  readonly signal?: AbortSignal;
}

export interface RepairPacksResult {
  readonly packsRemoved: number;
  readonly blobsSaved: number;
  /** Without an intact copy anywhere now: `repairSnapshots` takes them out of the snapshots. */
  readonly blobsLost: readonly string[];
}

/**
 * The caller holds the exclusive lock.
 * @throws HoldfastError not_found for a pack that is not stored; repository_damaged when an index file cannot be read
 * (`repairIndex` comes first); cancelled; what the store throws. Nothing is removed then.
 */
export async function repairPacks(
  repo: AdministeredRepository,
  options: RepairPacksOptions,
): Promise<RepairPacksResult> {
  assertWritableVersion(repo);
  const index = await BlobIndex.load(repo);
  if (index.damaged[0] !== undefined)
    throw damagedRepository(
      `The index file ${index.damaged[0].key} cannot be read. Nothing was changed. Run "repair index" first.`,
    );
  const leaving = new Set(options.packIds);
  const fresh = new BlobIndex();
  const writer = new BlobWriter(repo, fresh, { isListing: false });
  const lost = await writer.orAbandon(() => moveIntact(repo, index, options, { leaving, fresh, writer }));
  await replaceIndex(repo, index, { leaving, fresh, writer });
  assertWanted(options.signal);
  for (const key of index.indexKeys) await repo.store.remove(key);
  for (const packId of leaving) await repo.store.remove(packKey(packId));
  // What one of the packs had lost another one may have had.
  const blobsLost = [...new Set(lost)].filter((id) => !fresh.has(id, 'data') && !fresh.has(id, 'tree'));
  return { packsRemoved: leaving.size, blobsSaved: fresh.size, blobsLost };
}

interface Move {
  /** Packs that go. */
  readonly leaving: ReadonlySet<string>;
  /** What the new packs hold. */
  readonly fresh: BlobIndex;
  readonly writer: BlobWriter;
}

/** Returns the ids of what could not be moved. */
async function moveIntact(
  repo: AdministeredRepository,
  index: BlobIndex,
  { onDamagedPack, signal }: RepairPacksOptions,
  { leaving, fresh, writer }: Move,
): Promise<string[]> {
  const lost: string[] = [];
  const listed = listedBlobs(index, leaving);
  for (const packId of leaving) {
    assertWanted(signal);
    const bytes = await packBytes(repo, packId);
    await onDamagedPack(packId, bytes);
    for (const blob of listed.get(packId) ?? (await blobsOf(repo, packId, bytes.length))) {
      const isElsewhere = index.lookupAll(blob.id, blob.type).some((copy) => !leaving.has(copy.packId));
      if (isElsewhere || writer.isPending(blob.id, blob.type) || fresh.has(blob.id, blob.type)) continue;
      const sealed = bytes.subarray(blob.offset, blob.offset + blob.length);
      try {
        decodeBlob(repo.masterKey, sealed, blob);
      } catch (error) {
        if (!isHoldfastError(error, 'repository_damaged')) throw error;
        lost.push(blob.id);
        continue;
      }
      await writer.addSealed(blob, sealed);
    }
  }
  await writer.closePacks();
  return lost;
}

async function replaceIndex(
  repo: AdministeredRepository,
  index: BlobIndex,
  { leaving, fresh, writer }: Move,
): Promise<void> {
  const sizes = new Map(writer.added.map(({ key, size }) => [key, size]));
  const here = startCheckThreads(repo.masterKey, 0);
  for (const { packId, columns } of packColumnsOf(fresh)) {
    const size = sizes.get(packKey(packId)) ?? 0;
    const [finding] = await checkPackData(repo.store, here, { packId, size, columns });
    if (finding !== undefined)
      throw damagedRepository(
        `A pack that was just written reads back otherwise: ${finding.message} Nothing was removed.`,
      );
  }
  const newKeys: string[] = [];
  await writeIndex(repo, staying(index, leaving, fresh), ({ key }) => newKeys.push(key));
  for (const key of newKeys) await loadUnpacked(repo, key, LIMITS.indexBytes);
}

function* staying(index: BlobIndex, leaving: ReadonlySet<string>, fresh: BlobIndex): Generator<PackContents> {
  for (const pack of packsOf(index)) if (!leaving.has(pack.packId)) yield pack;
  yield* packsOf(fresh);
}

function listedBlobs(index: BlobIndex, packIds: ReadonlySet<string>): Map<string, readonly PackedBlob[]> {
  const listed = new Map<string, readonly PackedBlob[]>();
  for (const { packId, blobs } of packsOf(index)) if (packIds.has(packId)) listed.set(packId, blobs);
  return listed;
}

async function packBytes(repo: AdministeredRepository, packId: string): Promise<Uint8Array> {
  try {
    return await repo.store.get(packKey(packId));
  } catch (error) {
    if (!isHoldfastError(error, 'object_missing')) throw error;
    throw new HoldfastError(
      'not_found',
      `There is no pack ${packId}. Nothing was removed. A check names the damaged ones.`,
    );
  }
}

/** A pack that is in no index says itself what it holds, if it still can. */
async function blobsOf(repo: AdministeredRepository, packId: string, size: number): Promise<readonly PackedBlob[]> {
  try {
    return await readPackHeader(repo, packId, size);
  } catch (error) {
    if (!isReadDamage(error)) throw error;
    return [];
  }
}

function assertWanted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new HoldfastError('cancelled', 'The repair was stopped before anything was removed.');
}
