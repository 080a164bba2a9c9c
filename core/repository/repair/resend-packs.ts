/**
 * The repair of damaged packs by whoever has the key and perhaps the originals. What can still be read of them is stored in new
 * packs; what cannot is forgotten, so that the backup that follows stores it again. Nothing is removed: new index files stand beside
 * those that they replace until the owner of the store has seen that they say the same.
 */
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import { decodeBlob } from '../blob-codec.ts';
import type { BlobIndex } from '../blob-index.ts';
import { decodeIndex } from '../format/index-file.ts';
import { LIMITS } from '../format/limits.ts';
import { indexWithoutPacks } from '../index-without-packs.ts';
import { idOfKey, packKey } from '../object-names.ts';
import { type PackContents, packsOf } from '../packs-of-index.ts';
import { loadUnpacked } from '../read-repository.ts';
import type { AddedObject, PackedBlob, WritableRepository } from '../types.ts';
import { BlobWriter } from '../write/blob-writer.ts';
import { sealIndex } from '../write/seal-index.ts';
import { storeObject } from '../write/store-object.ts';

export interface ResentPack {
  readonly packId: string;
  readonly blobs: number;
  readonly kept: number;
  readonly sent: number;
  readonly gone: number;
  readonly now: readonly string[];
}

export interface ReplacedIndex {
  readonly from: string;
  readonly to: string | null;
}

interface ReadPack {
  readonly contents: PackContents;
  /** What could not be read. */
  readonly missing: readonly PackedBlob[];
}

export class ResentPacks {
  /** Without the damaged packs, with what was stored anew. A backup adds to it. */
  readonly index: BlobIndex;
  readonly added: readonly AddedObject[];
  readonly replaced: readonly ReplacedIndex[];
  readonly #packs: readonly ReadPack[];

  private constructor(
    index: BlobIndex,
    packs: readonly ReadPack[],
    added: readonly AddedObject[],
    replaced: readonly ReplacedIndex[],
  ) {
    this.index = index;
    this.added = added;
    this.replaced = replaced;
    this.#packs = packs;
  }

  /** `damagedKeys`: packs and index files of this repository. @throws what the store throws when it does not answer. */
  static async store(
    repo: WritableRepository,
    index: BlobIndex,
    damagedKeys: readonly string[],
    signal?: AbortSignal,
  ): Promise<ResentPacks> {
    const packIds = damagedPackIds(damagedKeys);
    const sound = await indexWithoutPacks(index, packIds);
    const writer = new BlobWriter(repo, sound);
    const packs: ReadPack[] = [];
    await writer.orAbandon(async () => {
      for (const contents of packsOf(index)) {
        if (!packIds.has(contents.packId)) continue;
        assertWanted(signal);
        packs.push({ contents, missing: await rescue(repo, sound, writer, contents) });
      }
      await writer.closePacks();
      await writer.writeIndex();
    });
    const added = [...writer.added];
    const replaced = await replaceIndexes(repo, index, packIds, new Set(damagedKeys), added, signal);
    return new ResentPacks(sound, packs, added, replaced);
  }

  /** After the backup: what became of each damaged pack. */
  outcome(): ResentPack[] {
    return this.#packs.map(({ contents: { packId, blobs }, missing }) => {
      const now = new Set<string>();
      for (const { id, type } of blobs) {
        const place = this.index.lookup(id, type);
        if (place !== undefined) now.add(place.packId);
      }
      const gone = missing.filter(({ id, type }) => !this.index.has(id, type)).length;
      const kept = blobs.length - missing.length;
      return { packId, blobs: blobs.length, kept, sent: missing.length - gone, gone, now: [...now].sort() };
    });
  }
}

export function damagedPackIds(keys: readonly string[]): ReadonlySet<string> {
  return new Set(keys.flatMap((key) => (key.startsWith('data/') ? (idOfKey(key) ?? []) : [])));
}

/** Puts what can be read of a pack into new ones. @returns the rest. */
async function rescue(
  repo: WritableRepository,
  sound: BlobIndex,
  writer: BlobWriter,
  { packId, blobs }: PackContents,
): Promise<PackedBlob[]> {
  const isElsewhere = ({ id, type }: PackedBlob): boolean => sound.has(id, type) || writer.isPending(id, type);
  if (blobs.every(isElsewhere)) return [];
  const bytes = await readWhatIsThere(repo, packId);
  const missing: PackedBlob[] = [];
  for (const blob of blobs) {
    if (isElsewhere(blob)) continue;
    const sealed = bytes?.subarray(blob.offset, blob.offset + blob.length);
    if (sealed?.length === blob.length && isBlob(repo, sealed, blob)) await writer.addSealed(blob, sealed);
    else missing.push(blob);
  }
  return missing;
}

async function readWhatIsThere(repo: WritableRepository, packId: string): Promise<Uint8Array | undefined> {
  try {
    return await repo.store.get(packKey(packId));
  } catch (error) {
    // Gone, cut short, or not for this machine to read: then the source has to give it again.
    if (
      ['object_missing', 'object_mismatch', 'grant_required'].some((code) =>
        isHoldfastError(error, code as 'object_missing'),
      )
    )
      return undefined;
    throw error;
  }
}

function isBlob(repo: WritableRepository, sealed: Uint8Array, blob: PackedBlob): boolean {
  try {
    decodeBlob(repo.masterKey, sealed, blob);
    return true;
  } catch {
    return false;
  }
}

/** A new file for each index file that names a damaged pack or is damaged itself. One that nobody can read is replaced by nothing. */
async function replaceIndexes(
  repo: WritableRepository,
  index: BlobIndex,
  packIds: ReadonlySet<string>,
  damagedKeys: ReadonlySet<string>,
  added: AddedObject[],
  signal: AbortSignal | undefined,
): Promise<ReplacedIndex[]> {
  const replaced: ReplacedIndex[] = [];
  const keys = new Set([...index.indexKeys, ...[...damagedKeys].filter((key) => key.startsWith('index/'))]);
  for (const key of keys) {
    assertWanted(signal);
    const from = idOfKey(key);
    if (from === undefined) continue;
    let packs;
    try {
      packs = decodeIndex(await loadUnpacked(repo, key, LIMITS.indexBytes));
    } catch (error) {
      if (!isHoldfastError(error, 'repository_damaged') && !isHoldfastError(error, 'object_missing')) throw error;
      if (damagedKeys.has(key)) replaced.push({ from, to: null });
      continue;
    }
    const left = packs.filter(({ id }) => !packIds.has(id));
    if (left.length === packs.length && !damagedKeys.has(key)) continue;
    if (left.length === 0) {
      replaced.push({ from, to: null });
      continue;
    }
    const { object, bytes } = sealIndex(repo.masterKey, () => left);
    await storeObject(repo.store, object, bytes);
    added.push(object);
    replaced.push({ from, to: idOfKey(object.key) ?? null });
  }
  return replaced;
}

function assertWanted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new HoldfastError('cancelled', 'The repair was stopped. Nothing was removed; it can be begun again.');
}
