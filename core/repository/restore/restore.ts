/** Restores a snapshot, or parts of it, into a folder. Every piece is verified before it is written. */
import { writeSync } from 'node:fs';
import { HoldfastError } from '../../base/errors.ts';
import { createFile, type EntryMetadata, finishFile, removeFile, reopenFile } from '../../filesystem/restored-file.ts';
import { type OverwriteRule, SafeWriter } from '../../filesystem/safe-writer.ts';
import type { BlobIndex } from '../blob-index.ts';
import { BlobReader, isReadDamage } from '../blob-reader.ts';
import type { TreeEntry } from '../list-tree.ts';
import { packKey } from '../object-names.ts';
import { joinRanges, type RangeOf } from '../pack-ranges.ts';
import type { OpenRepository, SnapshotWithId, TreeNode } from '../types.ts';
import { type PlannedFile, type PlannedPack, planRestore, type RestorePlan } from './plan.ts';
import { metadataOf, secondsOf } from './node-metadata.ts';
import { FATAL, inWords, refusedBy, translateWriteError } from './refused-write.ts';
import type { FileOutcome, RestoreTask, TaskFile } from './restore-task.ts';
import { type RestoreThreads, startRestoreThreads } from './restore-threads.ts';

export interface RestoreProgress {
  readonly filesDone: number;
  readonly filesTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface RestoreOptions {
  readonly snapshot: SnapshotWithId;
  readonly targetDir: string;
  /** Absolute paths inside the snapshot; a folder stands for all in it. None: everything. */
  readonly include?: readonly string[];
  readonly overwrite?: OverwriteRule;
  /** False: contents only. Modes, owners and times stay as the system makes them (drills; Node's permission model bars the rest). */
  readonly withMetadata?: boolean;
  readonly onProgress?: (progress: RestoreProgress) => void;
  readonly signal?: AbortSignal;
  /** Range requests in flight; each holds up to 32 MiB. */
  readonly concurrency?: number;
}

export interface RestoreProblem {
  readonly path: string;
  readonly reason: string;
}

export interface RestoreResult {
  readonly filesRestored: number;
  readonly bytesRestored: number;
  /** Places that were taken and kept as they were. */
  readonly skipped: readonly string[];
  /** Files and folders that could not be restored intact; a damaged file is not left behind half-written. */
  readonly damaged: readonly RestoreProblem[];
  /** Entries left out on purpose or in part, such as devices and owners. */
  readonly warnings: readonly RestoreProblem[];
}

const CONCURRENCY = 4;

/**
 * @throws HoldfastError cancelled; unsafe_restore when a link in the target stands where the backup has a folder;
 * disk_full. Files that were begun are removed then, and files that were to be replaced are as they were. Damage does not
 * throw: what is intact is restored, and `damaged` names the rest.
 */
export async function restore(repo: OpenRepository, index: BlobIndex, options: RestoreOptions): Promise<RestoreResult> {
  const reader = new BlobReader(repo, index);
  const plan = await planRestore(reader, index, options.snapshot, options);
  return await new Restoration(repo, reader, plan, options).run();
}

/** Where a file is built, and how far it is. */
interface FileState {
  readonly place: Buffer;
  /** Where it is written: its place, or beside it when it will replace what is there. */
  readonly path: Buffer;
  isCreated: boolean;
  isDone: boolean;
  /** Bytes that were written into it. */
  bytes: number;
}

type PlannedBlob = PlannedPack['blobs'][number];

class Restoration {
  readonly #repo: OpenRepository;
  readonly #reader: BlobReader;
  readonly #plan: RestorePlan;
  readonly #options: RestoreOptions;
  readonly #writer: SafeWriter;
  readonly #threads: RestoreThreads;
  readonly #skipped: string[] = [];
  readonly #damaged: RestoreProblem[];
  readonly #warnings: RestoreProblem[];
  /** Files that are being restored; what is kept as it was has no state. */
  readonly #states = new Map<PlannedFile, FileState>();
  #filesDone = 0;
  #bytesDone = 0;
  #hasFailed = false;

