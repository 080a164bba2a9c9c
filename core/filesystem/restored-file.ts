/** Making and finishing one restored file. Plain synchronous calls, for the main thread and for restore threads alike. */
import { closeSync, constants, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { applyMetadata, type EntryMetadata } from './entry-metadata.ts';

/**
 * The mode of a file until it is whole: its owner may write it and nobody read it, and it is sticky, which means nothing on
 * a file, so that none has this mode for any other reason. When a restore was killed, the next one knows what it left
 * unfinished. A temporary name would say the same and cost a rename for each file.
 */
export const UNFINISHED_MODE = 0o1200;
/** For a file that gets no mode when it is finished. */
const PLAIN_MODE = 0o600;
const ZEROS = Buffer.alloc(64 * 1024);

/**
 * A new file, for writing. Fails when the name is taken, by a link too. The caller closes it. `isMarked`: it bears the mode
 * of an unfinished file until `finishFile` gives it its own.
 */
export function createFile(path: Buffer, isMarked = false): number {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  return openSync(path, flags, isMarked ? UNFINISHED_MODE : PLAIN_MODE);
}

/** A file that `createFile` made, opened again. */
export function reopenFile(path: Buffer): number {
  return openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
}

/**
 * Writes all bytes at the position. When sparse, not those that are all zero: a new file reads as zero there without taking
 * room. Returns how long the file is by this, at least.
 */
export function writeAt(fd: number, bytes: Uint8Array, position: number, isSparse = true): number {
  if (isSparse && isAllZero(bytes)) return 0;
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
  return position + bytes.length;
}

function isAllZero(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0 || bytes[bytes.length - 1] !== 0) return false;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < buffer.length; at += ZEROS.length) {
    const length = Math.min(ZEROS.length, buffer.length - at);
    if (ZEROS.compare(buffer, at, at + length, 0, length) !== 0) return false;
  }
  return true;
}

/**
 * Gives the file its length (its end may be zeros that were not written) and its metadata, and closes it; without metadata
 * it keeps what it was made with. `length` is how long it is already, where that is known. Returns what of the metadata the
 * system refused, in words, or undefined.
 */
export function finishFile(
  fd: number,
  size: number,
  metadata: EntryMetadata | undefined,
  length?: number,
): string | undefined {
  try {
    if (length !== size) ftruncateSync(fd, size);
    return metadata === undefined ? undefined : applyMetadata(fd, metadata);
  } finally {
    closeSync(fd);
  }
}

/** Removes a file; one that is gone already is no error. */
export function removeFile(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
