/** What the files of a backup are made of: kept from the parent, or read and stored now. */
import { HoldfastError } from '../../base/errors.ts';
import type { ScannedEntry, ScanResult } from '../../filesystem/scan.ts';
import type { BlobReader } from '../blob-reader.ts';
import type { BackupProgress, TreeNode, UnreadItem, WitnessFile, WritableRepository } from '../types.ts';
import type { BackupOptions } from './backup.ts';
import type { FileRead, FileToRead, SealedChunk } from './lane-messages.ts';
import { readFiles } from './lanes.ts';
import type { PackWriter } from './pack-writer.ts';
import { isUnchanged, loadParentFolder, type ParentFolder, parentNode } from './parent.ts';
import { witnessSample } from './witness-sample.ts';

interface FileState {
  readonly entry: ScannedEntry;
  readonly parent: TreeNode | undefined;
  content: readonly string[] | undefined;
  size: bigint;
}

/** Progress goes out at most so often; the caller may be far away. */
const PROGRESS_EVERY_MS = 250;

export class BackupContents {
  readonly unread: UnreadItem[] = [];
  readonly witness: WitnessFile[] = [];
  filesTotal = 0;
  filesKept = 0;
  filesNew = 0;
  filesChanged = 0;
  filesUnmodified = 0;
  bytesKept = 0;
  newBlobs = 0;
  newBytes = 0;
  readonly #repo: WritableRepository;
  readonly #options: BackupOptions;
  readonly #packs: PackWriter;
  readonly #reader: BlobReader;
  readonly #files = new Map<ScannedEntry, FileState>();
  readonly #parentTrees = new Map<ScannedEntry, string>();
  /** Chunks that somebody is sealing already in this run. */
  readonly #claimed = new Set<string>();
  #toRead: FileState[] = [];
  #sample: ReadonlySet<ScannedEntry> = new Set();
  #filesDone = 0;
  #bytesDone = 0;
  #bytesTotal = 0;
  #reportedMs = 0;

  constructor(repo: WritableRepository, options: BackupOptions, packs: PackWriter, reader: BlobReader) {
    this.#repo = repo;
    this.#options = options;
    this.#packs = packs;
    this.#reader = reader;
  }

  /** Decides for every file whether the parent's contents serve or it is to be read. */
  async collect(scanned: ScanResult, parentTree: string | undefined): Promise<void> {
    this.unread.push(...scanned.problems.map((problem) => ({ ...problem, bytes: 0 })));
    await this.#collectFolder(scanned.root, await loadParentFolder(this.#reader, parentTree));
    const entries = [...this.#files.keys()];
    this.filesTotal = entries.length;
    this.#bytesTotal = Number(scanned.bytes);
    const { witness } = this.#options;
    if (witness !== undefined) {
      const sample = witnessSample(entries, witness.seed, witness.sampleCount);
      const canary = entries.find(({ path }) => path.toString('utf8') === witness.canaryPath);
      if (canary !== undefined) sample.add(canary);
      this.#sample = sample;
    }
    for (const state of this.#files.values()) {
      // A witnessed file is read in any case: its hash is only worth something when it is of the bytes on the disk today.
      if (this.#sample.has(state.entry) || !isUnchanged(state.entry, state.parent, this.#options.index)) {
        this.#toRead.push(state);
      } else this.#keep(state, state.parent?.content ?? [], state.entry.stat.size);
    }
  }

  async #collectFolder(folder: ScannedEntry, parent: ParentFolder | undefined): Promise<void> {
    if (parent !== undefined) this.#parentTrees.set(folder, parent.subtree);
    for (const entry of folder.children ?? []) {
      const node = parentNode(parent, entry);
      if (entry.children !== undefined) {
        await this.#collectFolder(entry, await loadParentFolder(this.#reader, node?.subtree));
      } else if (entry.stat.isFile()) {
        this.#files.set(entry, { entry, parent: node, content: undefined, size: entry.stat.size });
      }
    }
  }

