/**
 * Walks what is to be protected and says what is there. Names are raw bytes, for not every name is UTF-8; numbers of 64
 * bits stay whole. What cannot be read is reported, and a source that is missing or empty is refused: an unplugged disk
 * must never become an empty snapshot.
 */
import { lstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../base/errors.ts';
import { excludeMatcher } from './exclude.ts';

export interface ScannedEntry {
  /** One name; empty for the file system's root. */
  readonly name: Buffer;
  readonly path: Buffer;
  readonly stat: BigIntStats;
  readonly linkTarget?: Buffer;
  /** For folders: entries in ascending order of their names' bytes. */
  readonly children?: readonly ScannedEntry[];
}

export interface ScanProblem {
  readonly path: string;
  readonly reason: 'vanished' | 'permission_denied' | 'read_error' | 'unsupported_type';
  readonly message: string;
}

export interface ScanOptions {
  /** Absolute folders or files. Roots may lie inside one another, and win over excludes. */
  readonly roots: readonly string[];
  readonly excludes?: readonly string[];
  readonly oneFileSystem?: boolean;
  readonly signal?: AbortSignal;
}

export interface ScanResult {
  /** The file system's root, with a folder for each part of the roots' paths. */
  readonly root: ScannedEntry;
  readonly problems: readonly ScanProblem[];
  readonly files: number;
  readonly bytes: bigint;
}

/** Roots as a tree of path parts, so that overlapping ones merge. */
interface RootPart {
  isRoot: boolean;
  readonly below: Map<string, RootPart>;
}

const SLASH = Buffer.of(0x2f);
/** The loop lets the event loop run once in so many entries, so that signals and progress are served. */
const ENTRIES_PER_TURN = 2000;

/** @throws HoldfastError source_missing for a root that does not exist, cannot be opened, or is an empty folder; cancelled. */
export async function scan(options: ScanOptions): Promise<ScanResult> {
  return await new Scan(options).run();
}

class Scan {
  readonly #options: ScanOptions;
  readonly #isExcluded: (path: string) => boolean;
  readonly #problems: ScanProblem[] = [];
  #files = 0;
  #bytes = 0n;
  #entriesThisTurn = 0;

  constructor(options: ScanOptions) {
    this.#options = options;
    this.#isExcluded = excludeMatcher(options.excludes ?? []);
  }

  async run(): Promise<ScanResult> {
    const parts: RootPart = { isRoot: false, below: new Map() };
    for (const root of this.#options.roots) addRoot(parts, assertSource(path.resolve(root)));
    const rootStat = lstatSync('/', { bigint: true });
    const children = await this.#folder(Buffer.alloc(0), parts, parts.isRoot, rootStat.dev);
    const root = { name: Buffer.alloc(0), path: Buffer.alloc(0), stat: rootStat, children: children ?? [] };
    return { root, problems: this.#problems, files: this.#files, bytes: this.#bytes };
  }

  async #folder(
    folder: Buffer,
    roots: RootPart | undefined,
    isInside: boolean,
    device: bigint,
  ): Promise<ScannedEntry[] | undefined> {
    const names = this.#names(folder, roots, isInside);
    if (names === undefined) return undefined;
    const entries: ScannedEntry[] = [];
    for (const name of names) {
      await this.#breathe();
      const below = roots?.below.get(name.toString('latin1'));
      const entry = await this.#entry(folder, name, below, isInside, device);
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  /** All names inside a root; elsewhere only those that lead to one. */
  #names(folder: Buffer, roots: RootPart | undefined, isInside: boolean): Buffer[] | undefined {
    if (!isInside)
      return [...(roots?.below.keys() ?? [])].map((name) => Buffer.from(name, 'latin1')).sort(Buffer.compare);
    try {
      return readdirSync(folder.length === 0 ? SLASH : folder, { encoding: 'buffer' }).sort(Buffer.compare);
    } catch (error) {
      this.#report(folder, error);
      return undefined;
    }
  }

  async #entry(
    folder: Buffer,
    name: Buffer,
    roots: RootPart | undefined,
    isInside: boolean,
    device: bigint,
  ): Promise<ScannedEntry | undefined> {
    const full = Buffer.concat([folder, SLASH, name]);
    const isRoot = roots?.isRoot === true;
    // An excluded folder is entered all the same when a root lies in it, but only towards that root.
    const isWanted = isRoot || (isInside && !this.#isExcluded(full.toString('utf8')));
    if (!isWanted && roots === undefined) return undefined;
    const stat = this.#stat(full);
    if (stat === undefined) return undefined;
    if (stat.isDirectory()) {
      const isForeign = this.#options.oneFileSystem === true && !isRoot && stat.dev !== device && isWanted;
      const children = await this.#folder(full, roots, isWanted && !isForeign, isRoot ? stat.dev : device);
      return children === undefined ? undefined : { name, path: full, stat, children };
    }
    return isWanted ? this.#leaf(name, full, stat) : undefined;
  }

  #leaf(name: Buffer, full: Buffer, stat: BigIntStats): ScannedEntry | undefined {
    if (stat.isFile()) {
      this.#files += 1;
      this.#bytes += stat.size;
    } else if (stat.isSymbolicLink()) {
      try {
        return { name, path: full, stat, linkTarget: readlinkSync(full, { encoding: 'buffer' }) };
      } catch (error) {
        this.#report(full, error);
        return undefined;
      }
    } else if (stat.isSocket()) {
      return undefined; // a socket has no content and cannot be restored; restic leaves them out too
    }
    return { name, path: full, stat };
  }

  #stat(full: Buffer): BigIntStats | undefined {
    try {
      return lstatSync(full, { bigint: true });
    } catch (error) {
      this.#report(full, error);
      return undefined;
    }
  }

  #report(full: Buffer, error: unknown): void {
    this.#problems.push({ path: full.toString('utf8') || '/', ...readProblem(error) });
  }

  async #breathe(): Promise<void> {
    if (this.#entriesThisTurn < ENTRIES_PER_TURN) {
      this.#entriesThisTurn += 1;
      return;
    }
    this.#entriesThisTurn = 0;
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#options.signal?.aborted)
      throw new HoldfastError('cancelled', 'The backup was stopped before it was complete.');
  }
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

function addRoot(parts: RootPart, root: string): void {
  let part = parts;
  for (const name of root.split('/').filter(Boolean)) {
    const key = Buffer.from(name, 'utf8').toString('latin1');
    let next = part.below.get(key);
    if (next === undefined) {
      next = { isRoot: false, below: new Map() };
      part.below.set(key, next);
    }
    part = next;
  }
  part.isRoot = true;
}

function assertSource(root: string): string {
  let problem: string | undefined;
  try {
    const stat = lstatSync(root);
    if (stat.isDirectory() && readdirSync(root).length === 0) problem = 'is empty';
  } catch (error) {
    problem = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be opened';
  }
  if (problem === undefined) return root;
  throw new HoldfastError(
    'source_missing',
    `${root} ${problem}. No snapshot was made, for an empty one would look like a backup. Earlier backups are untouched. Check that the disk is there, or change the policy.`,
    { detail: { root } },
  );
}
