/**
 * One range of a pack, from stored bytes to files: unseal, unpack, compare the hash, write. Synchronous and without the
 * store, so that it runs alike in a restore thread and, for small restores, in place.
 */
import { closeSync } from 'node:fs';
import { createFile, type EntryMetadata, finishFile, reopenFile, writeAt } from '../../filesystem/restored-file.ts';
import { decodeBlob } from '../blob-codec.ts';
import { isReadDamage } from '../blob-reader.ts';
import type { BlobType, MasterKey } from '../types.ts';

export interface TaskFile {
  /** Absolute path; bytes as latin1, for names need not be UTF-8. */
  readonly path: string;
  /** True: this task makes the file; otherwise it is there already. */
  readonly isNew: boolean;
  /** Given when all pieces of the file are in this task, which then finishes it. */
  readonly finish?: { readonly size: number; readonly metadata: EntryMetadata | undefined };
}

export interface TaskBlob {
  readonly id: string;
  readonly type: BlobType;
  readonly uncompressedLength: number;
  /** Place in the task's bytes. */
  readonly at: number;
  readonly length: number;
  /** Pairs: number of the file, offset in it. */
  readonly places: readonly number[];
}

export interface RestoreTask {
  readonly bytes: Uint8Array;
  readonly files: readonly TaskFile[];
  readonly blobs: readonly TaskBlob[];
}

export interface FileOutcome {
  /** Made by this task (also when something failed after that). */
  isCreated: boolean;
  isFinished: boolean;
  /** Bytes of pieces that were written. */
  bytes: number;
  pieces: number;
  /** Metadata that the system refused. */
  warning?: string | undefined;
  /** What the system said when the file could not be written: a code such as EACCES. */
  failure?: string;
}

export interface TaskOutcome {
  readonly files: readonly FileOutcome[];
  /** Numbers of the blobs that did not decode. */
  readonly damaged: readonly number[];
}

const OPEN_FILES_MAX = 128;

/** @throws only for defects: damage and refused writes are in the outcome. */
export function runRestoreTask(key: MasterKey, task: RestoreTask): TaskOutcome {
  return new TaskRun(task).run(key);
}

class TaskRun {
  readonly #task: RestoreTask;
  readonly #outcomes: FileOutcome[];
  /** Pieces that this task has for each file, and those that are still to come. */
  readonly #pieces: Int32Array;
  readonly #waiting: Int32Array;
  /** By number of the file, least recently written first. */
  readonly #open = new Map<number, number>();

  constructor(task: RestoreTask) {
    this.#task = task;
    this.#outcomes = task.files.map(() => ({ isCreated: false, isFinished: false, bytes: 0, pieces: 0 }));
    this.#pieces = new Int32Array(task.files.length);
    for (const { places } of task.blobs) for (let at = 0; at < places.length; at += 2) this.#pieces[places[at]!]! += 1;
    this.#waiting = this.#pieces.slice();
  }

  run(key: MasterKey): TaskOutcome {
    const damaged: number[] = [];
    try {
      for (const [number, blob] of this.#task.blobs.entries()) {
        const plain = decodeOrUndefined(key, this.#task.bytes.subarray(blob.at, blob.at + blob.length), blob);
        if (plain === undefined) damaged.push(number);
        for (let at = 0; at < blob.places.length; at += 2)
          this.#writePiece(blob.places[at]!, blob.places[at + 1]!, plain);
      }
    } finally {
      for (const fd of this.#open.values()) closeSync(fd);
    }
    return { files: this.#outcomes, damaged };
  }

  #writePiece(number: number, offset: number, plain: Buffer | undefined): void {
    const outcome = this.#outcomes[number]!;
    this.#waiting[number]! -= 1;
    if (outcome.failure !== undefined) return;
    try {
      if (plain !== undefined) {
        writeAt(this.#fdOf(number), plain, offset);
        outcome.bytes += plain.length;
        outcome.pieces += 1;
      }
      if (this.#waiting[number] === 0) this.#close(number);
    } catch (error) {
      outcome.failure = (error as NodeJS.ErrnoException).code ?? String(error);
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
    const { path, isNew } = this.#task.files[number]!;
    const outcome = this.#outcomes[number]!;
    const bytes = Buffer.from(path, 'latin1');
    const fd = isNew && !outcome.isCreated ? createFile(bytes) : reopenFile(bytes);
    outcome.isCreated ||= isNew;
    this.#open.set(number, fd);
    return fd;
  }

  /** The task has no more for this file: finish it when it is whole. */
  #close(number: number): void {
    const file = this.#task.files[number]!;
    const outcome = this.#outcomes[number]!;
    const isWhole = file.finish !== undefined && outcome.pieces === this.#pieces[number];
    const fd = this.#open.get(number) ?? (isWhole ? this.#fdOf(number) : undefined);
    if (fd === undefined) return;
    this.#open.delete(number);
    if (!isWhole || file.finish === undefined) return closeSync(fd);
    outcome.warning = finishFile(fd, file.finish.size, file.finish.metadata);
    outcome.isFinished = true;
  }
}

function decodeOrUndefined(key: MasterKey, sealed: Uint8Array, blob: TaskBlob): Buffer | undefined {
  try {
    return decodeBlob(key, sealed, blob);
  } catch (error) {
    if (isReadDamage(error)) return undefined;
    throw error;
  }
}
