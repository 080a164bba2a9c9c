import { isHoldfastError } from '../../core/base/errors.ts';
import { decodeBlob } from '../../core/repository/blob-codec.ts';
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { BlobReader } from '../../core/repository/blob-reader.ts';
import { LIMITS } from '../../core/repository/format/limits.ts';
import { idOfKey, packKey } from '../../core/repository/object-names.ts';
import { packsOf } from '../../core/repository/packs-of-index.ts';
import { listSnapshots, openRepository } from '../../core/repository/repository.ts';
import type { BlobType, OpenRepository } from '../../core/repository/types.ts';
import type { ReadStore } from '../../core/storage/port.ts';
import { displayName } from './find-entry.ts';
import type { TraceResult, TraceTask } from './messages.ts';

/** Paths that are told apart; a vault in which more files are hit is hit as a whole. */
const PATHS_MAX = 100_000;
const PATH_CHARACTERS = 8192;

/** In the child: which blobs lie nowhere else, and which files of which snapshots need them. Bounded in what it names and reads. */
export async function runTraceTask(store: ReadStore, task: TraceTask): Promise<TraceResult> {
  const repo = await openRepository(store, task.password);
  const index = await BlobIndex.load(repo);
  const packIds = new Set(task.damagedKeys.flatMap((key) => (key.startsWith('data/') ? (idOfKey(key) ?? []) : [])));
  const lost = await lostBlobs(repo, store, index, packIds);
  const { snapshots, damaged } = await listSnapshots(repo);
  const walk = new Walk(new BlobReader(repo, index), index, lost, task.treesMax);
  const hit: { id: string; files: number }[] = damaged.map(({ id }) => ({ id, files: 0 }));
  // The newest first: where the bounds end the walk, what is most likely needed has been seen.
  for (const snapshot of snapshots.toSorted((a, b) => (a.time < b.time ? 1 : -1))) {
    const files = await walk.snapshot(snapshot.tree);
    if (files > 0) hit.push({ id: snapshot.id, files });
  }
  return {
    blobs: [...lost].slice(0, task.namesMax).map((one) => ({ id: one.slice(1), type: typeOf(one) })),
    blobsTotal: lost.size,
    files: [...walk.files].slice(0, task.namesMax).map(([path, count]) => ({ path, snapshots: count })),
    filesTotal: walk.files.size,
    snapshots: hit.slice(0, task.namesMax),
    snapshotsTotal: hit.length,
    isComplete: walk.isComplete,
  };
}

const named = (id: string, type: BlobType): string => (type === 'tree' ? 't' : 'd') + id;
const typeOf = (one: string): BlobType => (one.startsWith('t') ? 'tree' : 'data');

/** What lies in these packs alone and cannot be read there. Of a pack with one flipped bit that is one blob. */
async function lostBlobs(
  repo: OpenRepository,
  store: ReadStore,
  index: BlobIndex,
  packIds: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const lost = new Set<string>();
  for (const { packId, blobs } of packsOf(index)) {
    if (!packIds.has(packId)) continue;
    const bytes = await store.get(packKey(packId)).catch((error: unknown) => {
      if (isHoldfastError(error, 'object_missing') || isHoldfastError(error, 'object_mismatch')) return undefined;
      throw error;
    });
    for (const blob of blobs) {
      if (index.lookupAll(blob.id, blob.type).some((copy) => !packIds.has(copy.packId))) continue;
      try {
        if (bytes === undefined || blob.offset + blob.length > bytes.length) throw new RangeError('not there');
        decodeBlob(repo.masterKey, bytes.subarray(blob.offset, blob.offset + blob.length), blob);
      } catch {
        lost.add(named(blob.id, blob.type));
      }
    }
  }
  return lost;
}

class Walk {
  /** How many snapshots hold a hit file, by its path. */
  readonly files = new Map<string, number>();
  isComplete = true;
  readonly #reader: BlobReader;
  readonly #index: BlobIndex;
  readonly #lost: ReadonlySet<string>;
  #treesLeft: number;
  /** Folders below which nothing is hit: in the next snapshots they are passed over. */
  readonly #clean = new Set<string>();

  constructor(reader: BlobReader, index: BlobIndex, lost: ReadonlySet<string>, treesMax: number) {
    this.#reader = reader;
    this.#index = index;
    this.#lost = lost;
    this.#treesLeft = treesMax;
  }

  /** @returns the number of files and folders of it that are hit. */
  async snapshot(treeId: string): Promise<number> {
    return await this.#folder(treeId, '', 0);
  }

  async #folder(treeId: string, path: string, depth: number): Promise<number> {
    if (this.#clean.has(treeId)) return 0;
    if (depth > LIMITS.treeDepth || this.#treesLeft <= 0) {
      this.isComplete = false;
      return 0;
    }
    this.#treesLeft -= 1;
    if (this.#isLost(treeId, 'tree')) return this.#hit(path === '' ? '/' : `${path}/`);
    let nodes;
    try {
      nodes = await this.#reader.tree(treeId);
    } catch (error) {
      if (!isHoldfastError(error, 'repository_damaged')) throw error;
      return this.#hit(path === '' ? '/' : `${path}/`);
    }
    let hits = 0;
    for (const node of nodes) {
      const place = `${path}/${displayName(node.name)}`;
      if (node.subtree !== undefined) hits += await this.#folder(node.subtree, place, depth + 1);
      else if (node.content?.some((id) => this.#isLost(id, 'data')) === true) hits += this.#hit(place);
    }
    if (hits === 0 && this.isComplete) this.#clean.add(treeId);
    return hits;
  }

  #isLost(id: string, type: BlobType): boolean {
    return this.#lost.has(named(id, type)) || !this.#index.has(id, type);
  }

  #hit(path: string): 1 {
    const shown = path.slice(0, PATH_CHARACTERS);
    const known = this.files.get(shown);
    if (known !== undefined || this.files.size < PATHS_MAX) this.files.set(shown, (known ?? 0) + 1);
    else this.isComplete = false;
    return 1;
  }
}
