/** Making and finishing one restored file. Plain synchronous calls, for the main thread and for restore threads alike. */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  openSync,
  unlinkSync,
  writeSync,
} from 'node:fs';

/** Metadata of one entry, in Unix terms. Times in seconds with fractions. */
export interface EntryMetadata {
  readonly permissions: number;
  readonly mtimeSeconds: number;
  readonly atimeSeconds: number;
  /** Undefined: the owner is left as it is (only root can give files away). */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** setuid and setgid are dropped: a restore must not make a program that runs as somebody else. */
const PERMISSIONS_KEPT = 0o1777;
const ZEROS = Buffer.alloc(64 * 1024);

/** A new file, for writing. Fails when the name is taken, by a link too. The caller closes it. */
export function createFile(path: Buffer): number {
  return openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
}

/** A file that `createFile` made, opened again. */
export function reopenFile(path: Buffer): number {
  return openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
}

/** Writes all bytes at the position, except where they are all zero: a new file reads as zero there without taking room. */
export function writeAt(fd: number, bytes: Uint8Array, position: number): void {
  if (isAllZero(bytes)) return;
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
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
 * it keeps what it was made with. Returns what of the metadata the system refused, in words, or undefined.
 */
export function finishFile(fd: number, size: number, metadata: EntryMetadata | undefined): string | undefined {
  try {
    ftruncateSync(fd, size);
    return metadata === undefined ? undefined : applyMetadata(fd, metadata);
  } finally {
    closeSync(fd);
  }
}

/** Returns what the system refused, in words, or undefined. Owner first: changing it would clear bits of the mode. */
export function applyMetadata(fd: number, metadata: EntryMetadata): string | undefined {
  const { owner, permissions, atimeSeconds, mtimeSeconds } = metadata;
  const refused = [
    owner && refusal('owner', () => fchownSync(fd, owner.uid, owner.gid)),
    refusal('permissions', () => fchmodSync(fd, permissions & PERMISSIONS_KEPT)),
    refusal('times', () => futimesSync(fd, atimeSeconds, mtimeSeconds)),
  ].filter((text) => text !== undefined);
  return refused.length === 0 ? undefined : `the system refused its ${refused.join(' and its ')}`;
}

/** The name of what failed, when it did. */
export function refusal(what: string, action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return `${what} (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
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
