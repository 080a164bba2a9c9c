/**
 * Writes a restored tree below one folder and nowhere else, whatever names and links a repository holds (security bar S38):
 * names must be plain, parents must be real folders, files are created and never followed, links come last.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../base/errors.ts';
import { isPlainName } from './plain-name.ts';

export type OverwriteRule = 'refuse' | 'if-different' | 'always';

/** Metadata of one entry, in Unix terms. Times in seconds with fractions. */
export interface EntryMetadata {
  readonly permissions: number;
  readonly mtimeSeconds: number;
  readonly atimeSeconds: number;
  /** Undefined: the owner is left as it is (only root can give files away). */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

const SLASH = Buffer.of(0x2f);
/** setuid and setgid are dropped: a restore must not make a program that runs as somebody else. */
const PERMISSIONS_KEPT = 0o1777;

/** @throws HoldfastError unsafe_restore for a name that is not one plain path segment. */
export function assertPlainName(name: Uint8Array): void {
  if (!isPlainName(name)) {
    throw new HoldfastError(
      'unsafe_restore',
      `The backup holds a name that could reach outside of the restore folder (${JSON.stringify(Buffer.from(name).toString('utf8'))}). It was not restored.`,
    );
  }
}

export class SafeWriter {
  readonly #root: Buffer;
  readonly #overwrite: OverwriteRule;
  /** Folders known to be real ones, by their path's bytes as latin1. */
  readonly #folders = new Set<string>();

  /** `root` is made if it is missing; it may itself be reached through links, for the caller chose it. */
  constructor(root: string, overwrite: OverwriteRule) {
    mkdirSync(root, { recursive: true });
    this.#root = Buffer.from(path.resolve(root));
    this.#overwrite = overwrite;
  }

  /** The absolute path of an entry; its names are checked. */
  pathOf(names: readonly Uint8Array[]): Buffer {
    const parts: Uint8Array[] = [this.#root];
    for (const name of names) {
      assertPlainName(name);
      parts.push(SLASH, name);
    }
    return Buffer.concat(parts);
  }

  /** Makes a folder and those above it. @throws HoldfastError unsafe_restore when one of them is a link or a file. */
  folder(names: readonly Uint8Array[]): Buffer {
    for (let depth = 1; depth <= names.length; depth += 1) {
      const folder = this.pathOf(names.slice(0, depth));
      const id = folder.toString('latin1');
      if (this.#folders.has(id)) continue;
      try {
        mkdirSync(folder, { mode: 0o700 });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        if (!lstatSync(folder).isDirectory()) {
          throw new HoldfastError(
            'unsafe_restore',
            `${folder.toString('utf8')} is a link or a file where the backup has a folder. Nothing was written through it.`,
          );
        }
      }
      this.#folders.add(id);
    }
    return this.pathOf(names);
  }

  /**
   * What to do with an entry whose place may be taken. Removes a file or link that is in the way when the rule says so.
   * @returns 'write', or 'keep' when the place is taken and stays as it is.
   */
  prepare(entry: Buffer, wanted: { readonly size: number; readonly mtimeSeconds: number }): 'write' | 'keep' {
    const found = lstatSync(entry, { throwIfNoEntry: false });
    if (found === undefined) return 'write';
    if (this.#overwrite === 'refuse' || found.isDirectory()) return 'keep';
    const isSame =
      found.isFile() && found.size === wanted.size && Math.abs(found.mtimeMs / 1000 - wanted.mtimeSeconds) < 1e-3;
    if (this.#overwrite === 'if-different' && isSame) return 'keep';
    unlinkSync(entry);
    return 'write';
  }

  /** A new file, for writing. Fails when the name is taken, by a link too. The caller closes it. */
  create(entry: Buffer): number {
    return openSync(entry, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  }

  /** A file that `create` made, opened again. */
  reopen(entry: Buffer): number {
    return openSync(entry, constants.O_WRONLY | constants.O_NOFOLLOW);
  }

  /** Without metadata the file keeps what it was made with. */
  finishFile(fd: number, metadata: EntryMetadata | undefined): void {
    if (metadata === undefined) return closeSync(fd);
    if (metadata.owner !== undefined) fchownSync(fd, metadata.owner.uid, metadata.owner.gid);
    fchmodSync(fd, metadata.permissions & PERMISSIONS_KEPT);
    futimesSync(fd, metadata.atimeSeconds, metadata.mtimeSeconds);
    closeSync(fd);
  }

  /** After everything inside was written: a folder without write permission could not be filled otherwise. */
  finishFolder(entry: Buffer, metadata: EntryMetadata | undefined): void {
    if (metadata === undefined) return;
    const fd = openSync(entry, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_DIRECTORY);
    try {
      if (metadata.owner !== undefined) fchownSync(fd, metadata.owner.uid, metadata.owner.gid);
      fchmodSync(fd, metadata.permissions & PERMISSIONS_KEPT);
      futimesSync(fd, metadata.atimeSeconds, metadata.mtimeSeconds);
    } finally {
      closeSync(fd);
    }
  }

  link(entry: Buffer, target: Uint8Array, metadata: EntryMetadata | undefined): void {
    symlinkSync(Buffer.from(target), entry);
    if (metadata === undefined) return;
    lutimesSync(entry, metadata.atimeSeconds, metadata.mtimeSeconds);
  }

  /** A further name of a file that this writer made. @throws HoldfastError unsafe_restore when the first is no plain file. */
  hardLink(entry: Buffer, first: Buffer): void {
    if (!lstatSync(first).isFile()) {
      throw new HoldfastError(
        'unsafe_restore',
        `${first.toString('utf8')} is no plain file, so no hard link to it was made.`,
      );
    }
    linkSync(first, entry);
  }

  remove(entry: Buffer): void {
    unlinkSync(entry);
  }
}
