/** The extended attributes of what is backed up, ACLs among them; what of them cannot be read is told, never left out in silence. */
import { isUtf8 } from 'node:buffer';
import type { PlacedEntry } from './folder-listing.ts';
import {
  type ExtendedAttribute,
  type Native,
  NO_NATIVE,
  nativeFiles,
  type NativeFiles,
} from './native/native-files.ts';
import { displayPath, readProblem, type ScanProblem } from './scan.ts';
import { shownName } from './shown-name.ts';

export interface AttributeReaderOptions {
  /** No foreign calls are made; the backup says what it lacks for it. */
  readonly withoutNative?: boolean;
  /** What is asked; by default libc. Tests pass one that fails. */
  readonly native?: Native;
  /** The attributes of an entry could not be listed: it is stored without them, and the backup is not whole. */
  readonly onProblem: (problem: ScanProblem) => void;
  /** One attribute could not be read, or none at all can be on this machine. */
  readonly onWarning: (path: string, reason: string) => void;
}

const NONE: readonly ExtendedAttribute[] = [];
const SELF = Buffer.from('/.');
const ROOT = Buffer.from('/');

export class AttributeReader {
  readonly #options: AttributeReaderOptions;
  readonly #files: NativeFiles | undefined;

  constructor(options: AttributeReaderOptions) {
    this.#options = options;
    const native = options.withoutNative === true ? NO_NATIVE : (options.native ?? nativeFiles());
    this.#files = native.files;
    if (native.files === undefined)
      options.onWarning('/', `extended attributes and ACLs are in no entry of this backup: ${native.missing}`);
  }

  /** Whether there is somebody to ask: else no entry has attributes. */
  get isAble(): boolean {
    return this.#files !== undefined;
  }

  /** In the order of the file system. Costs one system call for an entry that has none. */
  of(entry: PlacedEntry): readonly ExtendedAttribute[] {
    if (this.#files === undefined) return NONE;
    const place = placeOf(entry);
    let names: readonly Buffer[];
    try {
      names = this.#files.attributeNames(place);
    } catch (error) {
      this.#reportList(entry, error);
      return NONE;
    }
    if (names.length === 0) return NONE;
    const attributes: ExtendedAttribute[] = [];
    for (const name of names) {
      if (!isUtf8(name)) {
        const reason = `the name of its extended attribute ${shownName(name)} is no UTF-8, and the format keeps it in that form alone`;
        this.#options.onWarning(displayPath(entry.path), reason);
      }
      try {
        attributes.push({ name, value: this.#files.attribute(place, name) });
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        const reason = `its extended attribute ${shownName(name)} could not be read (${code ?? 'unknown error'})`;
        this.#options.onWarning(displayPath(entry.path), reason);
      }
    }
    return attributes;
  }

  #reportList(entry: PlacedEntry, error: unknown): void {
    const { reason } = readProblem(error);
    // A file that is gone is told by whoever is to read it.
    if (reason === 'vanished' && entry.kind === 'file') return;
    // A folder that only leads to what is protected need not be readable; restic passes over it as well.
    if (reason === 'permission_denied' && entry.scope?.isInside === false) return;
    const message = `Its extended attributes could not be read (${(error as NodeJS.ErrnoException).code ?? String(error)}); all else of it is kept.`;
    this.#options.onProblem({ path: displayPath(entry.path), reason, message });
  }
}

/** A part of a root's path is what it leads to (scan.ts), and so are its attributes. */
function placeOf(entry: PlacedEntry): Buffer {
  if (entry.path.length === 0) return ROOT;
  const isFollowed = entry.scope?.roots !== undefined;
  return isFollowed ? Buffer.concat([entry.path, SELF]) : entry.path;
}
