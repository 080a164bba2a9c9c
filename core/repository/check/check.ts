/** Is all there that the snapshots need, and is it what it was? Structure from the listings and trees, or every byte. */
import { HoldfastError } from '../../base/errors.ts';
import { hashesSideBySide, lanesAtWork, lanesWorth } from '../../base/native/many-hashes.ts';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { idOfKey, packKey } from '../object-names.ts';
import { packColumnsOf } from '../packs-of-index.ts';
import { listSnapshots } from '../repository.ts';
import { threadCount } from '../thread-pool.ts';
import type { ReadStore } from '../../storage/port.ts';
import type { MasterKey, OpenRepository, SnapshotWithId } from '../types.ts';
import { checkGroup, isRegular } from './check-group.ts';
import { checkPackData, checkPackListing, type StoredPack } from './check-pack.ts';
import { TreeCheck } from './check-trees.ts';
import { type CheckThreads, startCheckThreads } from './check-threads.ts';
import type { CheckFinding } from './finding.ts';
import type { PackFinding } from './pack-task.ts';

export interface CheckProgress {
  readonly phase: 'index' | 'packs' | 'trees' | 'data';
  readonly done: number;
  /** 0 while it is not known. */
  readonly total: number;
  readonly bytesRead: number;
}

export interface CheckOptions {
  /** True: every pack is read, its hash, its header and each blob compared. False: listings, indexes, snapshots, trees. */
  readonly readData: boolean;
  /** With `readData`: only these of the packs that are there, which come with their sizes in bytes. */
  readonly choosePacks?: (packs: ReadonlyMap<string, number>) => ReadonlySet<string>;
  readonly onProgress?: (progress: CheckProgress) => void;
  readonly signal?: AbortSignal;
  /** Packs read at once. */
  readonly concurrency?: number;
}

export interface CheckResult {
  /** True when no finding is an error: every snapshot restores whole, as far as was looked. */
  readonly isIntact: boolean;
  readonly findings: readonly CheckFinding[];
  readonly snapshots: number;
  readonly packs: number;
  readonly blobs: number;
  /** Packs that were read whole, and their bytes. */
  readonly packsRead: number;
  readonly bytesRead: number;
}

/** An index of so many bytes lists more than is worth checking without threads. */
const INDEX_BYTES_OF_MUCH = 1024 * 1024;
const GROUPS_PER_THREAD = 4;
/** One more than there are threads on most machines, so that none waits for a pack to be read. */
const CONCURRENCY = 3;

/** A repository whose password is being turned into its key. */
export interface OpeningRepository {
  readonly store: ReadStore;
  readonly opened: Promise<OpenRepository>;
}

/**
 * Damage is told in findings, never thrown, and each error names the snapshots that it touches.
 * @throws HoldfastError cancelled; storage_unavailable when the store cannot be asked; what opening the repository throws.
 */
export async function check(repo: OpenRepository | OpeningRepository, options: CheckOptions): Promise<CheckResult> {
  if (!('opened' in repo)) return await new RepositoryCheck(repo, options).run();
  const { store, opened } = repo;
  opened.catch(() => undefined); // it is waited for below
  const key = opened.then(({ masterKey }) => masterKey);
  const threads = await startEarly(store, key, options).catch(() => undefined); // whoever opens it says what is wrong with the store
  try {
    await opened;
  } catch (error) {
    await threads?.close();
    throw error;
  }
  return await new RepositoryCheck(await opened, options, threads).run(); // which ends the threads
}

/** Threads get ready while the password is turned into the key, where the indexes are so large that threads will be wanted. */
async function startEarly(
  store: ReadStore,
  key: Promise<MasterKey>,
  { readData, choosePacks }: CheckOptions,
): Promise<CheckThreads | undefined> {
  key.catch(() => undefined);
  if (!readData || choosePacks !== undefined) return undefined;
  let bytes = 0;
  for await (const { size } of store.list('index/')) bytes += size;
  return bytes < INDEX_BYTES_OF_MUCH ? undefined : startCheckThreads(key, Infinity);
}

