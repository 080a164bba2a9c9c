/** The state of one backup, and the walk that drives it. */
import path from 'node:path';
import { displayPath, type ScannedEntry, type ScannedFolder, SourceScan } from '../../filesystem/scan.ts';
import { HoldfastError } from '../../base/errors.ts';
import { silentLog } from '../../base/log.ts';
import { goTime } from '../format/go-text.ts';
import { encodeNode } from '../format/tree.ts';
import { encodeSnapshot } from '../format/snapshot.ts';
import type {
  BackupProgress,
  Snapshot,
  SnapshotSummary,
  UnreadItem,
  WitnessFile,
  WritableRepository,
} from '../types.ts';
import type { BackupOptions, BackupResult } from './backup.ts';
import { BlobAdder } from './blob-adder.ts';
import { FileQueue, type FileResult } from './file-queue.ts';
import { Lanes } from './lanes.ts';
import { makeNode } from './make-node.ts';
import { loadOwnerNames } from './owners.ts';
import { PackWriter } from './pack-writer.ts';
import { isUnchanged, type ParentEntry, type ParentFolder, ParentSnapshot } from './parent.ts';
import { sealUnpacked, storeObject } from './store-object.ts';
import { type OpenFolder, TreeBuilder } from './tree-builder.ts';
import { WitnessSample } from './witness-sample.ts';

const PACK_BYTES = 16 * 1024 * 1024;
/** The walk lets messages of the lanes through at least every so many entries. */
const ENTRIES_PER_TURN = 500;
/** How long a failed backup waits for uploads that are under way, so that they end before its caller goes on. */
const SETTLE_MS = 2000;

export class BackupRun {
  readonly #repo: WritableRepository;
  readonly #options: BackupOptions;
  readonly #scan: SourceScan;
  readonly #lanes: Lanes;
  readonly #packs: PackWriter;
  readonly #blobs: BlobAdder;
  readonly #files: FileQueue;
  readonly #trees: TreeBuilder;
  readonly #parent: ParentSnapshot;
  readonly #owners = loadOwnerNames();
  readonly #sample: WitnessSample | undefined;
  readonly #witnesses: (WitnessFile & { readonly rank: string | undefined })[] = [];
  readonly #unread: UnreadItem[] = [];
  readonly #failed = Promise.withResolvers<never>();
  readonly #counts = { new: 0, changed: 0, unmodified: 0, bytesKept: 0 };
  readonly #progress = { filesDone: 0, filesTotal: 0, bytesDone: 0, bytesTotal: 0 };
  readonly #startedMs: number;
  #failure: { readonly error: unknown } | undefined;
  #isWalking = true;
  #entriesThisTurn = 0;

