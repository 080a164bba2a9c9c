/** The state of one backup, and the walk that drives it. */
import { AttributeReader } from '../../filesystem/attribute-reader.ts';
import { FolderState } from './folder-state.ts';
import { FolderListing, type PlacedEntry } from '../../filesystem/folder-listing.ts';
import { ReadAhead } from '../../filesystem/read-ahead.ts';
import { displayPath, type ScannedFolder, SourceScan } from '../../filesystem/scan.ts';
import { HoldfastError } from '../../base/errors.ts';
import { silentLog } from '../../base/log.ts';
import { releaseProgramPages } from '../../base/native/program-pages.ts';
import { goTime, localZone, type ZoneOffset } from '../format/go-text.ts';
import { encodeSnapshot } from '../format/snapshot.ts';
import type { BackupProgress, Snapshot, SnapshotSummary, UnreadItem, WritableRepository } from '../types.ts';
import { assertWritableVersion } from '../write/assert-writable-version.ts';
import type { BackupOptions, BackupResult, BackupWarning } from './backup.ts';
import { BlobAdder } from './blob-adder.ts';
import { FileQueue, type FileResult } from './file-queue.ts';
import { FileTally } from './file-tally.ts';
import type { FolderRecord } from './folder-record.ts';
import type { HashedBlobs } from './lane-messages.ts';
import { Lanes } from './lanes.ts';
import { type KnownEntry, type KnownFolder, KnownFolders } from './known-folders.ts';
import { loadOwnerNames } from './owners.ts';
import { PackWriter } from '../write/pack-writer.ts';
import { NewDataSigns } from './new-data-signs.ts';
import { ParentSnapshot } from './parent.ts';
import { ScratchFiles } from '../write/scratch-files.ts';
import { sealUnpacked, storeObject } from '../write/store-object.ts';
import { StreamQueue } from './stream-queue.ts';
import { madeFolder, placeStreams, type StreamPart, type StreamSource, withStreams } from './stream-source.ts';
import { treeForm } from './tree-form.ts';
import { type OpenFolder, TreeBuilder, type TreeBuilderOptions } from './tree-builder.ts';
import { WitnessFiles, type WitnessRole } from './witness-files.ts';

const PACK_BYTES = 16 * 1024 * 1024;
/** The walk lets messages of the lanes through at least every so many entries. */
const ENTRIES_PER_TURN = 500;
/** How long a failed backup waits for uploads that are under way, so that they end before its caller goes on. */
const SETTLE_MS = 2000;

/** What decides how an entry that is no folder is stored. */
interface LeafTerms {
  readonly folder: KnownFolder | undefined;
  readonly role: WitnessRole | undefined;
  /** Whence its bytes come, when it is no file on the disk. */
  readonly stream: StreamSource | undefined;
}

export class BackupRun {
  readonly #repo: WritableRepository;
  readonly #options: BackupOptions;
  /** Undefined when there is nothing but streams. */
  readonly #ahead: ReadAhead | undefined;
  readonly #streams: StreamPart | undefined;
  readonly #streamQueue: StreamQueue;
  readonly #timeNs: bigint;
  readonly #zone: ZoneOffset;
  readonly #lanes: Lanes;
  readonly #packs: PackWriter;
  readonly #blobs: BlobAdder;
  readonly #files: FileQueue;
  readonly #trees: TreeBuilder;
  readonly #known: KnownFolders;
  readonly #signs = new NewDataSigns();
  readonly #state: FolderState | undefined;
  readonly #witnesses: WitnessFiles;
  readonly #unread: UnreadItem[] = [];
  #scratch: ScratchFiles | undefined;
  readonly #warnings: BackupWarning[] = [];
  readonly #failed = Promise.withResolvers<never>();
  readonly #counts = new FileTally();
  readonly #progress = { filesDone: 0, filesTotal: 0, bytesDone: 0, bytesTotal: 0 };
  readonly #startedMs: number;
  #failure: { readonly error: unknown } | undefined;
  #isWalking = true;
  #hasPack = false;
  #entriesThisTurn = 0;

