/**
 * Says what is to be protected, one folder at a time, so that memory does not grow with the number of files. Names are raw
 * bytes, for not every name is UTF-8; numbers of 64 bits stay whole. What cannot be read is reported, and a source that is
 * missing or empty is refused: an unplugged disk must never become an empty snapshot.
 */
import {
  type BigIntStats,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../base/errors.ts';
import { excludeMatcher } from './exclude.ts';
import { FolderListing } from './folder-listing.ts';

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
  /**
   * Absolute. The file system's root has the empty path, so that `path + '/' + name` holds everywhere. Of a file that was
   * chosen through a link it is where the file lies.
   */
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

/** A file whose presence marks its folder: nothing in it is wanted but the mark itself. */
export interface TagFileRule {
  readonly name: string;
  /** What it has to begin with; empty: anything. */
  readonly header: string;
}

export interface ScanOptions {
  /** Absolute folders or files. Roots may lie inside one another, and win over excludes. A root that is a symbolic link is followed. */
  readonly roots: readonly string[];
  readonly excludes?: readonly string[];
  /** The same, where capital letters are as good as small ones. */
  readonly excludesAnyCase?: readonly string[];
  readonly excludeIfPresent?: readonly TagFileRule[];
  /** Files of more bytes are left out. */
  readonly excludeLargerThan?: number | undefined;
  /** Absolute folders that are left out as they are written: no pattern letters. A root inside one of them is still taken. */
  readonly excludedFolders?: readonly string[];
  readonly oneFileSystem?: boolean;
  /**
   * A root that is missing, empty or unreadable is a problem of its own, and the others are scanned; by default it ends the scan.
   * When that is so of every root, the scan ends in any case.
   */
  readonly mayLackRoots?: boolean;
}

/** Roots as a tree of path parts, so that overlapping ones merge. */
export interface RootPart {
  isRoot: boolean;
  readonly below: Map<string, RootPart>;
}

export interface FolderScope {
  /** Parts of roots that lie at or below this folder. */
  readonly roots: RootPart | undefined;
  /** All names are wanted; else only those that lead to a root. */
  readonly isInside: boolean;
  /** File system of the root that it belongs to. */
  readonly device: bigint;
}

/** What is the same for all names of a folder. */
interface FolderLook {
  readonly listing: FolderListing;
  /** Its path with a slash; each character is a byte. */
  readonly prefix: string;
  /** The prefix and all names are: such paths need no buffer. */
  readonly isAscii: boolean;
  /** One of the folders that are left out lies in it, however deep. */
  readonly hasExcludedFolder: boolean;
}

const WITH_BIGINTS = { bigint: true } as const;
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
  readonly #isExcludedAnyCase: (path: string) => boolean;
  readonly #hasExcludes: boolean;
  readonly #tagFiles: readonly TagFileRule[];
  readonly #fileBytesMax: number;
  readonly #excludedFolders: readonly string[];
  readonly #oneFileSystem: boolean;
  readonly #roots: RootPart = { isRoot: false, below: new Map() };
  readonly #mayLackRoots: boolean;
  /** Absolute; those that were there at the beginning. */
  readonly roots: readonly string[];
  readonly #rootsGiven: number;
  /** Of which nothing is in the backup. */
  readonly #rootsLacking = new Set<string>();

  /** @throws HoldfastError source_missing for a root that does not exist or is an empty folder; source_unreadable. */
  constructor(options: ScanOptions) {
    if (options.roots.length === 0) throw missing('The list of what to protect', 'is empty');
    this.#isExcluded = excludeMatcher(options.excludes ?? []);
    const anyCase = options.excludesAnyCase ?? [];
    this.#isExcludedAnyCase = excludeMatcher(anyCase.map((pattern) => pattern.toLowerCase()));
    this.#hasExcludes = [...(options.excludes ?? []), ...anyCase].some((pattern) => pattern.trim() !== '');
    this.#tagFiles = options.excludeIfPresent ?? [];
    this.#fileBytesMax = options.excludeLargerThan ?? Number.POSITIVE_INFINITY;
    this.#excludedFolders = (options.excludedFolders ?? []).map((folder) => latin1Path(path.resolve(folder)));
    this.#oneFileSystem = options.oneFileSystem ?? false;
    this.#mayLackRoots = options.mayLackRoots ?? false;
    const given = new Set(options.roots.map((root) => path.resolve(root)));
    this.#rootsGiven = given.size;
    this.roots = [...given].filter((root) => this.#isThere(root));
    for (const root of this.roots) addRoot(this.#roots, root);
  }

  /** An empty folder is there all the same: it is stored as what it is. */
  #isThere(root: string): boolean {
    let isEmpty: boolean;
    try {
      isEmpty = statSync(root).isDirectory() && readdirSync(root, { encoding: 'buffer' }).length === 0;
    } catch (error) {
      this.#lack(root, sourceError(root, error), readProblem(error));
      return false;
    }
    if (isEmpty) this.#lackContents(root, 'is empty');
    return true;
  }

  #lackContents(root: string, problem: string): void {
    this.#lack(root, missing(root, problem), {
      reason: 'vanished',
      message: `It ${problem}. Check that its disk is there.`,
    });
  }

  /** @throws the refusal, unless something else is left to be scanned; then each root is told once. */
  #lack(root: string, refusal: HoldfastError, told: Pick<ScanProblem, 'reason' | 'message'>): void {
    if (this.#rootsLacking.has(root)) return;
    this.#rootsLacking.add(root);
    if (!this.#mayLackRoots || this.#rootsLacking.size === this.#rootsGiven) throw refusal;
    this.problems.push({ path: root, ...told });
  }

  /** A folder on the way to some roots, or one of them, cannot be looked at any more. */
  #lackAll(full: Uint8Array, part: RootPart, error: unknown): void {
    const root = displayPath(full);
    if (part.isRoot) this.#lack(root, sourceError(root, error), readProblem(error));
    for (const [name, below] of part.below)
      this.#lackAll(Buffer.concat([full, Buffer.from(`/${name}`, 'latin1')]), below, error);
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
  list(folder: ScannedFolder): FolderListing | undefined {
    const prefix = `${folder.path.toString('latin1')}/`;
    const names = this.#names(folder, prefix);
    if (names === undefined) return undefined;
    const listing = new FolderListing(folder, names.length);
    const marks = this.#tagFiles.length === 0 || !folder.scope.isInside ? [] : this.#marksIn(prefix, names);
    // One look at all names is cheaper than one at each.
    const look: FolderLook = {
      listing,
      prefix,
      isAscii: isAsciiText(prefix) && isAsciiText(names.join('')),
      hasExcludedFolder: this.#excludedFolders.some((excluded) => excluded.startsWith(prefix)),
    };
    for (const name of names)
      this.#look(
        look,
        name,
        marks.some((mark) => mark !== name),
      );
    if (listing.length === 0 && folder.scope.roots?.isRoot === true)
      this.#lackContents(displayPath(folder.path), 'holds nothing that could be backed up');
    return listing;
  }

  /** Each character of a name is a byte, so that the order of strings is the order of bytes. */
  #names({ path: folder, scope }: ScannedFolder, prefix: string): string[] | undefined {
    const { roots, isInside } = scope;
    if (!isInside) return [...(roots?.below.keys() ?? [])].sort();
    try {
      const names = readdirSync(prefix === '/' ? prefix : fsPath(prefix.slice(0, -1)), { encoding: 'latin1' });
      if (roots?.isRoot === true && names.length === 0) this.#lackContents(displayPath(folder), 'is empty');
      return names.sort();
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      if (roots?.isRoot === true) this.#lackAll(folder, roots, error);
      else this.#report(folder, error);
      return undefined;
    }
  }

  #look(look: FolderLook, name: string, isMarkedOut: boolean): void {
    const { listing, prefix, isAscii } = look;
    const full = prefix + name;
    const { scope } = listing.folder;
    const roots = scope.roots?.below.get(name);
    const isRoot = roots?.isRoot === true;
    // An excluded folder is entered all the same when a root lies in it, but only towards that root.
    const isWanted = isRoot || (scope.isInside && !isMarkedOut && !this.#isLeftOut(look, full));
    if (!isWanted && roots === undefined) return;
    const stat = this.#stat(isAscii ? full : Buffer.from(full, 'latin1'), roots);
    if (stat === undefined) return;
    const type = Number(stat.mode) & FILE_TYPE;
    const kind = KINDS[type];
    if (kind === 'folder') {
      // The folder on which another file system is mounted is kept, empty, as restic does.
      const isForeign = this.#oneFileSystem && !isRoot && stat.dev !== scope.device;
      const device = isRoot ? stat.dev : scope.device;
      listing.add(name, kind, stat, { scope: { roots, isInside: isWanted && !isForeign, device } });
    } else if (!isWanted || (!isRoot && Number(stat.size) > this.#fileBytesMax)) return;
    else if (kind === 'symlink') this.#symlink(listing, name, Buffer.from(full, 'latin1'), stat);
    else if (kind !== undefined && isRoot) this.#rootFile(listing, name, Buffer.from(full, 'latin1'), stat);
    else if (kind !== undefined) listing.add(name, kind, stat);
    else if (type === TYPE_SOCKET) this.socketsSkipped += 1;
    else {
      const message = 'It is of a type that a backup cannot hold.';
      this.problems.push({ path: displayPath(Buffer.from(full, 'latin1')), reason: 'unsupported_type', message });
    }
  }

  #isLeftOut({ isAscii, hasExcludedFolder }: FolderLook, full: string): boolean {
    if (hasExcludedFolder && this.#excludedFolders.includes(full)) return true;
    if (!this.#hasExcludes) return false;
    const text = isAscii ? full : Buffer.from(full, 'latin1').toString('utf8');
    return this.#isExcluded(text) || this.#isExcludedAnyCase(text.toLowerCase());
  }

  /** Names of the files in a folder that mark it as not wanted. */
  #marksIn(prefix: string, names: readonly string[]): string[] {
    return this.#tagFiles.flatMap(({ name, header }) => {
      const mark = latin1Path(name);
      if (!names.includes(mark)) return [];
      return header === '' || beginsWith(Buffer.from(prefix + mark, 'latin1'), header) ? [mark] : [];
    });
  }

  /** A part of a root's path is what it leads to: `/home` may be a link to another disk. Everything else is taken as it lies there. */
  #stat(full: string | Buffer, roots: RootPart | undefined): BigIntStats | undefined {
    try {
      return roots === undefined ? lstatSync(full, WITH_BIGINTS) : statSync(full, WITH_BIGINTS);
    } catch (error) {
      const bytes = Buffer.from(full); // a string is one of ASCII
      if (roots === undefined) this.#report(bytes, error);
      else this.#lackAll(bytes, roots, error);
      return undefined;
    }
  }

  /** Files are opened without following links: one that was chosen through a link is read in its own place. */
  #rootFile(listing: FolderListing, name: string, full: Buffer, stat: BigIntStats): void {
    const kind = KINDS[Number(stat.mode) & FILE_TYPE]!;
    try {
      const place = lstatSync(full).isSymbolicLink() ? realpathSync(full, { encoding: 'buffer' }) : full;
      listing.add(name, kind, stat, { path: place });
    } catch (error) {
      this.#lackAll(full, { isRoot: true, below: new Map() }, error);
    }
  }

  #symlink(listing: FolderListing, name: string, full: Buffer, stat: BigIntStats): void {
    try {
      listing.add(name, 'symlink', stat, { linkTarget: readlinkSync(full, { encoding: 'buffer' }) });
    } catch (error) {
      this.#report(full, error);
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

/** False for what cannot be read: a mark that says nothing marks nothing. */
function beginsWith(file: Buffer, header: string): boolean {
  const wanted = Buffer.from(header, 'utf8');
  try {
    const fd = openSync(file, 'r');
    try {
      const found = Buffer.alloc(wanted.length);
      return readSync(fd, found, 0, found.length, 0) === found.length && found.equals(wanted);
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
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

/** Node takes strings for UTF-8, which these are when they are ASCII: their paths then cost no buffer. */
function isAsciiText(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: names may hold any byte but the slash and zero
  return /^[\x00-\x7f]*$/.test(text);
}

function fsPath(latin1: string): string | Buffer {
  return isAsciiText(latin1) ? latin1 : Buffer.from(latin1, 'latin1');
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
