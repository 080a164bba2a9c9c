/**
 * Writes a restored tree below one folder and nowhere else, whatever names and links a repository holds (security bar S38):
 * names must be plain, parents must be real folders, files are created and never followed, links come last.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../base/errors.ts';
import { isPlainName } from './plain-name.ts';
import { applyMetadata, type EntryMetadata, refusal, removeFile } from './restored-file.ts';

export type { EntryMetadata } from './restored-file.ts';
export type OverwriteRule = 'refuse' | 'if-different' | 'always';

const SLASH = Buffer.of(0x2f);
/** Two stamps of one file may differ by this much: a double holds today's times to a quarter of a microsecond. */
const SAME_TIME_SECONDS = 1e-5;

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
  /** Those of them that this writer made: nothing but its own can be in there. */
  readonly #fresh = new Set<string>();

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
    const folder = this.pathOf(names);
    const id = folder.toString('latin1');
    if (names.length === 0 || this.#folders.has(id)) return folder;
    this.folder(names.slice(0, -1));
    try {
      mkdirSync(folder, { mode: 0o700 });
      this.#fresh.add(id);
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
    return folder;
  }

  /**
   * What to do with an entry whose place may be taken: 'write' where it is free, 'keep' what is there, or 'replace' it,
   * which means to build the new one under `temporaryBeside` and to `moveInto` place when it is whole. Nothing is removed
   * here: a restore that fails must not have cost the file that it was to replace.
   */
  prepare(
    entry: Buffer,
    wanted: { readonly size: number; readonly mtimeSeconds: number },
  ): 'write' | 'replace' | 'keep' {
    if (this.#fresh.has(entry.subarray(0, entry.lastIndexOf(SLASH)).toString('latin1'))) return 'write';
    const found = lstatSync(entry, { throwIfNoEntry: false });
    if (found === undefined) return 'write';
    if (this.#overwrite === 'refuse' || found.isDirectory()) return 'keep';
    const isSame =
      found.isFile() &&
      found.size === wanted.size &&
      Math.abs(found.mtimeMs / 1000 - wanted.mtimeSeconds) < SAME_TIME_SECONDS;
    return this.#overwrite === 'if-different' && isSame ? 'keep' : 'replace';
  }

  /** A free name in the same folder, recognisable when a crash leaves it behind. */
  temporaryBeside(entry: Buffer): Buffer {
    const folder = entry.subarray(0, entry.lastIndexOf(SLASH) + 1);
    return Buffer.concat([folder, Buffer.from(`.holdfast-restore-${randomBytes(8).toString('hex')}`)]);
  }

  /** Puts a finished entry into its place, atomically, over a file or link that was there. */
  moveInto(entry: Buffer, temporary: Buffer): void {
    renameSync(temporary, entry);
    // Two names of one file: rename leaves both, by the letter of POSIX.
    removeFile(temporary);
  }

  /** After everything inside was written: a folder without write permission could not be filled otherwise. */
  finishFolder(entry: Buffer, metadata: EntryMetadata | undefined): string | undefined {
    if (metadata === undefined) return undefined;
    const fd = openSync(entry, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_DIRECTORY);
    try {
      return applyMetadata(fd, metadata);
    } finally {
      closeSync(fd);
    }
  }

  /** A symbolic link; its target is text and is never followed. Returns what of the metadata was refused. */
  link(entry: Buffer, target: Uint8Array, metadata: EntryMetadata | undefined): string | undefined {
    symlinkSync(Buffer.from(target), entry);
    if (metadata === undefined) return undefined;
    const { owner, atimeSeconds, mtimeSeconds } = metadata;
    const refused =
      (owner && refusal('owner', () => lchownSync(entry, owner.uid, owner.gid))) ??
      refusal('times', () => lutimesSync(entry, atimeSeconds, mtimeSeconds));
    return refused && `the system refused its ${refused}`;
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
}