  constructor(repo: OpenRepository, reader: BlobReader, plan: RestorePlan, options: RestoreOptions) {
    this.#repo = repo;
    this.#reader = reader;
    this.#plan = plan;
    this.#options = options;
    this.#writer = new SafeWriter(options.targetDir, options.overwrite ?? 'refuse');
    this.#damaged = [...plan.damaged];
    this.#warnings = [...plan.contradictions];
    for (const { path, node } of plan.unsupported)
      this.#warnings.push({ path, reason: `a ${node.type} is not restored` });
    this.#threads = startRestoreThreads(repo.masterKey, plan.bytes);
  }

  async run(): Promise<RestoreResult> {
    try {
      for (const folder of this.#plan.folders)
        this.#attempt(folder.entry.path, () => this.#writer.folder(folder.names));
      for (const file of this.#plan.files) this.#begin(file);
      this.#reassignLinks();
      await this.#restorePacks();
      for (const file of this.#plan.files) if (file.problem !== undefined) this.#giveUp(file);
      this.#makeLinks();
      this.#finishFolders();
    } catch (error) {
      for (const state of this.#states.values()) if (state.isCreated && !state.isDone) removeFile(state.path);
      throw translateWriteError(error);
    } finally {
      await this.#threads.close();
    }
    this.#report();
    return {
      filesRestored: this.#filesDone,
      bytesRestored: this.#bytesDone,
      skipped: this.#skipped,
      damaged: this.#damaged,
      warnings: this.#warnings,
    };
  }

  /** Looks whether the place is free; files without pieces are finished here. */
  #begin(file: PlannedFile): void {
    const { node, path } = file.entry;
    const wanted = { size: file.size, mtimeSeconds: secondsOf(node.mtime) };
    const failure = refusedBy(() => {
      const place = this.#pathOf(file.names);
      const rule = this.#writer.prepare(place, wanted);
      if (rule === 'keep') {
        this.#skipped.push(path);
        return;
      }
      const state = {
        place,
        path: rule === 'replace' ? this.#writer.temporaryBeside(place) : place,
        isCreated: false,
        isDone: false,
        bytes: 0,
      };
      this.#states.set(file, state);
      if (file.problem === undefined && file.pending === 0) this.#finish(file, state);
    });
    if (failure === undefined) return;
    file.problem = failure;
    this.#states.delete(file);
    this.#damaged.push({ path, reason: failure });
  }

  #pathOf(names: readonly Uint8Array[]): Buffer {
    this.#writer.folder(names.slice(0, -1));
    return this.#writer.pathOf(names);
  }

  /**
   * Where the first name of a hard-linked file was kept because something else has its place, a link to it would be a
   * file with other contents: the next name takes its part.
   */
  #reassignLinks(): void {
    const heirs = new Map<PlannedFile, PlannedFile>();
    for (const link of this.#plan.hardLinks.splice(0)) {
      const isKept = !this.#states.has(link.first) && link.first.problem === undefined;
      if (!isKept || this.#options.overwrite === 'if-different') {
        this.#plan.hardLinks.push(link);
        continue;
      }
      const heir = heirs.get(link.first);
      if (heir !== undefined) {
        this.#plan.hardLinks.push({ ...link, first: heir });
        continue;
      }
      const file: PlannedFile = { ...link.first, entry: link.entry, names: link.names };
      heirs.set(link.first, file);
      for (const pack of this.#plan.packs)
        for (const { placements } of pack.blobs)
          for (const { file: owner, offset } of [...placements])
            if (owner === link.first) placements.push({ file, offset });
      this.#plan.files.push(file);
      this.#begin(file);
    }
  }

  async #restorePacks(): Promise<void> {
    const packs = this.#plan.packs.values();
    const lanes = Array.from({ length: this.#options.concurrency ?? CONCURRENCY }, async () => {
      try {
        for (const pack of packs) await this.#restorePack(pack);
      } catch (error) {
        this.#hasFailed = true;
        throw error;
      }
    });
    const results = await Promise.allSettled(lanes);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async #restorePack(pack: PlannedPack): Promise<void> {
    const wanted = pack.blobs.filter(({ placements }) => placements.some(({ file }) => this.#isWanted(file)));
    for (const joined of joinRanges(wanted, ({ blob }) => blob)) {
      if (this.#hasFailed) return;
      if (this.#options.signal?.aborted)
        throw new HoldfastError('cancelled', 'The restore was stopped. Nothing in the backup has changed.');
      const bytes = await this.#repo.store.get(packKey(pack.packId), joined.range).catch((error: unknown) => {
        if (isReadDamage(error)) return undefined;
        throw error;
      });
      // Without the range, each piece is tried on its own, and in its other copies.
      if (bytes === undefined) for (const planned of joined.items) await this.#readAgain(planned);
      else await this.#restoreRange(joined, bytes);
      this.#report();
    }
  }

  async #restoreRange({ range, items }: RangeOf<PlannedBlob>, bytes: Uint8Array): Promise<void> {
    const files: PlannedFile[] = [];
    const numbers = new Map<PlannedFile, number>();
    const pieces: number[] = [];
    const blobs = items.map(({ blob, placements }) => {
      const places: number[] = [];
      for (const { file, offset } of placements) {
        if (!this.#isWanted(file)) continue;
        let number = numbers.get(file);
        if (number === undefined) {
          number = files.push(file) - 1;
          numbers.set(file, number);
        }
        pieces[number] = (pieces[number] ?? 0) + 1;
        places.push(number, offset);
      }
      const { id, type, uncompressedLength, length } = blob;
      return { id, type, uncompressedLength, at: blob.offset - range.offset, length, places };
    });
    const taskFiles = files.map((file, number) => this.#taskFileOf(file, pieces[number] ?? 0));
    const task: RestoreTask = { bytes, files: taskFiles.map(({ entry }) => entry), blobs };
    const outcome = await this.#threads.run(task);
    for (const [number, file] of files.entries()) this.#accept(file, outcome.files[number]!);
    for (const number of outcome.damaged) await this.#readAgain(items[number]!);
  }

  /** A file with all its pieces in this task is made and finished there; any other must be there before it. */
  #taskFileOf(file: PlannedFile, pieces: number): { entry: TaskFile } {
    const state = this.#states.get(file)!; // isWanted saw it
    const path = state.path.toString('latin1');
    if (!state.isCreated && pieces === file.pending)
      return { entry: { path, isNew: true, finish: { size: file.size, metadata: this.#metadataOf(file.entry.node) } } };
    if (!state.isCreated) {
      const failure = refusedBy(() => this.#create(state));
      if (failure !== undefined) file.problem ??= failure;
    }
    return { entry: { path, isNew: false } };
  }

  #create(state: FileState): void {
    const fd = createFile(state.path);
    state.isCreated = true;
    finishFile(fd, 0, undefined);
  }

  #accept(file: PlannedFile, outcome: FileOutcome): void {
    const state = this.#states.get(file)!;
    state.isCreated ||= outcome.isCreated;
    if (outcome.failure !== undefined) {
      if (FATAL.has(outcome.failure)) throw Object.assign(new Error('write failed'), { code: outcome.failure });
      file.problem ??= inWords(outcome.failure);
      return;
    }
    this.#bytesDone += outcome.bytes;
    state.bytes += outcome.bytes;
    file.pending -= outcome.pieces;
    if (outcome.isFinished) this.#settle(file, state, outcome.warning);
    else if (file.pending === 0 && file.problem === undefined) this.#finishOrGiveUp(file, state);
  }

  /** A piece whose first reading failed: once more, and from every other pack that holds it. */
  async #readAgain({ blob, placements }: PlannedBlob): Promise<void> {
    const wanted = placements.filter(({ file }) => this.#isWanted(file));
    let plain: Buffer;
    try {
      plain = await this.#reader.read(blob.id, 'data');
    } catch (error) {
      if (!isReadDamage(error)) throw error;
      for (const { file } of wanted) file.problem ??= `a piece of it is damaged or missing in pack ${blob.packId}`;
      return;
    }
    for (const { file, offset } of wanted) {
      const state = this.#states.get(file)!; // isWanted saw it
      const failure = refusedBy(() => {
        if (!state.isCreated) this.#create(state);
        const fd = reopenFile(state.path);
        try {
          for (let at = 0; at < plain.length; ) at += writeSync(fd, plain, at, plain.length - at, offset + at);
        } finally {
          finishFile(fd, file.size, undefined);
        }
        this.#bytesDone += plain.length;
        state.bytes += plain.length;
        file.pending -= 1;
        if (file.pending === 0) this.#finish(file, state);
      });
      if (failure !== undefined) file.problem ??= failure;
    }
  }

  #isWanted(file: PlannedFile): boolean {
    return file.problem === undefined && this.#states.has(file);
  }

  #finishOrGiveUp(file: PlannedFile, state: FileState): void {
    const failure = refusedBy(() => this.#finish(file, state));
    if (failure !== undefined) file.problem ??= failure;
  }

  #finish(file: PlannedFile, state: FileState): void {
    const fd = state.isCreated ? reopenFile(state.path) : createFile(state.path);
    state.isCreated = true;
    this.#settle(file, state, finishFile(fd, file.size, this.#metadataOf(file.entry.node)));
  }

  #settle(file: PlannedFile, state: FileState, warning: string | undefined): void {
    if (state.path !== state.place) {
      const failure = refusedBy(() => this.#writer.moveInto(state.place, state.path));
      if (failure !== undefined) {
        file.problem ??= failure;
        return;
      }
    }
    state.isDone = true;
    this.#filesDone += 1;
    this.#warn(file.entry.path, warning);
  }

  /** A file that misses a piece is removed: half a file under its full name would look restored. */
  #giveUp(file: PlannedFile): void {
    const state = this.#states.get(file);
    if (state === undefined) return; // kept, or named already
    if (state.isCreated && !state.isDone) removeFile(state.path);
    state.isCreated = false;
    this.#bytesDone -= state.bytes;
    this.#damaged.push({ path: file.entry.path, reason: file.problem ?? 'it could not be written' });
  }

  #makeLinks(): void {
    for (const { entry, names, first } of this.#plan.hardLinks) {
      if (first.problem !== undefined) {
        this.#damaged.push({ path: entry.path, reason: first.problem });
        continue;
      }
      const made = this.#build(entry, names, (path) => {
        this.#writer.hardLink(path, this.#writer.pathOf(first.names));
        return undefined;
      });
      if (made) this.#filesDone += 1;
    }
    for (const { entry, names } of this.#plan.symlinks)
      this.#build(entry, names, (path) =>
        this.#writer.link(path, entry.node.linkTarget ?? Buffer.alloc(0), this.#metadataOf(entry.node)),
      );
  }