  /** @throws HoldfastError source_missing, source_unreadable; bad_request for a repository of format version 1. */
  constructor(repo: WritableRepository, options: BackupOptions) {
    assertWritableVersion(repo);
    this.#repo = repo;
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
    const { paths, index } = options;
    this.#timeNs = BigInt(options.time.getTime()) * 1_000_000n;
    this.#streams = placeStreams(options.streams ?? []);
    // An empty list of paths is refused by the scan, unless streams are what is wanted.
    if (paths.length > 0 || this.#streams === undefined)
      this.#ahead = options.scan ?? new ReadAhead(new SourceScan({ ...options, roots: paths }));
    this.#failed.promise.catch(() => undefined); // it is raced where it matters
    const fail = (error: unknown): void => this.#fail(error);
    const { encrypt, macK, macR } = repo.masterKey;
    // Copies: a small Buffer is part of a larger piece of memory, which a message would carry along.
    const masterKey = { encrypt: new Uint8Array(encrypt), macK: new Uint8Array(macK), macR: new Uint8Array(macR) };
    const packBytes = options.packBytes ?? PACK_BYTES;
    this.#lanes = new Lanes({
      setup: () => ({
        masterKey,
        chunkerPolynomial: repo.config.chunkerPolynomial,
        packBytes,
        scratch: { folder: this.#scratch!.folder, prefix: this.#scratch!.prefix }, // there before the first lane: #run
      }),
      onPack: (pack) => {
        this.#packs.add(pack);
        // Threads run, and what they do was done many times: the start is over.
        if (!this.#hasPack) releaseProgramPages();
        this.#hasPack = true;
      },
      lanesMax: options.readConcurrency,
      mayAdd: () => this.#packs.hasRoom,
      onFailure: fail,
    });
    this.#packs = new PackWriter({
      store: repo.store,
      masterKey: repo.masterKey,
      index,
      onRoom: () => this.#lanes.schedule(),
      onFailure: fail,
    });
    this.#blobs = new BlobAdder(index, this.#lanes, this.#packs, fail);
    const attributes = new AttributeReader({
      withoutNative: options.withoutNative ?? false,
      onProblem: (problem) => this.#unread.push({ ...problem, bytes: 0 }),
      onWarning: (place, reason) => this.#warnings.push({ path: place, reason }),
    });
    const owners = loadOwnerNames();
    const { statePath, clock, zone = localZone } = options;
    this.#zone = zone;
    this.#state =
      statePath === undefined
        ? undefined
        : new FolderState({
            path: statePath,
            repositoryId: repo.config.id,
            form: treeForm(owners, zone, attributes.isAble),
            clock,
          });
    const parent = new ParentSnapshot(repo, index, zone);
    this.#known = new KnownFolders(parent, index, this.#state);
    const store = (tree: Buffer): string => this.#blobs.addTree(tree, parent.damagedPacks);
    const attributesOf = (entry: PlacedEntry): ReturnType<TreeBuilderOptions['attributesOf']> => {
      const told = this.#unread.length + this.#warnings.length;
      const found = attributes.of(entry);
      return { attributes: found, isAll: this.#unread.length + this.#warnings.length === told };
    };
    const onTooLarge = (item: UnreadItem): unknown => this.#unread.push(item);
    this.#trees = new TreeBuilder({ owners, zone, attributesOf, store, onTooLarge, state: this.#state });
    const addChunks = (of: HashedBlobs, by?: NewDataSigns): string[] => this.#blobs.addChunks(of, by);
    const onBytes = (bytes: number, full: Buffer): void => {
      this.#progress.bytesDone += bytes;
      this.#report(full);
    };
    this.#files = new FileQueue({ lanes: this.#lanes, addChunks: (of) => addChunks(of, this.#signs), onBytes });
    this.#streamQueue = new StreamQueue({
      sink: {
        borrowBuffer: () => this.#lanes.borrowBuffer(),
        releaseBuffer: (buffer) => this.#lanes.releaseBuffer(buffer),
        addChunks,
      },
      onBytes: (bytes, full) => {
        this.#progress.bytesTotal += bytes; // nobody knew before how much it would be
        onBytes(bytes, full);
      },
      chunkerPolynomial: repo.config.chunkerPolynomial,
      order: options.streams ?? [],
      leavesOut: options.onStreamFailure === 'leave_out',
    });
    this.#witnesses = new WitnessFiles(options.witness);
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
    this.#streamQueue.close(this.#failure.error);
    this.#state?.close();
    await Promise.all([this.#lanes.close(), this.#packs.settled(SETTLE_MS)]);
    await this.#scratch?.clear();
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
    this.#scratch = await ScratchFiles.open(this.#repo.store, this.#startedMs);
    const root = this.#ahead?.scan.root() ?? madeFolder(Buffer.alloc(0), Buffer.alloc(0), this.#timeNs);
    await this.#walk(root, this.#streams, undefined, 0, this.#options.parent?.tree);
    this.#isWalking = false;
    if (this.#streams === undefined) this.#lanes.finishSmall();
    this.#files.flush();
    await this.#streamQueue.readAll();
    const tree = await this.#trees.root;
    this.#counts.assertSomethingRead(this.#progress.filesTotal, this.#unread);
    await this.#blobs.idle();
    // Packs end together: this is where a backup of small files holds the most.
    if (this.#hasPack) releaseProgramPages();
    await this.#lanes.closePacks('data');
    await this.#lanes.closePacks('tree');
    await this.#packs.idle();
    await this.#lanes.close(); // their memory is needed for the index
    this.#assertSound();
    this.#report(undefined, 'index');
    await this.#packs.writeIndex();
    this.#assertSound();
    const snapshot = this.#snapshot(tree);
    const { object, bytes } = sealUnpacked(this.#repo.masterKey, 'snapshot', encodeSnapshot(snapshot));
    // From here on there is no way back: whoever stops now may find the snapshot made.
    await storeObject(this.#repo.store, object, bytes);
    this.#state?.commit();
    this.#report(undefined, 'done');
    return this.#resultOf(snapshot, object.key.slice('snapshots/'.length), [...this.#packs.added, object]);
  }

  async #walk(
    folder: ScannedFolder,
    streams: StreamPart | undefined,
    above: OpenFolder | undefined,
    place: number,
    parentTree: string | undefined,
  ): Promise<void> {
    this.#assertSound();
    const listing = this.#list(folder, streams);
    this.#takeProblems();
    if (listing === undefined) {
      if (above !== undefined) this.#trees.set(above, place, undefined);
      return;
    }
    const witnesses = this.#witnesses.among(listing, streams);
    const { known, same } = await this.#known.find(parentTree, listing, witnesses.size === 0 && streams === undefined);
    const open = this.#trees.open({
      listing,
      above,
      place,
      parentTree: known === undefined ? undefined : parentTree,
      same,
    });
    // Files first: their totals are known before the walk goes deeper.
    if (same !== undefined) this.#countSame(same);
    else
      for (let at = 0; at < listing.length; at += 1)
        if (listing.kind(at) !== 'folder')
          this.#leaf(open, at, {
            folder: known,
            role: witnesses.get(at),
            stream: streams?.below.get(listing.names[at]!)?.source,
          });
    this.#report(folder.path);
    await this.#breathe(same === undefined ? listing.length : listing.length / 10);
    for (const at of listing.folders()) {
      const name = listing.names[at]!;
      await this.#walk(listing.subfolder(at), streams?.below.get(name), open, at, known?.find(name)?.subtree);
    }
  }

  #list(folder: ScannedFolder, streams: StreamPart | undefined): FolderListing | undefined {
    const listing = this.#ahead?.list(folder);
    if (streams === undefined) return this.#ahead === undefined ? new FolderListing(folder, 0) : listing;
    const entries = Array.from(listing?.names ?? [], (_, at) => listing!.entry(at));
    return FolderListing.of(folder, withStreams(entries, folder, streams, this.#timeNs));
  }

  #countSame({ files, fileBytes }: FolderRecord): void {
    this.#progress.filesTotal += files;
    this.#progress.filesDone += files;
    this.#progress.bytesTotal += fileBytes;
    this.#progress.bytesDone += fileBytes;
    this.#counts.addUnmodified(files, fileBytes);
  }

  #leaf(open: OpenFolder, place: number, { folder, role, stream }: LeafTerms): void {
    const { listing } = open;
    if (listing.kind(place) !== 'file')
      return this.#trees.set(open, place, { facts: listing.facts(place), content: null });
    const size = listing.size(place);
    this.#progress.filesTotal += 1;
    this.#progress.bytesTotal += size;
    const known = folder?.find(listing.names[place]!);
    // A witnessed file is read in any case: its hash is only worth something when it is of the bytes on the disk today.
    if (stream === undefined && role === undefined && known !== undefined) {
      const facts = listing.facts(place);
      const content = known.content ?? [];
      if (known.isUnchanged(facts) && this.#blobs.haveAll(content, 'data')) {
        this.#progress.bytesDone += size;
        this.#keep(open, place, known, { content, facts });
        return;
      }
    }
    const done = (result: FileResult): void => {
      if (result.problem !== undefined)
        this.#unread.push({ path: displayPath(listing.path(place)), ...result.problem });
      if (role !== undefined) this.#witnesses.take(listing.path(place), result, role);
      if (result.kept !== undefined) this.#keep(open, place, known, result.kept);
      else {
        this.#progress.filesDone += 1;
        this.#trees.set(open, place, undefined);
      }
    };
    if (stream === undefined) this.#files.add({ listing, place, isWitness: role !== undefined, done });
    else this.#streamQueue.add({ entry: listing.entry(place), source: stream, done });
  }

  #keep(
    open: OpenFolder,
    place: number,
    known: KnownEntry | undefined,
    { content, facts }: NonNullable<FileResult['kept']>,
  ): void {
    this.#progress.filesDone += 1;
    this.#counts.add(known, content, facts.size);
    this.#trees.set(open, place, { facts, content });
  }

  #takeProblems(): void {
    for (const problem of this.#ahead?.scan.problems.splice(0) ?? []) this.#unread.push({ ...problem, bytes: 0 });
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
    const expected = this.#options.parent?.summary;
    const { filesTotal, bytesTotal } = this.#progress;
    const progress: BackupProgress = {
      ...this.#progress,
      // While the walk goes on, the last backup tells how much to expect.
      filesTotal: this.#isWalking ? Math.max(filesTotal, expected?.total_files_processed ?? 0) : filesTotal,
      bytesTotal: this.#isWalking ? Math.max(bytesTotal, expected?.total_bytes_processed ?? 0) : bytesTotal,
      phase: phase ?? (this.#isWalking && expected === undefined ? 'scan' : 'read'),
      bytesAdded: this.#packs.uploadedBytes,
    };
    try {
      onProgress(full === undefined ? progress : { ...progress, currentPath: displayPath(full) });
    } catch (error) {
      this.#fail(error);
    }
  }

  #snapshot(tree: string): Snapshot {
    const { hostname, username, parent, excludes, tags, programVersion } = this.#options;
    return {
      time: this.#stamp(this.#options.time.getTime()),
      ...(parent === undefined ? {} : { parent: parent.id }),
      tree,
      paths: this.#paths(),
      hostname,
      ...(username === undefined ? {} : { username }),
      ...(process.getuid === undefined ? {} : { uid: process.getuid(), gid: process.getgid?.() ?? 0 }),
      ...(excludes === undefined || excludes.length === 0 ? {} : { excludes }),
      ...(tags === undefined || tags.length === 0 ? {} : { tags }),
      program_version: programVersion,
      summary: this.#summary(),
    };
  }

  #paths(): string[] {
    const { streams = [] } = this.#options;
    return [...new Set([...(this.#ahead?.scan.roots ?? []), ...streams.map((stream) => stream.path)])].sort();
  }

  #summary(): SnapshotSummary {
    const [data, trees] = [this.#blobs.added('data'), this.#blobs.added('tree')];
    const { new: added, changed, unmodified, bytesKept } = this.#counts;
    return {
      backup_start: this.#stamp(this.#startedMs),
      backup_end: this.#stamp(this.#options.clock.nowMs()),
      files_new: added,
      files_changed: changed,
      files_unmodified: unmodified,
      dirs_new: this.#trees.foldersNew,
      dirs_changed: this.#trees.foldersChanged,
      dirs_unmodified: this.#trees.foldersUnmodified,
      data_blobs: data.blobs,
      tree_blobs: trees.blobs,
      data_added: data.bytes + trees.bytes,
      data_added_packed: this.#blobs.storedBytes,
      total_files_processed: added + changed + unmodified,
      total_bytes_processed: bytesKept,
    };
  }

  #stamp(ms: number): string {
    return goTime(BigInt(Math.round(ms)) * 1_000_000n, this.#zone);
  }

  #resultOf(snapshot: Snapshot, snapshotId: string, added: BackupResult['added']): BackupResult {
    const { data_blobs, tree_blobs, data_added } = this.#summary();
    const socketsSkipped = this.#ahead?.scan.socketsSkipped ?? 0;
    (this.#options.log ?? silentLog).debug(
      { snapshotId, files: this.#progress.filesTotal, blobs: data_blobs, socketsSkipped },
      'backup stored',
    );
    return {
      snapshotId,
      snapshot: { ...snapshot, id: snapshotId },
      added,
      packIds: [...new Set([...this.#blobs.packIds(), ...this.#known.packIds()])].sort(),
      unread: this.#unread,
      warnings: this.#warnings,
      selectedFiles: this.#progress.filesTotal,
      selectedBytes: this.#progress.bytesTotal,
      unreadBytes: this.#unread.reduce((sum, { bytes }) => sum + bytes, 0),
      socketsSkipped,
      addedBlobs: data_blobs + tree_blobs,
      addedBytes: data_added,
      storedBytes: this.#blobs.storedBytes,
      witness: this.#witnesses.chosen(),
      changes: this.#signs.changes(this.#known.isWhole ? this.#options.parent?.summary : undefined, this.#counts),
    };
  }
}

function cancelled(): HoldfastError {
  return new HoldfastError(
    'cancelled',
    'The backup was stopped before it was complete. Earlier backups are untouched.',
  );
}
