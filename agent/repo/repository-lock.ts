/**
 * restic's locks (docs/format.md, "Locks"): a backup holds a shared one, so that a stock `restic prune` of the same
 * repository, which needs the exclusive one, waits for it. Managed vaults need none: nobody deletes there but the server.
 */
import { hostname, userInfo } from 'node:os';
import type { Clock } from '../../core/base/clock.ts';
import { HoldfastError, isHoldfastError } from '../../core/base/errors.ts';
import { seal, unseal } from '../../core/repository/crypto/seal.ts';
import { goTime } from '../../core/repository/format/go-text.ts';
import { isObject, parseJson } from '../../core/repository/format/json.ts';
import { decodeUnpacked, encodeUnpacked } from '../../core/repository/format/unpacked.ts';
import { idOfKey, sha256Hex } from '../../core/repository/object-names.ts';
import { loadUnpacked } from '../../core/repository/repository.ts';
import type { OpenRepository } from '../../core/repository/types.ts';
import type { ObjectStore } from '../../core/storage/port.ts';

/** restic's own timings: a lock is renewed every 5 minutes, and whoever could not for 22.5 has lost it. */
const RENEW_MS = 5 * 60_000;
const LOST_AFTER_MS = 22.5 * 60_000;
/** Two that lock at once see one another after so long. */
const SETTLE_MS = 200;
const LOCK_BYTES_MAX = 64 * 1024;

type Lockable = OpenRepository & { readonly store: ObjectStore };

export interface RepositoryLock {
  /** Its object's key at this moment; it changes when the lock is renewed. */
  readonly key: () => string;
  /** Fires when the lock could not be renewed for too long: others may think that nobody is there. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** @throws HoldfastError conflict while another program holds the exclusive lock. */
export async function lockRepository(repo: Lockable, clock: Clock, settleMs = SETTLE_MS): Promise<RepositoryLock> {
  return hold(repo, clock, settleMs, false);
}

/** For whoever removes objects. @throws HoldfastError conflict while another program holds any lock. */
export async function lockExclusively(repo: Lockable, clock: Clock, settleMs = SETTLE_MS): Promise<RepositoryLock> {
  return hold(repo, clock, settleMs, true);
}

async function hold(repo: Lockable, clock: Clock, settleMs: number, exclusive: boolean): Promise<RepositoryLock> {
  const own = new Set<string>();
  await assertFree(repo, exclusive, own);
  let key = await writeLock(repo, clock, exclusive);
  own.add(key);
  const lost = new AbortController();
  let renewedMs = clock.nowMs();
  const renew = async (): Promise<void> => {
    try {
      const old = key;
      key = await writeLock(repo, clock, exclusive);
      renewedMs = clock.nowMs();
      await repo.store.remove(old);
    } catch (error) {
      if (clock.nowMs() - renewedMs > LOST_AFTER_MS) lost.abort(error);
    }
  };
  const timer = setInterval(() => void renew(), RENEW_MS);
  timer.unref();
  const release = async (): Promise<void> => {
    clearInterval(timer);
    await repo.store.remove(key);
  };
  try {
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    await assertFree(repo, exclusive, own);
  } catch (error) {
    await release();
    throw error;
  }
  return { key: () => key, lost: lost.signal, release };
}

/** restic's: nobody renews a lock that seldom. */
const STALE_AFTER_MS = 30 * 60_000;

export interface RemovedLocks {
  readonly removed: number;
  /** Held by somebody who may still be at work. */
  readonly left: number;
}

/**
 * Removes locks that nobody can be holding any more: not renewed for half an hour, or of a process of this machine that has
 * ended. With `all` every lock goes, whoever holds it, and what cannot be read as one.
 */
export async function removeLocks(repo: Lockable, clock: Clock, all: boolean): Promise<RemovedLocks> {
  let removed = 0;
  let left = 0;
  for await (const { key } of repo.store.list('locks/')) {
    if (idOfKey(key) === undefined) continue;
    if (all || (await judgeLock(repo, key, (lock) => isStale(lock, clock)))) {
      await repo.store.remove(key);
      removed += 1;
    } else left += 1;
  }
  return { removed, left };
}

function isStale(lock: Lock, clock: Clock): boolean {
  return clock.nowMs() - Date.parse(String(lock.time)) > STALE_AFTER_MS || isHolderGone(lock);
}

/** False for a lock that was released in between, or that cannot be read as one: whoever wrote it, it is not ours to judge. */
export async function judgeLock(repo: Lockable, key: string, judge: (lock: Lock) => boolean): Promise<boolean> {
  try {
    return judge(await readLock(repo, key));
  } catch (error) {
    if (isHoldfastError(error, 'object_missing') || isHoldfastError(error, 'repository_damaged')) return false;
    throw error;
  }
}

/** Whether it is of a process of this machine that has ended. */
export function isHolderGone(lock: Lock): boolean {
  return lock.hostname === hostname() && !isRunning(lock.pid);
}

/** Unknown counts as running: a lock too many is a nuisance, one too few costs data. */
function isRunning(pid: unknown): boolean {
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** What a lock says of its holder; any program may have written it. */
export interface Lock {
  readonly exclusive?: unknown;
  readonly hostname?: unknown;
  readonly pid?: unknown;
  readonly time?: unknown;
}

/** @throws HoldfastError object_missing when it was released in between; repository_damaged. */
async function readLock(repo: Lockable, key: string): Promise<Lock> {
  const value = parseJson(await loadUnpacked(repo, key, LOCK_BYTES_MAX), 'A lock');
  return isObject(value) ? value : {};
}

async function writeLock(repo: Lockable, clock: Clock, exclusive: boolean): Promise<string> {
  const { uid, gid, username } = userInfo();
  const owner = uid >= 0 ? { uid, gid } : {}; // -1 where there are no such numbers
  const time = goTime(BigInt(clock.nowMs()) * 1_000_000n);
  const lock = { time, exclusive, hostname: hostname(), username, pid: process.pid, ...owner };
  const json = Buffer.from(JSON.stringify(lock));
  // Version 1 knows nothing compressed: who holds to it would find a lock that is damaged.
  const bytes = seal(repo.masterKey, repo.config.version === 1 ? json : encodeUnpacked(json));
  // A lock that cannot be read would keep everybody out.
  if (!decodeUnpacked(unseal(repo.masterKey, bytes), LOCK_BYTES_MAX).equals(json))
    throw new HoldfastError(
      'repository_damaged',
      'A lock did not survive its own encoding. Check this machine’s memory.',
    );
  const key = `locks/${sha256Hex(bytes)}`;
  await repo.store.create(key, bytes);
  return key;
}

async function assertFree(repo: Lockable, exclusive: boolean, own: ReadonlySet<string>): Promise<void> {
  for await (const { key } of repo.store.list('locks/')) {
    if (own.has(key) || idOfKey(key) === undefined) continue;
    let lock: Lock;
    try {
      lock = await readLock(repo, key);
    } catch (error) {
      if (isHoldfastError(error, 'object_missing')) continue; // it was released in between
      throw error;
    }
    if (lock.exclusive !== true && !exclusive) continue;
    throw new HoldfastError(
      'conflict',
      `The repository is locked: process ${String(lock.pid)} on ${String(lock.hostname)} has ${lock.exclusive === true ? 'had it for itself' : 'used it'} since ${String(lock.time)}. Wait until it has ended; if it has crashed, "holdfast repo unlock" removes its lock.`,
      { detail: { key } },
    );
  }
}