  /** Makes a link in its place, or beside it and then over what is there; tells whether there is one now. */
  #build(entry: TreeEntry, names: readonly Uint8Array[], make: (path: Buffer) => string | undefined): boolean {
    let isMade = false;
    this.#attempt(entry.path, () => {
      const place = this.#pathOf(names);
      const rule = this.#writer.prepare(place, { size: -1, mtimeSeconds: 0 });
      if (rule === 'keep') {
        this.#skipped.push(entry.path);
        return;
      }
      const path = rule === 'replace' ? this.#writer.temporaryBeside(place) : place;
      this.#warn(entry.path, make(path));
      if (path !== place) this.#writer.moveInto(place, path);
      isMade = true;
    });
    return isMade;
  }

  #finishFolders(): void {
    for (const { entry, names } of this.#plan.folders.toReversed()) {
      const failure = refusedBy(() =>
        this.#warn(entry.path, this.#writer.finishFolder(this.#writer.pathOf(names), this.#metadataOf(entry.node))),
      );
      // A folder that could not be made was named when that was tried.
      if (failure !== undefined && !this.#damaged.some(({ path }) => path === entry.path))
        this.#warn(entry.path, failure);
    }
  }

  #attempt(path: string, action: () => void): void {
    const failure = refusedBy(action);
    if (failure !== undefined) this.#damaged.push({ path, reason: failure });
  }

  #warn(path: string, reason: string | undefined): void {
    if (reason !== undefined) this.#warnings.push({ path, reason });
  }

  #metadataOf(node: TreeNode): EntryMetadata | undefined {
    return this.#options.withMetadata === false ? undefined : metadataOf(node);
  }

  #report(): void {
    this.#options.onProgress?.({
      filesDone: this.#filesDone,
      filesTotal: this.#plan.files.length + this.#plan.hardLinks.length,
      bytesDone: this.#bytesDone,
      bytesTotal: this.#plan.bytes,
    });
  }
}