class RepositoryCheck {
  readonly #repo: OpenRepository;
  readonly #options: CheckOptions;
  readonly #findings: CheckFinding[] = [];
  #packsRead = 0;
  #areTreesDone = false;
  #hasFailed = false;
  #bytesRead = 0;
  #threads: CheckThreads | undefined;

  constructor(repo: OpenRepository, options: CheckOptions, threads?: CheckThreads) {
    this.#repo = repo;
    this.#options = options;
    this.#threads = threads;
  }

  async run(): Promise<CheckResult> {
    try {
      return await this.#run();
    } finally {
      await this.#threads?.close();
    }
  }

  async #run(): Promise<CheckResult> {
    const index = await BlobIndex.load(this.#repo, (files) => this.#report('index', files, 0));
    for (const { key, message } of index.damaged) this.#add({ kind: 'index_unreadable', objectKey: key, message });
    const packs = await this.#checkPacks(index);
    const { snapshots, damaged } = await listSnapshots(this.#repo);
    for (const { id, message } of damaged)
      this.#add({
        kind: 'snapshot_unreadable',
        objectKey: `snapshots/${id}`,
        affectedSnapshots: [id],
        message,
      });
    const trees = new TreeCheck(new BlobReader(this.#repo, index), index, (finding) => this.#add(finding));
    await this.#checkContents(trees, snapshots, index, packs);
    this.#nameMissingIndex();
    const findings = await trees.nameAffected(this.#findings);
    return {
      isIntact: findings.every(({ severity }) => severity !== 'error'),
      findings,
      snapshots: snapshots.length + damaged.length,
      packs: packs.size,
      blobs: index.size,
      packsRead: this.#packsRead,
      bytesRead: this.#bytesRead,
    };
  }

  /** Compares what the indexes list with what is stored; returns the sizes of the listed packs that are there. */
  async #checkPacks(index: BlobIndex): Promise<Map<string, number>> {
    const sizes = new Map<string, number>();
    for await (const { key, size } of this.#repo.store.list('data/')) {
      const id = idOfKey(key);
      if (id !== undefined) sizes.set(id, size);
    }
    this.#report('packs', 0, sizes.size);
    const packs = new Map<string, number>();
    for (const { packId, columns } of packColumnsOf(index)) {
      const size = sizes.get(packId);
      sizes.delete(packId);
      for (const finding of checkPackListing(packId, size, columns)) this.#add(finding);
      if (size !== undefined) packs.set(packId, size);
    }
    for (const packId of sizes.keys())
      this.#add({
        kind: 'pack_unlisted',
        severity: 'notice',
        packId,
        objectKey: packKey(packId),
        message: 'A pack is in no index, as an interrupted backup leaves one.',
      });
    this.#report('packs', packs.size, packs.size);
    return packs;
  }

  /** Pieces that no index lists beside packs that no index lists: then it is an index file that was lost, and no data. */
  #nameMissingIndex(): void {
    const isMissing = this.#findings.some(({ kind }) => kind === 'blob_missing' || kind === 'tree_unreadable');
    const unlisted = this.#findings.filter(({ kind }) => kind === 'pack_unlisted').length;
    const isNamed = this.#findings.some(({ kind }) => kind === 'index_unreadable');
    if (!isMissing || isNamed || unlisted === 0) return;
    this.#add({
      kind: 'index_missing',
      message: `Snapshots need data that no index lists, and ${unlisted} packs are in no index: an index file may be lost. "repair index" lists those packs again.`,
      affectedSnapshots: [],
    });
  }

  /** Walks the trees and, when asked for, reads the packs: at the same time where threads do the latter. */
  async #checkContents(
    trees: TreeCheck,
    snapshots: readonly SnapshotWithId[],
    index: BlobIndex,
    packs: ReadonlyMap<string, number>,
  ): Promise<void> {
    if (!this.#options.readData) return await this.#checkTrees(trees, snapshots);
    const chosen = this.#options.choosePacks?.(packs);
    let bytes = 0;
    for (const [packId, size] of packs) if (chosen?.has(packId) !== false) bytes += size;
    const threads = (this.#threads ??= startCheckThreads(this.#repo.masterKey, bytes));
    // What is found meanwhile is told after what the trees tell.
    const found: PackFinding[] = [];
    if (threads.runPart === undefined) await this.#checkTrees(trees, snapshots);
    const reading = this.#readData(index, packs, chosen, threads, found);
    const results = await Promise.allSettled([
      threads.runPart !== undefined ? this.#orStop(this.#checkTrees(trees, snapshots)) : undefined,
      this.#orStop(reading),
    ]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    for (const finding of found) this.#add(finding);
    this.#report('data', this.#packsRead, this.#packsRead);
  }

  /** One that fails stops the others. */
  async #orStop(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#hasFailed = true;
      throw error;
    }
  }

  async #checkTrees(trees: TreeCheck, snapshots: readonly SnapshotWithId[]): Promise<void> {
    for (const [done, snapshot] of snapshots.entries()) {
      await trees.addSnapshot(snapshot, () => this.#assertWanted());
      this.#report('trees', done + 1, snapshots.length);
    }
    this.#areTreesDone = true;
  }

  async #readData(
    index: BlobIndex,
    sizes: ReadonlyMap<string, number>,
    chosen: ReadonlySet<string> | undefined,
    threads: CheckThreads,
    found: PackFinding[],
  ): Promise<void> {
    const { runPart } = threads;
    const wanted = chosen?.size ?? sizes.size;
    const together = runPart !== undefined && hashesSideBySide() ? packsTogether(wanted, threadCount()) : 1;
    const groups = this.#groups(index, sizes, chosen, together);
    const { store } = this.#repo;
    let done = 0;
    const lanes = Array.from({ length: this.#options.concurrency ?? CONCURRENCY }, async () => {
      for (let next = groups.next(); !next.done && !this.#hasFailed; next = groups.next()) {
        const packs = next.value;
        const areWell = packs.length > 1 ? await checkGroup(store, runPart!, packs, () => this.#assertWanted()) : [];
        for (const [at, pack] of packs.entries()) {
          this.#assertWanted();
          if (areWell[at] !== true) found.push(...(await checkPackData(store, threads, pack)));
          this.#bytesRead += pack.size;
          this.#packsRead += 1;
          done += 1;
          if (this.#areTreesDone) this.#report('data', done, wanted);
        }
      }
    });
    const results = await Promise.allSettled(lanes.map((lane) => this.#orStop(lane)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** Packs that are checked together. Their contents are taken from the index when their turn comes: all at once would be large. */
  *#groups(
    index: BlobIndex,
    sizes: ReadonlyMap<string, number>,
    chosen: ReadonlySet<string> | undefined,
    together: number,
  ): Generator<StoredPack[]> {
    let group: StoredPack[] = [];
    for (const { packId, columns } of packColumnsOf(index)) {
      const size = sizes.get(packId);
      if (size === undefined || chosen?.has(packId) === false) continue; // missing, which was said, or not asked for
      const pack = { packId, size, columns };
      if (!isRegular(pack)) yield [pack];
      else if (group.push(pack) === together) {
        yield group;
        group = [];
      }
    }
    if (group.length > 0) yield group;
  }

  #add(finding: Omit<CheckFinding, 'severity'> & { severity?: CheckFinding['severity'] }): void {
    this.#findings.push({ severity: 'error', ...finding });
  }

  #assertWanted(): void {
    if (this.#options.signal?.aborted)
      throw new HoldfastError('cancelled', 'The check was stopped. Nothing was changed, and nothing more was proven.');
  }

  #report(phase: CheckProgress['phase'], done: number, total: number): void {
    this.#assertWanted();
    this.#options.onProgress?.({ phase, done, total, bytesRead: this.#bytesRead });
  }
}

/**
 * Packs of a group, of so many in all: few packs are shared among the threads, in several groups for each, for the last one works
 * alone. A group of one is read whole.
 */
function packsTogether(packs: number, threads: number): number {
  const share = Math.max(lanesAtWork(), Math.ceil(packs / (threads * GROUPS_PER_THREAD)));
  return Math.min(lanesWorth(), share, Math.ceil(packs / threads));
}
