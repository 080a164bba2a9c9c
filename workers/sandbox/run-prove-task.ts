import { isHoldfastError } from '../../core/base/errors.ts';
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { BlobReader } from '../../core/repository/blob-reader.ts';
import { decodeIndex, type IndexedPack } from '../../core/repository/format/index-file.ts';
import { LIMITS } from '../../core/repository/format/limits.ts';
import { indexWithoutPacks } from '../../core/repository/index-without-packs.ts';
import { packsOf } from '../../core/repository/packs-of-index.ts';
import { loadUnpacked } from '../../core/repository/read-repository.ts';
import { openRepository, readSnapshot } from '../../core/repository/repository.ts';
import type { OpenRepository } from '../../core/repository/types.ts';
import type { ReadStore } from '../../core/storage/port.ts';
import type { ProveResult, ProveTask } from './messages.ts';

/** In the child: reads, from elsewhere, every blob that the damaged packs held, and walks the snapshots that were locked away. */
export async function runProveTask(store: ReadStore, task: ProveTask): Promise<ProveResult> {
  const repo = await openRepository(store, task.password);
  const index = await BlobIndex.load(repo);
  const damaged = new Set(task.damagedPackIds);
  const sound = await indexWithoutPacks(index, damaged);
  const reader = new BlobReader(repo, sound);
  const relevant = new Set(task.newPackIds);
  const packs: ProveResult['packs'] = [];
  for (const { packId, blobs } of packsOf(index)) {
    if (!damaged.has(packId)) continue;
    let lost = 0;
    for (const { id, type } of blobs) {
      if (await isReadable(() => reader.read(id, type))) relevant.add(sound.lookup(id, type)!.packId);
      else lost += 1;
    }
    packs.push({ id: packId, blobs: blobs.length, lost });
  }
  const unfaithful: string[] = [];
  for (const { from, to } of task.replaced) if (!(await isFaithful(repo, from, to, damaged))) unfaithful.push(from);
  const walk = new WholeWalk(reader, sound, relevant);
  const snapshots: ProveResult['snapshots'] = [];
  for (const { id, treeId } of task.snapshots) {
    const isSame = await isReadable(async () => {
      if ((await readSnapshot(repo, id)).tree !== treeId) throw new RangeError('another tree');
    });
    const found = isSame ? await walk.folder(treeId, 0) : BROKEN;
    snapshots.push({ id, isWhole: found.isWhole, packIds: [...found.packIds] });
  }
  return { packs, unfaithful, snapshots };
}

async function isReadable(read: () => Promise<unknown>): Promise<boolean> {
  try {
    await read();
    return true;
  } catch (error) {
    if (isHoldfastError(error, 'storage_unavailable')) throw error;
    return false;
  }
}

/** Does the new index file say of every pack but the damaged ones exactly what the old one says? One that cannot be read says nothing. */
async function isFaithful(
  repo: OpenRepository,
  from: string,
  to: string | null,
  damaged: ReadonlySet<string>,
): Promise<boolean> {
  const packsOf = async (id: string): Promise<Map<string, string> | undefined> => {
    try {
      const packs = decodeIndex(await loadUnpacked(repo, `index/${id}`, LIMITS.indexBytes));
      return new Map(packs.map((pack) => [pack.id, contentsOf(pack)]));
    } catch (error) {
      if (isHoldfastError(error, 'storage_unavailable')) throw error;
      return undefined;
    }
  };
  const old = await packsOf(from);
  const fresh = to === null ? new Map<string, string>() : await packsOf(to);
  if (fresh === undefined) return false;
  for (const [packId, contents] of old ?? []) if (!damaged.has(packId) && fresh.get(packId) !== contents) return false;
  return true;
}

function contentsOf({ blobs }: IndexedPack): string {
  return blobs
    .map(({ id, type, offset, length, uncompressedLength }) => [id, type, offset, length, uncompressedLength].join(':'))
    .sort()
    .join();
}

interface Whole {
  readonly isWhole: boolean;
  /** Of the relevant packs those that it needs. */
  readonly packIds: ReadonlySet<string>;
}

const BROKEN: Whole = { isWhole: false, packIds: new Set() };

/** Every folder once, however many snapshots share it. */
class WholeWalk {
  readonly #reader: BlobReader;
  readonly #index: BlobIndex;
  readonly #relevant: ReadonlySet<string>;
  readonly #seen = new Map<string, Whole>();

  constructor(reader: BlobReader, index: BlobIndex, relevant: ReadonlySet<string>) {
    this.#reader = reader;
    this.#index = index;
    this.#relevant = relevant;
  }

  async folder(treeId: string, depth: number): Promise<Whole> {
    const seen = this.#seen.get(treeId);
    if (seen !== undefined) return seen;
    const found = depth > LIMITS.treeDepth ? BROKEN : await this.#look(treeId, depth);
    this.#seen.set(treeId, found);
    return found;
  }

  async #look(treeId: string, depth: number): Promise<Whole> {
    const packIds = new Set<string>();
    const take = (packId: string): void => {
      if (this.#relevant.has(packId)) packIds.add(packId);
    };
    const tree = this.#index.lookup(treeId, 'tree');
    if (tree === undefined) return BROKEN;
    take(tree.packId);
    let nodes;
    try {
      nodes = await this.#reader.tree(treeId);
    } catch (error) {
      if (isHoldfastError(error, 'storage_unavailable')) throw error;
      return BROKEN;
    }
    for (const node of nodes) {
      for (const id of node.content ?? []) {
        const blob = this.#index.lookup(id, 'data');
        if (blob === undefined) return BROKEN;
        take(blob.packId);
      }
      if (node.subtree === undefined) continue;
      const below = await this.folder(node.subtree, depth + 1);
      if (!below.isWhole) return BROKEN;
      for (const packId of below.packIds) packIds.add(packId);
    }
    return { isWhole: true, packIds };
  }
}
