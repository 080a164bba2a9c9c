/**
 * Writes a restored tree below one folder and nowhere else, whatever names and links a repository holds (security bar S38):
 * names must be plain, parents must be real folders, files are created and never followed, links come last.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, linkSync, lstatSync, mkdirSync, openSync, renameSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../base/errors.ts';
import { type OverwriteDecision, overwriteDecision, type OverwriteRule, type WantedEntry } from './overwrite-rule.ts';
import { isPlainName } from './plain-name.ts';
import { applyLinkMetadata, applyMetadata, type EntryMetadata } from './entry-metadata.ts';
import { removeFile } from './restored-file.ts';

export type { OverwriteRule } from './overwrite-rule.ts';

const SLASH = Buffer.of(0x2f);

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

  /** Folders that could not be made: all below them fails alike, without another look at each level. */
  readonly #refused = new Map<string, Error>();

  /** `root` is made if it is missing; it may itself be reached through links, for the caller chose it. */
  constructor(root: string, overwrite: OverwriteRule) {
    mkdirSync(root, { recursive: true });
    this.#root = Buffer.from(path.resolve(root));
    this.#overwrite = overwrite;
  }

  /** The absolute path of an entry; its names are checked. */
  pathOf(names: readonly Uint8Array[]): Buffer {
    let length = this.#root.length;
    for (const name of names) {
      assertPlainName(name);
      length += 1 + name.length;
    }
    // By hand: some thousand parts are joined for each entry of a folder that lies as deep.
    const joined = Buffer.allocUnsafe(length);
    let at = this.#root.copy(joined);
    for (const name of names) {
      joined[at] = SLASH[0]!;
      joined.set(name, at + 1);
      at += 1 + name.length;
    }
    return joined;
  }

  /** The path of an entry in a folder that `folder` gave; its name is checked. */
  placeIn(folder: Buffer, name: Uint8Array): Buffer {
    assertPlainName(name);
    return Buffer.concat([folder, SLASH, name]);
  }

  /** Makes a folder and those above it. @throws HoldfastError unsafe_restore when one of them is a link or a file. */
  folder(names: readonly Uint8Array[]): Buffer {
    const folder = this.pathOf(names);
    const id = folder.toString('latin1');
    if (names.length === 0 || this.#folders.has(id)) return folder;
    const refused = this.#refused.get(id);
    if (refused !== undefined) throw refused;
    try {
      this.folder(names.slice(0, -1));
      this.#make(folder, id);
    } catch (error) {
      this.#refused.set(id, error as Error);
      throw error;
    }
    this.#folders.add(id);
    return folder;
  }

  #make(folder: Buffer, id: string): void {
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
  }

  /**
   * What to do with an entry whose place may be taken. 'replace' means to build the new one under `temporaryBeside` and to
   * `moveInto` place when it is whole. Nothing is removed here: a restore that fails must not have cost the file that it was
   * to replace.
   */
  prepare(entry: Buffer, wanted: WantedEntry): OverwriteDecision {
    if (this.#fresh.has(entry.subarray(0, entry.lastIndexOf(SLASH)).toString('latin1'))) return 'write';
    return overwriteDecision(this.#overwrite, entry, wanted);
  }

  /**
   * A name in the same folder to build the entry under, always the same for one entry: what a killed restore left there is
   * removed by the next one that restores it.
   */
  temporaryBeside(entry: Buffer): Buffer {
    const folder = entry.subarray(0, entry.lastIndexOf(SLASH) + 1);
    const name = createHash('sha256').update(entry.subarray(folder.length)).digest('hex').slice(0, 16);
    const temporary = Buffer.concat([folder, Buffer.from(`.holdfast-restore-${name}`)]);
    removeFile(temporary);
    return temporary;
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
    return metadata === undefined ? undefined : applyLinkMetadata(entry, metadata);
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
