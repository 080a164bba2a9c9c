/** Restores a snapshot, or parts of it, into a folder. Every piece is verified before it is written. */
import type { OverwriteDecision } from '../../filesystem/overwrite-rule.ts';
import { type EntryMetadata, metadataLimits, refreshMetadata } from '../../filesystem/entry-metadata.ts';
import type { SafeWriter } from '../../filesystem/safe-writer.ts';
import type { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import type { WalkedEntry } from '../list-tree.ts';
import type { OpenRepository, TreeNode } from '../types.ts';
import { FileWriter } from './file-writer.ts';
import { type FirstName, LateEntries } from './late-entries.ts';
import { metadataOf, ownerLimits, secondsOf } from './node-metadata.ts';
import { type FilePieces, HardLinks, piecesOf, splitPath } from './plan.ts';
import { openWriter, refusedBy, translateWriteError } from './refused-write.ts';
import type { RestoreOptions, RestoreProblem, RestoreResult } from './restore-options.ts';
import { RestoreTally } from './restore-tally.ts';
import { RestoreThreads } from './restore-threads.ts';
import type { RestoredFile } from './restore-window.ts';
import { selectedRuns } from './selected-runs.ts';
import { verifyRestored } from './verify-files.ts';

export type { RestoreOptions, RestoreProblem, RestoreProgress, RestoreResult } from './restore-options.ts';

/**
 * With a promise of the index, threads get ready while it is loaded.
 * @throws HoldfastError cancelled; unsafe_restore when a link in the target stands where the backup has a folder;
 * disk_full; storage_unavailable when either disk cannot be used. Files that were begun are removed then, and files that
 * were to be replaced are as they were. Damage does not throw: what is intact is restored, and `damaged` names the rest.
 */
export async function restore(
  repo: OpenRepository,
  index: BlobIndex | Promise<BlobIndex>,
  options: RestoreOptions,
): Promise<RestoreResult> {
  const threads = new RestoreThreads(repo.masterKey);
  try {
    const { files, bytes } = wholeSnapshot(options);
    threads.expect(files, bytes);
    return await new Restoration(new BlobReader(repo, await index), threads, options).run();
  } finally {
    await threads.close();
  }
}

/** What the snapshot says of itself, when all of it is wanted. */
function wholeSnapshot(options: RestoreOptions): { readonly files: number; readonly bytes: number } {
  const { snapshot, include = [], includePatterns = [], exclude = [] } = options;
  const isWhole = include.length + includePatterns.length + exclude.length === 0;
  const { total_files_processed: files = 0, total_bytes_processed: bytes = 0 } = snapshot.summary ?? {};
  return isWhole ? { files, bytes } : { files: 0, bytes: 0 };
}

/** The folder of the entries that come one after another. */
interface Parent {
  readonly pathBytes: Uint8Array;
  readonly place: Buffer;
}

class Restoration {
  readonly #reader: BlobReader;
  readonly #options: RestoreOptions;
  readonly #whole: { readonly files: number; readonly bytes: number };
  readonly #writer: SafeWriter;
  readonly #threads: RestoreThreads;
  readonly #files: FileWriter;
  readonly #hardLinks = new HardLinks<FirstName>();
  readonly #tally = new RestoreTally();
  readonly #late: LateEntries;
  #parent: Parent | undefined;
  /** Entries of other owners than the user who restores. */
  #foreign = 0;
  readonly #self = process.geteuid?.();
  readonly #contradictions: RestoreProblem[] = [];
  readonly #unsupported: RestoreProblem[] = [];
  #filesDone = 0;
  #bytesDone = 0;
  #filesTotal = 0;
  #bytesTotal = 0;

  constructor(reader: BlobReader, threads: RestoreThreads, options: RestoreOptions) {
    this.#reader = reader;
    this.#threads = threads;
    this.#options = options;
    this.#whole = wholeSnapshot(options);
    this.#writer = openWriter(options);
    this.#late = new LateEntries({
      writer: this.#writer,
      tally: this.#tally,
      placeOf: (parentBytes, name) => this.#placeOf(parentBytes, name),
      metadataOf: (node) => this.#metadataOf(node),
      heldBytesMax: options.planBytesMax,
    });
    this.#files = new FileWriter({
      reader: this.#reader,
      writer: this.#writer,
      threads: this.#threads,
      isSparse: options.isSparse ?? true,
      // Without metadata a file never gets a mode that would take the mark away.
      isMarked: options.withMetadata !== false,
      onDone: (file, warning) => {
        this.#filesDone += 1;
        this.#tally.warn(file.path, warning);
      },
      onGivenUp: ({ path, problem }) => this.#tally.damage(path, problem ?? 'it could not be written'),
      onBytes: (bytes) => {
        this.#bytesDone += bytes;
      },
      onProgress: () => this.#report(),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
    });
  }

  async run(): Promise<RestoreResult> {
    try {
      const onDamage = (path: string, error: Error): void => this.#tally.damage(path, error.message);
      for await (const run of selectedRuns(this.#reader, this.#options.snapshot, this.#options, onDamage)) {
        for (const entry of run) this.#take(entry);
        this.#threads.expect(this.#filesTotal, this.#bytesTotal);
        await this.#files.advance();
      }
      await this.#files.finish();
      this.#filesDone += this.#late.finish();
    } catch (error) {
      await this.#files.abandon(error);
      throw translateWriteError(error);
    }
    this.#report();
    const filesVerified = this.#options.verify === true ? await this.#verify() : 0;
    return {
      filesRestored: this.#filesDone,
      bytesRestored: this.#bytesDone,
      unchanged: this.#tally.unchanged,
      filesVerified,
      skipped: this.#tally.skipped,
      damaged: this.#tally.damaged,
      warnings: [...this.#contradictions, ...this.#unsupported, ...this.#limits(), ...this.#tally.warnings],
    };
  }

  #take(entry: WalkedEntry): void {
    if (this.#options.filesOnly === true && entry.node.type !== 'dir' && entry.node.type !== 'file') return;
    if (entry.node.uid !== this.#self) this.#foreign += 1;
    switch (entry.node.type) {
      case 'dir':
        this.#late.addFolder(entry);
        break;
      case 'symlink':
        this.#late.addLink(entry);
        break;
      case 'file':
        this.#takeFile(entry);
        break;
      case 'dev':
      case 'chardev':
      case 'fifo':
        this.#late.addSpecial(entry);
        break;
      default:
        this.#unsupported.push({ path: entry.path, reason: `a ${entry.node.type} is not restored` });
    }
  }

  /** What no entry has of its metadata here. */
  #limits(): RestoreProblem[] {
    const { withMetadata, withoutNative } = this.#options;
    if (withMetadata === false) return [];
    const limits = [metadataLimits(withoutNative), ownerLimits(this.#foreign)];
    return limits.flatMap((reason) => (reason === undefined ? [] : [{ path: '/', reason }]));
  }

  #takeFile(entry: WalkedEntry): void {
    const { node, path } = entry;
    this.#filesTotal += 1;
    const first = this.#options.filesOnly === true ? undefined : this.#hardLinks.firstOf(node);
    if (first !== undefined && (first.isThere || first.problem !== undefined)) {
      this.#late.addLink(entry, first);
      if (node.uid !== this.#self) this.#foreign -= 1; // counted with its first name
      return;
    }
    const pieces = piecesOf(this.#reader.index, node);
    // Where the first name was kept, this one takes its part; what is wrong with the listing was said then.
    if (first === undefined) {
      this.#bytesTotal += pieces.size;
      if (pieces.contradiction !== undefined) this.#contradictions.push({ path, reason: pieces.contradiction });
    }
    const metadata = this.#metadataOf(node);
    const mtimeSeconds = metadata === undefined ? secondsOf(node.mtime) : Number(metadata.mtimeNs) / 1e9;
    let known: FirstName | undefined;
    const failure = refusedBy(() => {
      const place = this.#placeOf(entry.parentBytes, node.name);
      const rule = this.#writer.prepare(place, { size: pieces.size, mtimeSeconds });
      // Contents that are there stay. Where files may be replaced, mode and owner become the backup's as well.
      if (rule === 'same' && metadata !== undefined && this.#options.overwrite === 'if-different')
        this.#tally.warn(path, refreshMetadata(place, metadata));
      if (this.#tally.isLeft(path, rule))
        known = { place: latin1(place), isThere: rule === 'same', problem: pieces.problem };
      else if (pieces.problem === undefined) known = this.#begin(path, metadata, place, rule, pieces);
    });
    const problem = failure ?? pieces.problem;
    if (known === undefined && problem !== undefined) {
      this.#tally.damage(path, problem);
      known = { place: '', isThere: false, problem };
    }
    if (known !== undefined) this.#hardLinks.remember(node, known);
  }

  #begin(
    path: string,
    metadata: EntryMetadata | undefined,
    place: Buffer,
    rule: OverwriteDecision,
    { entries, size }: FilePieces,
  ): FirstName {
    const file: RestoredFile = {
      path,
      metadata,
      size,
      place: latin1(place),
      target: latin1(rule === 'replace' ? this.#writer.temporaryBeside(place) : place),
      isCreated: false,
      isDone: false,
      pending: entries.length,
      bytes: 0,
      problem: undefined,
    };
    this.#files.add(file, entries);
    return { place: file.place, isThere: true, problem: undefined, file };
  }

  /** Where an entry goes. Its folder is made. */
  #placeOf(parentBytes: Uint8Array, name: Uint8Array): Buffer {
    if (this.#parent?.pathBytes !== parentBytes)
      this.#parent = {
        pathBytes: parentBytes,
        place: this.#writer.folder(parentBytes.length === 0 ? [] : splitPath(parentBytes)),
      };
    return this.#writer.placeIn(this.#parent.place, name);
  }

  #metadataOf(node: TreeNode): EntryMetadata | undefined {
    const { withMetadata, withoutNative } = this.#options;
    return withMetadata === false ? undefined : metadataOf(node, withoutNative);
  }

  /** Everything that is in place, written now or there before. A file that reads back as something else is named. */
  async #verify(): Promise<number> {
    const notInPlace = new Set([
      ...this.#tally.skipped,
      ...this.#tally.newer,
      ...this.#tally.damaged.map(({ path }) => path),
    ]);
    const runs = selectedRuns(this.#reader, this.#options.snapshot, this.#options, () => undefined);
    const { filesVerified, problems } = await verifyRestored(runs, {
      index: this.#reader.index,
      placeOf: (entry) => this.#writer.pathOf(splitPath(entry.pathBytes)),
      isInPlace: ({ path }) => !notInPlace.has(path),
      filesTotal: this.#filesTotal,
      bytesTotal: this.#bytesTotal,
      ...(this.#options.signal === undefined ? {} : { signal: this.#options.signal }),
      ...(this.#options.onProgress === undefined ? {} : { onProgress: this.#options.onProgress }),
    });
    this.#tally.damaged.push(...problems);
    return filesVerified;
  }

  #report(): void {
    // While folders are still being read, what the snapshot says of itself is nearer to the truth.
    this.#options.onProgress?.({
      phase: 'write',
      filesDone: this.#filesDone,
      filesTotal: Math.max(this.#filesTotal, this.#whole.files),
      bytesDone: this.#bytesDone,
      bytesTotal: Math.max(this.#bytesTotal, this.#whole.bytes),
    });
  }
}

function latin1(bytes: Buffer): string {
  return bytes.toString('latin1');
}
