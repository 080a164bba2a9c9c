/**
 * One range of a pack, from stored bytes to files: unseal, unpack, compare the hash, write. Synchronous and without the
 * store, so that it runs alike in a restore thread and, for small restores, in place. All that is of one kind lies in one
 * array: a task of thousands of files crosses into a thread as a dozen blocks of bytes.
 */
import { closeSync } from 'node:fs';
import { createFile, finishFile, reopenFile, writeAt } from '../../filesystem/restored-file.ts';
import { type BlobColumns, decodeBlobs } from '../decode-many.ts';
import type { MasterKey } from '../types.ts';
import { metadataAt, type MetadataColumns } from './metadata-columns.ts';

export interface TaskFiles {
  /** Absolute paths, one behind the other, and where each ends. */
  readonly paths: Uint8Array;
  readonly pathEnds: Uint32Array;
  /** 1: this task makes the file; otherwise it is there already. */
  readonly isNew: Uint8Array;
  /** 1: all pieces of the file are in this task, which then finishes it with its size and metadata. */
  readonly isWhole: Uint8Array;
  readonly sizes: Float64Array;
  readonly metadata: MetadataColumns;
}

export interface TaskBlobs extends BlobColumns {
  /** Where the pieces of each blob end in the two lists below. */
  readonly pieceEnds: Uint32Array;
}

export interface RestoreTask {
  readonly bytes: Uint8Array;
  readonly files: TaskFiles;
  readonly blobs: TaskBlobs;
  /** For each place that a blob goes to: the number of the file, and the offset in it. */
  readonly pieceFiles: Uint32Array;
  readonly pieceOffsets: Float64Array;
  /** False: zeros are written out too. */
  readonly isSparse: boolean;
  /** True: a file that this task makes is marked as unfinished until it gets its own mode. */
  readonly isMarked: boolean;
}

export interface TaskOutcome {
  /** By number of the file. 1: made by this task (also when something failed after that). */
  readonly isCreated: Uint8Array;
  readonly isFinished: Uint8Array;
  /** Pieces that were written, and their bytes. */
  readonly pieces: Uint32Array;
  readonly bytes: Float64Array;
  /** Metadata that the system refused, by number of the file. */
  readonly warnings: Map<number, string>;
  /** What the system said when a file could not be written: a code such as EACCES. */
  readonly failures: Map<number, string>;
  /** Numbers of the blobs that did not decode. */
  readonly damaged: number[];
}

const OPEN_FILES_MAX = 128;

/** @throws only for defects: damage and refused writes are in the outcome. */
export function runRestoreTask(key: MasterKey, task: RestoreTask): TaskOutcome {
  return new TaskRun(task).run(key);
}

class TaskRun {
  readonly #task: RestoreTask;
  readonly #outcome: TaskOutcome;
  /** Pieces that this task has for each file, and those that are still to come. */
  readonly #pieces: Uint32Array;
  readonly #waiting: Uint32Array;
  /** Where the last bytes end that were written into each file. */
  readonly #ends: Float64Array;
  /** By number of the file, least recently written first. */
  readonly #open = new Map<number, number>();

  constructor(task: RestoreTask) {
    this.#task = task;
    const count = task.files.pathEnds.length;
    this.#outcome = {
      isCreated: new Uint8Array(count),
      isFinished: new Uint8Array(count),
      pieces: new Uint32Array(count),
      bytes: new Float64Array(count),
      warnings: new Map(),
      failures: new Map(),
      damaged: [],
    };
    this.#pieces = new Uint32Array(count);
    for (const number of task.pieceFiles) this.#pieces[number]! += 1;
    this.#waiting = this.#pieces.slice();
    this.#ends = new Float64Array(count);
  }

  run(key: MasterKey): TaskOutcome {
    const { bytes, blobs, pieceFiles, pieceOffsets } = this.#task;
    let piece = 0;
    try {
      decodeBlobs(key, bytes, blobs, (number, plain) => {
        if (plain === undefined) this.#outcome.damaged.push(number);
        for (const end = blobs.pieceEnds[number]!; piece < end; piece += 1)
          this.#writePiece(pieceFiles[piece]!, pieceOffsets[piece]!, plain);
      });
    } finally {
      for (const fd of this.#open.values()) closeSync(fd);
    }
    return this.#outcome;
  }

  #writePiece(number: number, offset: number, plain: Buffer | undefined): void {
    const outcome = this.#outcome;
    this.#waiting[number]! -= 1;
    if (outcome.failures.has(number)) return;
    try {
      if (plain !== undefined) {
        const end = writeAt(this.#fdOf(number), plain, offset, this.#task.isSparse);
        if (end > this.#ends[number]!) this.#ends[number] = end;
        outcome.bytes[number]! += plain.length;
        outcome.pieces[number]! += 1;
      }
      if (this.#waiting[number] === 0) this.#close(number);
    } catch (error) {
      outcome.failures.set(number, (error as NodeJS.ErrnoException).code ?? String(error));
    }
  }

  #fdOf(number: number): number {
    const known = this.#open.get(number);
    if (known !== undefined) return known;
    if (this.#open.size >= OPEN_FILES_MAX) {
      const [oldest, fd] = this.#open.entries().next().value!;
      this.#open.delete(oldest);
      closeSync(fd);
    }
    const { paths, pathEnds, isNew } = this.#task.files;
    const start = number === 0 ? 0 : pathEnds[number - 1]!;
    const path = Buffer.from(paths.buffer, paths.byteOffset + start, pathEnds[number]! - start);
    const isMaking = isNew[number] === 1 && this.#outcome.isCreated[number] === 0;
    const fd = isMaking ? createFile(path, this.#task.isMarked) : reopenFile(path);
    if (isMaking) this.#outcome.isCreated[number] = 1;
    this.#open.set(number, fd);
    return fd;
  }

  /** The task has no more for this file: finish it when it is whole. */
  #close(number: number): void {
    const { files } = this.#task;
    const isWhole = files.isWhole[number] === 1 && this.#outcome.pieces[number] === this.#pieces[number];
    const fd = this.#open.get(number) ?? (isWhole ? this.#fdOf(number) : undefined);
    if (fd === undefined) return;
    this.#open.delete(number);
    if (!isWhole) return closeSync(fd);
    // A whole file was made by this task: it is as long as what was written.
    const warning = finishFile(fd, files.sizes[number]!, metadataAt(files.metadata, number), this.#ends[number]);
    if (warning !== undefined) this.#outcome.warnings.set(number, warning);
    this.#outcome.isFinished[number] = 1;
  }
}
