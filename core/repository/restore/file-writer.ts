/** Writes the files of a restore, window after window: reads packs, has tasks run, and settles what comes of them. */
import { writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { HoldfastError } from '../../base/errors.ts';
import { createFile, finishFile, removeFile, reopenFile } from '../../filesystem/restored-file.ts';
import type { SafeWriter } from '../../filesystem/safe-writer.ts';
import { type BlobReader, isReadDamage } from '../blob-reader.ts';
import { packKey } from '../object-keys.ts';
import type { TaskRunner } from '../thread-pool.ts';
import { FATAL, inWords, refusedBy } from './refused-write.ts';
import type { RestoreTask, TaskOutcome } from './restore-task.ts';
import { type BlobPieces, type PieceRange, type RestoredFile, RestoreWindow } from './restore-window.ts';

export interface FileWriterOptions {
  readonly reader: BlobReader;
  readonly writer: SafeWriter;
  readonly threads: TaskRunner<RestoreTask, TaskOutcome>;
  readonly isSparse: boolean;
  /** True: a file bears the mode of an unfinished one until it is whole. */
  readonly isMarked: boolean;
  /** The file is in its place; `warning` says what of its metadata the system refused. */
  readonly onDone: (file: RestoredFile, warning: string | undefined) => void;
  /** The file has a `problem`, and nothing of it is left. */
  readonly onGivenUp: (file: RestoredFile) => void;
  readonly onBytes: (bytes: number) => void;
  readonly onProgress: () => void;
  readonly signal?: AbortSignal;
  /** Range requests in flight. */
  readonly concurrency?: number;
}

/** One more than there are threads on most machines, so that none waits for a range to be read. */
const CONCURRENCY = 3;
/** A window of so many pieces is begun when nothing else is being written; one of so many is begun and waited for. */
const PIECES_MIN = 2048;
const PIECES_MAX = 8192;
const WINDOWS_AT_ONCE = 2;
/** Files without pieces fill a window too. */
const FILES_MAX = 8192;
/** Walking through cached listings never waits for anything: threads that are done could not say so. */
const TURN_FILES = 512;

export class FileWriter {
  readonly #options: FileWriterOptions;
  #window: RestoreWindow;
  /** Windows that are being written. */
  readonly #running = new Map<RestoreWindow, Promise<void>>();
  #filesSinceTurn = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: FileWriterOptions) {
    this.#options = options;
    this.#window = new RestoreWindow(options.reader.index);
  }

  /** Files without pieces are made at once. @throws what concerns more than the file. */
  add(file: RestoredFile, entries: readonly number[]): void {
    this.#filesSinceTurn += 1;
    this.#window.add(file, entries);
    if (file.pending === 0) this.#finishOrGiveUp(file);
  }

  /** To be called after a few files: begins to write when there is enough, and waits while there is too much. */
  async advance(): Promise<void> {
    if (this.#filesSinceTurn >= TURN_FILES) {
      this.#filesSinceTurn = 0;
      await setImmediate();
    }
    const { pieces, files } = this.#window;
    if (pieces >= PIECES_MAX || files.length >= FILES_MAX) {
      while (this.#running.size >= WINDOWS_AT_ONCE) {
        await Promise.race(this.#running.values());
        this.#assertWell(); // one that failed stays among them
      }
      this.#begin();
    } else if (pieces >= PIECES_MIN && this.#running.size === 0) this.#begin();
    this.#assertWell();
  }

  /** Writes what is left, and waits for everything. */
  async finish(): Promise<void> {
    this.#begin();
    await Promise.all(this.#running.values());
    this.#assertWell();
  }

  /** After an error: waits for what is under way, and removes the files that are not whole. */
  async abandon(error: unknown): Promise<void> {
    this.#failure ??= { error };
    const windows = [...this.#running.keys(), this.#window];
    await Promise.all(this.#running.values());
    for (const { files } of windows) for (const file of files) removeUnfinished(file);
  }

  #assertWell(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#options.signal?.aborted)
      throw new HoldfastError('cancelled', 'The restore was stopped. Nothing in the backup has changed.');
  }

  #begin(): void {
    const window = this.#window;
    this.#window = new RestoreWindow(this.#options.reader.index);
    const run = this.#write(window)
      .then(() => {
        this.#running.delete(window);
      })
      .catch((error: unknown) => {
        // What it left is removed with the rest: `abandon` finds the window among those that run.
        this.#failure ??= { error };
      });
    this.#running.set(window, run);
  }

  async #write(window: RestoreWindow): Promise<void> {
    const ranges = window.ranges().values();
    const lanes = Array.from({ length: this.#options.concurrency ?? CONCURRENCY }, async () => {
      try {
        for (const range of ranges) {
          this.#assertWell();
          await this.#writeRange(window, range);
          this.#options.onProgress();
        }
      } catch (error) {
        this.#failure ??= { error };
        throw error;
      }
    });
    const results = await Promise.allSettled(lanes);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    for (const file of window.files) if (file.problem !== undefined) this.#giveUp(file);
  }

  async #writeRange(window: RestoreWindow, range: PieceRange): Promise<void> {
    const wanted = range.items.filter((piece) => window.fileOf(piece).problem === undefined);
    if (wanted.length === 0) return;
    const { store } = this.#options.reader.repo;
    const bytes = await store.get(packKey(range.packId), range.range).catch((error: unknown) => {
      if (isReadDamage(error)) return undefined;
      throw error;
    });
    if (bytes === undefined) {
      // Without the range, each piece is tried on its own, and in its other copies.
      for (const blob of window.blobsOf(wanted)) await this.#readAgain(blob);
      return;
    }
    const { task, files } = window.taskOf(range, wanted, bytes, this.#options, (file) => {
      const failure = refusedBy(() => this.#create(file));
      if (failure !== undefined) file.problem ??= failure;
    });
    const outcome = await this.#options.threads.run(task);
    for (const [number, file] of files.entries()) this.#accept(file, number, outcome);
    if (outcome.damaged.length === 0) return;
    const blobs = window.blobsOf(wanted);
    for (const number of outcome.damaged) await this.#readAgain(blobs[number]!);
  }

  #accept(file: RestoredFile, number: number, outcome: TaskOutcome): void {
    if (outcome.isCreated[number] === 1) file.isCreated = true;
    const failure = outcome.failures.get(number);
    if (failure !== undefined) {
      if (FATAL.has(failure)) throw Object.assign(new Error('write failed'), { code: failure });
      file.problem ??= inWords(failure);
      return;
    }
    this.#count(file, outcome.bytes[number]!);
    file.pending -= outcome.pieces[number]!;
    if (outcome.isFinished[number] === 1) this.#settle(file, outcome.warnings.get(number));
    else if (file.pending === 0 && file.problem === undefined) this.#finishOrGiveUp(file);
  }

  /** A piece whose first reading failed: once more, and from every other pack that holds it. */
  async #readAgain({ entry, places }: BlobPieces): Promise<void> {
    const { reader } = this.#options;
    const { id, packId } = reader.index.blobAt(entry);
    const wanted = places.filter(({ file }) => file.problem === undefined);
    let plain: Uint8Array;
    try {
      plain = await reader.read(id, 'data');
    } catch (error) {
      if (!isReadDamage(error)) throw error;
      for (const { file } of wanted) file.problem ??= `a piece of it is damaged or missing in pack ${packId}`;
      return;
    }
    for (const { file, offset } of wanted) {
      const failure = refusedBy(() => {
        if (!file.isCreated) this.#create(file);
        const fd = reopenFile(bytesOf(file.target));
        try {
          for (let at = 0; at < plain.length; ) at += writeSync(fd, plain, at, plain.length - at, offset + at);
        } finally {
          finishFile(fd, file.size, undefined);
        }
        this.#count(file, plain.length);
        file.pending -= 1;
        if (file.pending === 0) this.#finish(file);
      });
      if (failure !== undefined) file.problem ??= failure;
    }
  }

  #count(file: RestoredFile, bytes: number): void {
    file.bytes += bytes;
    this.#options.onBytes(bytes);
  }

  #create(file: RestoredFile): void {
    const fd = createFile(bytesOf(file.target), this.#options.isMarked);
    file.isCreated = true;
    finishFile(fd, 0, undefined);
  }

  #finishOrGiveUp(file: RestoredFile): void {
    const failure = refusedBy(() => this.#finish(file));
    if (failure !== undefined) file.problem ??= failure;
  }

  #finish(file: RestoredFile): void {
    const fd = file.isCreated
      ? reopenFile(bytesOf(file.target))
      : createFile(bytesOf(file.target), this.#options.isMarked);
    file.isCreated = true;
    this.#settle(file, finishFile(fd, file.size, file.metadata));
  }

  #settle(file: RestoredFile, warning: string | undefined): void {
    if (file.target !== file.place) {
      const failure = refusedBy(() => this.#options.writer.moveInto(bytesOf(file.place), bytesOf(file.target)));
      if (failure !== undefined) {
        file.problem ??= failure;
        return;
      }
    }
    file.isDone = true;
    this.#options.onDone(file, warning);
  }

  /** A file that misses a piece is removed: half a file under its full name would look restored. */
  #giveUp(file: RestoredFile): void {
    removeUnfinished(file);
    this.#options.onBytes(-file.bytes);
    this.#options.onGivenUp(file);
  }
}

function removeUnfinished(file: RestoredFile): void {
  if (file.isCreated && !file.isDone) removeFile(bytesOf(file.target));
  file.isCreated = false;
}

function bytesOf(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}
