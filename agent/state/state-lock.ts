/**
 * Keeps two processes of one state folder apart: two daemons, or two backups. A lock names its process so exactly (number,
 * start time, boot) that a crashed one's lock is known to be stale and is taken over.
 */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import { FILE_MODE, FOLDER_MODE, readFileIfPresent, stateWriteError } from './atomic-file.ts';

export type LockName = 'daemon' | 'run' | 'enrol';

export interface StateLock {
  /** False when someone else holds the lock by now, such as after the state folder was swapped. */
  isOwned(): Promise<boolean>;
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  /** Clock ticks after boot at which the process started; '' where the system does not tell. */
  readonly started: string;
  readonly boot: string;
  readonly nonce: string;
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

const bootId = (): string => readQuietly('/proc/sys/kernel/random/boot_id').trim();

/** Field 22 of /proc/<pid>/stat; the command's name, in parentheses, may hold blanks. */
function startOf(pid: number): string {
  const stat = readQuietly(`/proc/${pid}/stat`);
  return stat === '' ? '' : (stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '');
}

function isAlive(holder: Holder): boolean {
  if (holder.boot !== bootId()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return holder.started === '' || holder.started === startOf(holder.pid);
}

function parseHolder(bytes: Buffer): Holder | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    const holder = value as Partial<Holder>;
    return typeof holder.pid === 'number' && holder.pid > 0 && typeof holder.boot === 'string'
      ? { pid: holder.pid, started: holder.started ?? '', boot: holder.boot, nonce: holder.nonce ?? '' }
      : undefined;
  } catch {
    return undefined;
  }
}

const SENTENCES: Record<LockName, string> = {
  daemon: 'The Holdfast agent is already running on this machine',
  run: 'A backup of this machine is already running',
  enrol: 'This machine is being enrolled by another process',
};

/** @throws HoldfastError conflict, naming the process that holds the lock. */
export async function acquireLock(folder: string, name: LockName): Promise<StateLock> {
  const path = join(folder, `${name}.lock`);
  const mine: Holder = {
    pid: process.pid,
    started: startOf(process.pid),
    boot: bootId(),
    nonce: randomBytes(12).toString('hex'),
  };
  const own = `${path}.${mine.nonce}`;
  try {
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
    await writeFile(own, JSON.stringify(mine), { mode: FILE_MODE, flag: 'wx' });
  } catch (error) {
    throw stateWriteError(error, path);
  }
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      if (await linkNew(own, path)) return heldLock(path, mine.nonce);
      const found = await readFileIfPresent(path);
      if (found === undefined) continue;
      const holder = parseHolder(found);
      if (holder !== undefined && isAlive(holder)) {
        throw new HoldfastError(
          'conflict',
          `${SENTENCES[name]} (process ${holder.pid}). Wait for it, or stop it first.`,
          {
            detail: { pid: holder.pid },
          },
        );
      }
      await setAside(path, found, mine.nonce);
    }
    throw new HoldfastError(
      'conflict',
      `${SENTENCES[name]}: ${path} changed hands while it was being taken. Try again.`,
    );
  } finally {
    await rm(own, { force: true });
  }
}

async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    // A link appears with its whole content at once, and fails when the name is taken.
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves a stale lock away; when it was another, living one that was caught in the move, that one is put back. */
async function setAside(path: string, stale: Buffer, nonce: string): Promise<void> {
  const aside = `${path}.stale-${nonce}`;
  try {
    await rename(path, aside);
  } catch {
    return; // Somebody else was quicker.
  }
  try {
    if (!(await readFile(aside)).equals(stale)) await linkNew(aside, path);
  } finally {
    await rm(aside, { force: true });
  }
}

function heldLock(path: string, nonce: string): StateLock {
  const isOwned = async (): Promise<boolean> => {
    const found = await readFileIfPresent(path);
    return found !== undefined && parseHolder(found)?.nonce === nonce;
  };
  return {
    isOwned,
    release: async () => {
      if (await isOwned()) await rm(path, { force: true });
    },
  };
}