  /** The parent's tree of the same folder, to tell whether the folder changed. */
  parentTreeOf(folder: ScannedEntry): string | undefined {
    return this.#parentTrees.get(folder);
  }

  /** Contents of a file, or undefined when it is lost and must not be in the tree. */
  contentOf(entry: ScannedEntry): { readonly content: readonly string[]; readonly size: bigint } | undefined {
    const state = this.#files.get(entry);
    return state?.content === undefined ? undefined : { content: state.content, size: state.size };
  }

  *blobIds(): Generator<string> {
    for (const { content } of this.#files.values()) yield* content ?? [];
  }

  async read(): Promise<void> {
    const files = this.#toRead.map(
      ({ entry }, file): FileToRead => ({
        file,
        path: entry.path,
        size: Number(entry.stat.size),
        mtimeNs: entry.stat.mtimeNs,
        ctimeNs: entry.stat.ctimeNs,
        isWitness: this.#sample.has(entry),
      }),
    );
    const handlers = {
      claim: (ids: readonly string[]) => this.#claim(ids),
      sealed: (chunk: SealedChunk, bytes: Uint8Array) => this.#store(chunk, bytes),
      read: (file: FileRead) => this.#take(file),
    };
    await readFiles(this.#repo.masterKey, this.#repo.config.chunkerPolynomial, files, handlers, this.#options.signal);
  }

  async #claim(ids: readonly string[]): Promise<Uint8Array> {
    await this.#packs.room(); // holds the lanes back while uploads are slower than reading
    const wanted = new Uint8Array(ids.length);
    for (const [at, id] of ids.entries()) {
      if (this.#claimed.has(id) || this.#options.index.has(id, 'data')) continue;
      this.#claimed.add(id);
      wanted[at] = 1;
    }
    return wanted;
  }

  #store(chunk: SealedChunk, bytes: Uint8Array): void {
    this.newBlobs += 1;
    this.newBytes += chunk.plainLength;
    const sealed = {
      bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      uncompressedLength: chunk.uncompressedLength,
    };
    this.#packs.add(chunk.id, 'data', sealed);
  }

  #take(read: FileRead): void {
    const state = this.#toRead[read.file];
    if (state === undefined) throw new HoldfastError('internal', 'A file was reported that nobody asked for.');
    const path = state.entry.path.toString('utf8');
    if (read.problem !== undefined) this.unread.push({ path, ...read.problem });
    if (read.isLost) this.#advance(state, Number(state.entry.stat.size));
    else {
      this.#keep(state, read.content, BigInt(read.bytes));
      if (read.witness !== undefined) {
        const role = path === this.#options.witness?.canaryPath ? 'canary' : 'sample';
        this.witness.push({ path, size: read.bytes, sha256: read.witness, role });
      }
    }
  }

  #keep(state: FileState, content: readonly string[], size: bigint): void {
    state.content = content;
    state.size = size;
    this.filesKept += 1;
    this.bytesKept += Number(size);
    if (state.parent === undefined) this.filesNew += 1;
    else if (isSameContent(state.parent.content, content)) this.filesUnmodified += 1;
    else this.filesChanged += 1;
    this.#advance(state, Number(size));
  }

  #advance(state: FileState, bytes: number): void {
    this.#filesDone += 1;
    this.#bytesDone += bytes;
    const nowMs = this.#options.clock.nowMs();
    if (nowMs - this.#reportedMs < PROGRESS_EVERY_MS) return;
    this.#reportedMs = nowMs;
    const currentPath = state.entry.path.toString('utf8');
    this.#options.onProgress?.({ ...this.progress(), currentPath });
  }

  progress(): BackupProgress {
    return {
      phase: 'read',
      filesDone: this.#filesDone,
      filesTotal: this.filesTotal,
      bytesDone: this.#bytesDone,
      bytesTotal: this.#bytesTotal,
      bytesAdded: this.#packs.storedBytes,
    };
  }
}

function isSameContent(a: readonly string[] | null, b: readonly string[]): boolean {
  return a !== null && a.length === b.length && a.every((id, at) => id === b[at]);
}
