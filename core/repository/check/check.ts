/** Is all there that the snapshots need, and is it what it was? Structure from the listings and trees, or every byte. */
import { HoldfastError } from '../../base/errors.ts';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { idOfKey, packKey } from '../object-names.ts';
import { listSnapshots } from '../repository.ts';
import type { OpenRepository } from '../types.ts';
import { checkPackData, checkPackListing } from './check-pack.ts';
import { TreeCheck } from './check-trees.ts';
import type { CheckFinding } from './finding.ts';

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
  readonly bytesRead: number;
}

const CONCURRENCY = 2;

/**
 * Damage is told in findings, never thrown, and each error names the snapshots that it touches.
 * @throws HoldfastError cancelled; storage_unavailable when the store cannot be asked.
 */
export async function check(repo: OpenRepository, options: CheckOptions): Promise<CheckResult> {
  return await new RepositoryCheck(repo, options).run();
}

class RepositoryCheck {
  readonly #repo: OpenRepository;
  readonly #options: CheckOptions;
  readonly #findings: CheckFinding[] = [];
  #bytesRead = 0;

  constructor(repo: OpenRepository, options: CheckOptions) {
    this.#repo = repo;
    this.#options = options;
  }

  async run(): Promise<CheckResult> {
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
    for (const [done, snapshot] of snapshots.entries()) {
      await trees.addSnapshot(snapshot, () => this.#assertWanted());
      this.#report('trees', done + 1, snapshots.length);
    }
    if (this.#options.readData) await this.#readData(index, packs);
    const findings = await trees.nameAffected(this.#findings);
    return {
      isIntact: findings.every(({ severity }) => severity !== 'error'),
      findings,
      snapshots: snapshots.length + damaged.length,
      packs: packs.size,
      blobs: index.size,
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
    for (const { packId, blobs } of index.packs()) {
      const size = sizes.get(packId);
      sizes.delete(packId);
      for (const finding of checkPackListing(packId, size, blobs)) this.#add(finding);
      if (size !== undefined) packs.set(packId, size);
    }
    for (const packId of sizes.keys())
      this.#add({
        kind: 'pack_unlisted',
        severity: 'notice',
        packId,
        objectKey: packKey(packId),
        message: 'A pack is in no index, as an interrupted backup leaves one. No snapshot needs it.',
      });
    this.#report('packs', packs.size, packs.size);
    return packs;
  }

  async #readData(index: BlobIndex, sizes: ReadonlyMap<string, number>): Promise<void> {
    // The contents of each pack are taken from the index when its turn comes: all of them at once would be large.
    const queue = index.packs();
    let done = 0;
    const lanes = Array.from({ length: this.#options.concurrency ?? CONCURRENCY }, async () => {
      for (let next = queue.next(); !next.done; next = queue.next()) {
        const { packId, blobs } = next.value;
        const size = sizes.get(packId);
        if (size === undefined) continue; // missing, which was said
        this.#assertWanted();
        for (const finding of await checkPackData(this.#repo, { packId, size, blobs })) this.#add(finding);
        this.#bytesRead += size;
        this.#report('data', (done += 1), sizes.size);
      }
    });
    const results = await Promise.allSettled(lanes);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
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
