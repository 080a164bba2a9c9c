/**
 * Says what is to be protected, one folder at a time, so that memory does not grow with the number of files. Names are raw
 * bytes, for not every name is UTF-8; numbers of 64 bits stay whole. What cannot be read is reported, and a source that is
 * missing or empty is refused: an unplugged disk must never become an empty snapshot.
 */
import { type BigIntStats, lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../base/errors.ts';
import { excludeMatcher } from './exclude.ts';

/** The facts of an entry that a backup stores; sizes and link counts are far below 2^53, the rest may not be. */
export interface EntryFacts {
  /** st_mode, with the type. */
  readonly mode: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly inode: bigint;
  readonly device: bigint;
  /** For device files: which device they stand for. */
  readonly rawDevice: bigint;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
}

export type EntryKind = 'file' | 'folder' | 'symlink' | 'special';

export interface ScannedEntry {
  readonly kind: EntryKind;
  /** One name; empty for the file system's root. */
  readonly name: Buffer;
  /** Absolute. The file system's root has the empty path, so that `path + '/' + name` holds everywhere. */
  readonly path: Buffer;
  readonly facts: EntryFacts;
  readonly linkTarget?: Buffer;
}

export interface ScannedFolder extends ScannedEntry {
  readonly kind: 'folder';
  /** How the scan goes on below it. */
  readonly scope: FolderScope;
}

export interface ScanProblem {
  readonly path: string;
  readonly reason: 'vanished' | 'permission_denied' | 'read_error' | 'unsupported_type';
  readonly message: string;
}

export interface ScanOptions {
  /** Absolute folders or files. Roots may lie inside one another, and win over excludes. A root that is a symbolic link is followed. */
  readonly roots: readonly string[];
  readonly excludes?: readonly string[];
  /** Absolute folders that are left out as they are written: no pattern letters. A root inside one of them is still taken. */
  readonly excludedFolders?: readonly string[];
  readonly oneFileSystem?: boolean;
}

/** Roots as a tree of path parts, so that overlapping ones merge. */
interface RootPart {
  isRoot: boolean;
  readonly below: Map<string, RootPart>;
}

interface FolderScope {
  /** Parts of roots that lie at or below this folder. */
  readonly roots: RootPart | undefined;
  /** All names are wanted; else only those that lead to a root. */
  readonly isInside: boolean;
  /** File system of the root that it belongs to. */
  readonly device: bigint;
}

const SLASH = Buffer.of(0x2f);
const FILE_TYPE = 0o170000;
const TYPE_SOCKET = 0o140000;
const KINDS: Readonly<Record<number, EntryKind>> = {
  0o100000: 'file',
  0o040000: 'folder',
  0o120000: 'symlink',
  0o060000: 'special',
  0o020000: 'special',
  0o010000: 'special',
};

export class SourceScan {
  /** What could not be read so far. */
  readonly problems: ScanProblem[] = [];
  /** Sockets hold nothing that could be restored; restic leaves them out as well. */
  socketsSkipped = 0;
  readonly #isExcluded: (path: string) => boolean;
  readonly #hasExcludes: boolean;
  readonly #excludedFolders: ReadonlySet<string>;
  readonly #oneFileSystem: boolean;
  readonly #roots: RootPart = { isRoot: false, below: new Map() };

  /** @throws HoldfastError source_missing for a root that does not exist or is an empty folder; source_unreadable. */
  constructor(options: ScanOptions) {
    if (options.roots.length === 0) throw missing('The list of what to protect', 'is empty');
    this.#isExcluded = excludeMatcher(options.excludes ?? []);
    this.#hasExcludes = (options.excludes ?? []).some((pattern) => pattern.trim() !== '');
    this.#excludedFolders = new Set((options.excludedFolders ?? []).map((folder) => latin1Path(path.resolve(folder))));
    this.#oneFileSystem = options.oneFileSystem ?? false;
    for (const root of options.roots) addRoot(this.#roots, assertSource(path.resolve(root)));
  }

  /** The file system's root: the tree of a snapshot has a folder for each part of the roots' paths. */
  root(): ScannedFolder {
    const facts = factsOf(statSync('/', { bigint: true }));
    const scope = { roots: this.#roots, isInside: this.#roots.isRoot, device: facts.device };
    return { kind: 'folder', name: Buffer.alloc(0), path: Buffer.alloc(0), facts, scope };
  }

  /**
   * What is wanted of a folder, in ascending order of the names' bytes; undefined (and a problem) when it cannot be read.
   * @throws HoldfastError source_missing when a root has vanished since the beginning, or holds nothing (that is wanted);
   * source_unreadable for a root that may not be read.
   */
  list(folder: ScannedFolder): (ScannedEntry | ScannedFolder)[] | undefined {
    const names = this.#names(folder);
    if (names === undefined) return undefined;
    const entries: (ScannedEntry | ScannedFolder)[] = [];
    for (const name of names) {
      const entry = this.#entry(folder, name);
      if (entry !== undefined) entries.push(entry);
    }
    if (entries.length === 0 && folder.scope.roots?.isRoot === true)
      throw missing(displayPath(folder.path), 'holds nothing that could be backed up');
    return entries;
  }

  #names({ path: folder, scope }: ScannedFolder): Buffer[] | undefined {
    const { roots, isInside } = scope;
    if (!isInside) return sortNames([...(roots?.below.keys() ?? [])].map((name) => Buffer.from(name, 'latin1')));
    try {
      const names = readdirSync(folder.length === 0 ? SLASH : folder, { encoding: 'buffer' });
      if (roots?.isRoot === true && names.length === 0) throw missing(displayPath(folder), 'is empty');
      return sortNames(names);
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      if (roots?.isRoot === true) throw sourceError(displayPath(folder), error);
      this.#report(folder, error);
      return undefined;
    }
  }

  #entry(folder: ScannedFolder, name: Buffer): ScannedEntry | ScannedFolder | undefined {
    const full = Buffer.concat([folder.path, SLASH, name]);
    const roots = folder.scope.roots?.below.get(name.toString('latin1'));
    const isRoot = roots?.isRoot === true;
    // An excluded folder is entered all the same when a root lies in it, but only towards that root.
    const isWanted = isRoot || (folder.scope.isInside && !this.#isLeftOut(full));
    if (!isWanted && roots === undefined) return undefined;
    const facts = this.#facts(full, roots);
    if (facts === undefined) return undefined;
    const kind = KINDS[facts.mode & FILE_TYPE];
    if (kind === 'folder') {
      // The folder on which another file system is mounted is kept, empty, as restic does.
      const isForeign = this.#oneFileSystem && !isRoot && facts.device !== folder.scope.device;
      const device = isRoot ? facts.device : folder.scope.device;
      return { kind, name, path: full, facts, scope: { roots, isInside: isWanted && !isForeign, device } };
    }
    if (!isWanted) return undefined;
    if (kind === 'symlink') return this.#symlink(name, full, facts);
    if (kind !== undefined) return { kind, name, path: full, facts };
    if ((facts.mode & FILE_TYPE) === TYPE_SOCKET) this.socketsSkipped += 1;
    else {
      const message = 'It is of a type that a backup cannot hold.';
      this.problems.push({ path: displayPath(full), reason: 'unsupported_type', message });
    }
    return undefined;
  }

  #isLeftOut(full: Buffer): boolean {
    if (this.#excludedFolders.size > 0 && this.#excludedFolders.has(full.toString('latin1'))) return true;
    return this.#hasExcludes && this.#isExcluded(full.toString('utf8'));
  }

  /** A part of a root's path is what it leads to: `/home` may be a link to another disk. Everything else is taken as it lies there. */
  #facts(full: Buffer, roots: RootPart | undefined): EntryFacts | undefined {
    try {
      return factsOf(roots === undefined ? lstatSync(full, { bigint: true }) : statSync(full, { bigint: true }));
    } catch (error) {
      if (roots !== undefined) throw sourceError(displayPath(full), error);
      this.#report(full, error);
      return undefined;
    }
  }

  #symlink(name: Buffer, full: Buffer, facts: EntryFacts): ScannedEntry | undefined {
    try {
      const linkTarget = readlinkSync(full, { encoding: 'buffer' });
      return { kind: 'symlink', name, path: full, facts, linkTarget };
    } catch (error) {
      this.#report(full, error);
      return undefined;
    }
  }

  #report(full: Buffer, error: unknown): void {
    this.problems.push({ path: displayPath(full), ...readProblem(error) });
  }
}

