/**
 * Keeps two processes of one state folder apart: two daemons, or two backups. A lock names its process so exactly (number,
 * start time, boot) that a crashed one's lock is known to be stale and is taken over. It is a symbolic link whose target is
 * that text: made at once or not at all, and without a block of the disk, so that a full disk stops no backup.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import { FOLDER_MODE, stateWriteError } from './atomic-file.ts';

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

/** The beginning of the boot's id: enough to tell boots apart. */
const bootId = (): string => readQuietly('/proc/sys/kernel/random/boot_id').replaceAll('-', '').trim().slice(0, 12);

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

/** `pid:started:boot:nonce`; short enough to lie in the link itself. */
function holderText({ pid, started, boot, nonce }: Holder): string {
  return [pid, started, boot, nonce].join(':');
}

function parseHolder(text: string): Holder | undefined {
  const [, pid, started, boot, nonce] = /^([1-9]\d{0,9}):(\d*):([0-9a-f]*):([0-9a-f]{16})$/.exec(text) ?? [];
  if (pid === undefined || started === undefined || boot === undefined || nonce === undefined) return undefined;
  return { pid: Number(pid), started, boot, nonce };
}

/** Undefined when there is no lock; a file in its place is no lock of ours and counts as stale. */
async function readLock(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return undefined;
    if (code === 'EINVAL') return '';
    throw error;
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
    nonce: randomBytes(8).toString('hex'),
  };
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE }).catch((error: unknown) => {
    throw stateWriteError(error, path);
  });
  for (let attempt = 0; attempt < 5; attempt++) {
    if (await linkNew(holderText(mine), path)) return heldLock(path, holderText(mine));
    const found = await readLock(path);
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
  throw new HoldfastError('conflict', `${SENTENCES[name]}: ${path} changed hands while it was being taken. Try again.`);
}

async function linkNew(text: string, path: string): Promise<boolean> {
  try {
    await symlink(text, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw stateWriteError(error, path);
  }
}

/** Moves a stale lock away; when it was another, living one that was caught in the move, that one is put back. */
async function setAside(path: string, stale: string, nonce: string): Promise<void> {
  const aside = `${path}.stale-${nonce}`;
  try {
    await rename(path, aside);
  } catch {
    return; // Somebody else was quicker.
  }
  try {
    const moved = await readLock(aside);
    if (moved !== undefined && moved !== stale) await linkNew(moved, path);
  } finally {
    await rm(aside, { force: true });
  }
}

function heldLock(path: string, text: string): StateLock {
  const isOwned = async (): Promise<boolean> => (await readLock(path)) === text;
  return {
    isOwned,
    release: async () => {
      if (await isOwned()) await rm(path, { force: true });
    },
  };
}