  /** @throws HoldfastError source_missing, source_unreadable; bad_request for a repository of format version 1. */
  constructor(repo: WritableRepository, options: BackupOptions) {
    assertVersion(repo);
    this.#repo = repo;
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
    const { paths, excludes = [], excludedFolders = [], oneFileSystem = false, index, witness } = options;
    this.#scan = new SourceScan({ roots: paths, excludes, excludedFolders, oneFileSystem });
    this.#failed.promise.catch(() => undefined); // it is raced where it matters
    const fail = (error: unknown): void => this.#fail(error);
    const { encrypt, macK, macR } = repo.masterKey;
    // Copies: a small Buffer is part of a larger piece of memory, which a message would carry along.
    const masterKey = { encrypt: new Uint8Array(encrypt), macK: new Uint8Array(macK), macR: new Uint8Array(macR) };
    this.#lanes = new Lanes({
      setup: { masterKey, chunkerPolynomial: repo.config.chunkerPolynomial },
      mayAdd: () => this.#packs.hasRoom,
      onFailure: fail,
    });
    this.#packs = new PackWriter({
      store: repo.store,
      masterKey: repo.masterKey,
      index,
      packBytes: options.packBytes ?? PACK_BYTES,
      finishPack: (message) => this.#lanes.finish(message),
      onRoom: () => this.#lanes.schedule(),
      onFailure: fail,
    });
    this.#blobs = new BlobAdder(index, this.#lanes, this.#packs, fail);
    this.#parent = new ParentSnapshot(repo, index);
    this.#trees = new TreeBuilder(this.#owners, (tree) => this.#blobs.addTree(tree, this.#parent.damagedPacks));
    this.#files = new FileQueue({
      lanes: this.#lanes,
      addChunks: (buffer, ranges, ids) => this.#blobs.addChunks(buffer, ranges, ids),
      onBytes: (bytes, full) => {
        this.#progress.bytesDone += bytes;
        this.#report(full);
      },
    });
    this.#sample = witness === undefined ? undefined : new WitnessSample(witness.seed, witness.sampleCount);
    options.signal?.addEventListener('abort', this.#abort, { once: true });
    if (options.signal?.aborted) this.#abort();
  }

  async result(): Promise<BackupResult> {
    return await Promise.race([this.#failed.promise, this.#run()]);
  }

  /** Ends the threads; uploads that are under way are given a moment to end. */
  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#failure ??= { error: cancelled() };
    await Promise.all([this.#lanes.close(), this.#packs.settled(SETTLE_MS)]);
  }

  readonly #abort = (): void => this.#fail(cancelled());

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#failed.reject(error);
  }

  /** Stops the walk and the end of a backup that has failed in another place. */
  #assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #run(): Promise<BackupResult> {
    await this.#walk(this.#scan.root(), undefined, 0, this.#options.parent?.tree);
    this.#isWalking = false;
    this.#files.flush();
    const tree = await this.#trees.root;
    this.#assertSomethingRead();
    await this.#blobs.idle();
    await this.#packs.closePacks();
    this.#assertSound();
    this.#report(undefined, 'index');
    await this.#packs.writeIndex();
    this.#assertSound();
    const snapshot = this.#snapshot(tree);
    const { object, bytes } = sealUnpacked(this.#repo.masterKey, 'snapshot', encodeSnapshot(snapshot));
    // From here on there is no way back: whoever stops now may find the snapshot made.
    await storeObject(this.#repo.store, object, bytes);
    this.#report(undefined, 'done');
    return this.#resultOf(snapshot, object.key.slice('snapshots/'.length), [...this.#packs.added, object]);
  }

  async #walk(
    folder: ScannedFolder,
    above: OpenFolder | undefined,
    place: number,
    parentTree: string | undefined,
  ): Promise<void> {
    this.#assertSound();
    const entries = this.#scan.list(folder);
    this.#takeProblems();
    if (entries === undefined) {
      if (above !== undefined) this.#trees.set(above, place, undefined);
      return;
    }
    const parents = await this.#parent.folder(parentTree);
    const open = this.#trees.open(folder, entries.length, above, place, parents === undefined ? undefined : parentTree);
    // Files first: their totals are known before the walk goes deeper.
    for (const [at, entry] of entries.entries()) if (!isFolder(entry)) this.#leaf(open, at, entry, parents);
    this.#report(folder.path);
    await this.#breathe(entries.length);
    for (const [at, entry] of entries.entries()) {
      if (isFolder(entry)) await this.#walk(entry, open, at, parents?.get(nameKey(entry))?.subtree);
    }
  }

  #leaf(open: OpenFolder, place: number, entry: ScannedEntry, parents: ParentFolder | undefined): void {
    if (entry.kind !== 'file') {
      this.#trees.set(open, place, encodeNode(makeNode(entry, entry.facts, this.#owners, { content: null })));
      return;
    }
    const { path: full, facts } = entry;
    this.#progress.filesTotal += 1;
    this.#progress.bytesTotal += facts.size;
    const parent = parents?.get(nameKey(entry));
    const isCanary = displayPath(full) === this.#options.witness?.canaryPath;
    const rank = isCanary ? undefined : this.#sample?.offer(full, facts.size);
    const isWitness = isCanary || rank !== undefined;
    // A witnessed file is read in any case: its hash is only worth something when it is of the bytes on the disk today.
    if (!isWitness && parent !== undefined && isUnchanged(facts, parent)) {
      const content = parent.content ?? [];
      if (this.#blobs.haveAll(content, 'data')) {
        this.#progress.bytesDone += facts.size;
        this.#keep(open, place, entry, parent, { content, facts });
        return;
      }
    }
    const done = (result: FileResult): void => {
      if (result.problem !== undefined) this.#unread.push({ path: displayPath(full), ...result.problem });
      if (result.witness !== undefined) this.#witness(full, result, rank, isCanary);
      if (result.kept !== undefined) this.#keep(open, place, entry, parent, result.kept);
      else {
        this.#progress.filesDone += 1;
        this.#trees.set(open, place, undefined);
      }
    };
    this.#files.add({ entry, isWitness, done });
  }

  #keep(
    open: OpenFolder,
    place: number,
    entry: ScannedEntry,
    parent: ParentEntry | undefined,
    { content, facts }: NonNullable<FileResult['kept']>,
  ): void {
    this.#progress.filesDone += 1;
    this.#counts.bytesKept += facts.size;
    if (parent?.content === undefined || parent.content === null) this.#counts.new += 1;
    else if (isSameContent(parent.content, content)) this.#counts.unmodified += 1;
    else this.#counts.changed += 1;
    this.#trees.set(open, place, encodeNode(makeNode(entry, facts, this.#owners, { content })));
  }

  #witness(full: Buffer, { witness, kept }: FileResult, rank: string | undefined, isCanary: boolean): void {
    if (witness === undefined || kept === undefined) return;
    const role = isCanary ? 'canary' : 'sample';
    this.#witnesses.push({ path: displayPath(full), size: kept.facts.size, sha256: witness, role, rank });
  }

  #takeProblems(): void {
    for (const problem of this.#scan.problems.splice(0)) this.#unread.push({ ...problem, bytes: 0 });
  }

  /** Lets the lanes be heard, and waits while they are far behind. */
  async #breathe(entries: number): Promise<void> {
    this.#entriesThisTurn += entries;
    if (this.#entriesThisTurn < ENTRIES_PER_TURN) return;
    this.#entriesThisTurn = 0;
    await new Promise<void>((resolve) => setImmediate(resolve));
    await this.#files.room();
  }

  #report(full?: Buffer, phase?: 'index' | 'done'): void {
    const { onProgress } = this.#options;
    if (onProgress === undefined) return;
    const progress: BackupProgress = {
      ...this.#progress,
      phase: phase ?? (this.#isWalking ? 'scan' : 'read'),
      bytesAdded: this.#packs.uploadedBytes,
    };
    try {
      onProgress(full === undefined ? progress : { ...progress, currentPath: displayPath(full) });
    } catch (error) {
      this.#fail(error);
    }
  }

  #assertSomethingRead(): void {
    const { new: added, changed, unmodified } = this.#counts;
    if (this.#progress.filesTotal === 0 || added + changed + unmodified > 0) return;
    throw new HoldfastError(
      'source_unreadable',
      'Not one of the selected files could be read, so no snapshot was made. Earlier backups are untouched. Check the disk and the rights of the agent.',
      { detail: { unread: this.#unread.slice(0, 10) } },
    );
  }

  #snapshot(tree: string): Snapshot {
    const { hostname, username, parent, excludes, tags, programVersion } = this.#options;
    return {
      time: stamp(this.#options.time.getTime()),
      ...(parent === undefined ? {} : { parent: parent.id }),
      tree,
      paths: [...new Set(this.#options.paths.map((root) => path.resolve(root)))].sort(),
      hostname,
      ...(username === undefined ? {} : { username }),
      ...(process.getuid === undefined ? {} : { uid: process.getuid(), gid: process.getgid?.() ?? 0 }),
      ...(excludes === undefined || excludes.length === 0 ? {} : { excludes }),
      ...(tags === undefined || tags.length === 0 ? {} : { tags }),
      program_version: programVersion,
      summary: this.#summary(),
    };
  }

  #summary(): SnapshotSummary {
    const data = this.#blobs.added('data');
    const trees = this.#blobs.added('tree');
    const { new: added, changed, unmodified, bytesKept } = this.#counts;
    return {
      backup_start: stamp(this.#startedMs),
      backup_end: stamp(this.#options.clock.nowMs()),
      files_new: added,
      files_changed: changed,
      files_unmodified: unmodified,
      dirs_new: this.#trees.foldersNew,
      dirs_changed: this.#trees.foldersChanged,
      dirs_unmodified: this.#trees.foldersUnmodified,
      data_blobs: data.blobs,
      tree_blobs: trees.blobs,
      data_added: data.bytes + trees.bytes,
      data_added_packed: this.#packs.storedBytes,
      total_files_processed: added + changed + unmodified,
      total_bytes_processed: bytesKept,
    };
  }

  #resultOf(snapshot: Snapshot, snapshotId: string, added: BackupResult['added']): BackupResult {
    const { data_blobs, tree_blobs, data_added } = this.#summary();
    const witness = this.#witnesses.filter(({ rank }) => rank === undefined || this.#sample?.isChosen(rank) === true);
    (this.#options.log ?? silentLog).debug(
      { snapshotId, files: this.#progress.filesTotal, blobs: data_blobs, socketsSkipped: this.#scan.socketsSkipped },
      'backup stored',
    );
    return {
      snapshotId,
      snapshot: { ...snapshot, id: snapshotId },
      added,
      packIds: this.#blobs.packIds(),
      unread: this.#unread,
      selectedFiles: this.#progress.filesTotal,
      selectedBytes: this.#progress.bytesTotal,
      unreadBytes: this.#unread.reduce((sum, { bytes }) => sum + bytes, 0),
      socketsSkipped: this.#scan.socketsSkipped,
      addedBlobs: data_blobs + tree_blobs,
      addedBytes: data_added,
      storedBytes: this.#packs.storedBytes,
      witness: witness.map(({ path, size, sha256, role }) => ({ path, size, sha256, role })),
    };
  }
}

function assertVersion({ config }: WritableRepository): void {
  if (config.version === 2) return;
  throw new HoldfastError(
    'bad_request',
    'The repository is of format version 1, which knows no compression: it can be restored from and checked, but not added to. "restic migrate upgrade_repo_v2" brings it to version 2.',
  );
}

function isFolder(entry: ScannedEntry | ScannedFolder): entry is ScannedFolder {
  return entry.kind === 'folder';
}

function nameKey({ name }: ScannedEntry): string {
  return name.toString('latin1');
}

function isSameContent(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, at) => id === b[at]);
}

function stamp(ms: number): string {
  return goTime(BigInt(Math.round(ms)) * 1_000_000n);
}

function cancelled(): HoldfastError {
  return new HoldfastError(
    'cancelled',
    'The backup was stopped before it was complete. Earlier backups are untouched.',
  );
}