export function factsOf(stat: BigIntStats): EntryFacts {
  return {
    mode: Number(stat.mode),
    size: Number(stat.size),
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    inode: stat.ino,
    device: stat.dev,
    rawDevice: stat.rdev,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    links: Number(stat.nlink),
  };
}

/** A path for people; bytes that are no UTF-8 become replacement characters. */
export function displayPath(full: Uint8Array): string {
  return Buffer.from(full.buffer, full.byteOffset, full.byteLength).toString('utf8') || '/';
}

/** What a failed read means, in words for the list of unread items. */
export function readProblem(error: unknown): Pick<ScanProblem, 'reason' | 'message'> {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return { reason: 'vanished', message: 'It was gone when it was to be read.' };
  if (code === 'EACCES' || code === 'EPERM')
    return { reason: 'permission_denied', message: 'Reading it is not allowed.' };
  return { reason: 'read_error', message: `Reading it failed: ${message}` };
}

function sortNames(names: Buffer[]): Buffer[] {
  return names.sort(Buffer.compare);
}

function latin1Path(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function addRoot(parts: RootPart, root: string): void {
  let part = parts;
  for (const name of latin1Path(root).split('/').filter(Boolean)) {
    let next = part.below.get(name);
    if (next === undefined) {
      next = { isRoot: false, below: new Map() };
      part.below.set(name, next);
    }
    part = next;
  }
  part.isRoot = true;
}

function assertSource(root: string): string {
  let isEmpty: boolean;
  try {
    isEmpty = statSync(root).isDirectory() && readdirSync(root, { encoding: 'buffer' }).length === 0;
  } catch (error) {
    throw sourceError(root, error);
  }
  if (isEmpty) throw missing(root, 'is empty');
  return root;
}

function sourceError(root: string, error: unknown): HoldfastError {
  const { reason } = readProblem(error);
  if (reason === 'vanished') return missing(root, 'does not exist', error);
  return new HoldfastError(
    'source_unreadable',
    `${root} cannot be read${reason === 'permission_denied' ? ': it is not allowed' : ''}. No snapshot was made. Earlier backups are untouched. Check the disk and the rights of the agent.`,
    { cause: error, detail: { root } },
  );
}

function missing(root: string, problem: string, cause?: unknown): HoldfastError {
  return new HoldfastError(
    'source_missing',
    `${root} ${problem}. No snapshot was made, for an empty one would look like a backup. Earlier backups are untouched. Check that the disk is there, or change what is protected.`,
    { cause, detail: { root } },
  );
}
