/**
 * restic's locks (docs/format.md, "Locks"): a backup holds a shared one, so that a stock `restic prune` of the same
 * repository, which needs the exclusive one, waits for it. Managed vaults need none: nobody deletes there but the server.
 */
import { hostname, userInfo } from 'node:os';
import type { Clock } from '../../core/base/clock.ts';
import { HoldfastError, isHoldfastError } from '../../core/base/errors.ts';
import { seal } from '../../core/repository/crypto/seal.ts';
import { goTime } from '../../core/repository/format/go-text.ts';
import { encodeUnpacked } from '../../core/repository/format/unpacked.ts';
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
  /** Fires when the lock could not be renewed for too long: others may think that nobody is there. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** @throws HoldfastError conflict while another program holds the exclusive lock. */
export async function lockRepository(repo: Lockable, clock: Clock, settleMs = SETTLE_MS): Promise<RepositoryLock> {
  await assertNotExclusive(repo);
  let key = await writeLock(repo, clock);
  const lost = new AbortController();
  let renewedMs = clock.nowMs();
  const renew = async (): Promise<void> => {
    try {
      const old = key;
      key = await writeLock(repo, clock);
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
    await assertNotExclusive(repo);
  } catch (error) {
    await release();
    throw error;
  }
  return { lost: lost.signal, release };
}

async function writeLock(repo: Lockable, clock: Clock): Promise<string> {
  const { uid, gid, username } = userInfo();
  const owner = uid >= 0 ? { uid, gid } : {}; // -1 where there are no such numbers
  const time = goTime(BigInt(clock.nowMs()) * 1_000_000n);
  const lock = { time, exclusive: false, hostname: hostname(), username, pid: process.pid, ...owner };
  const bytes = seal(repo.masterKey, encodeUnpacked(Buffer.from(JSON.stringify(lock))));
  const key = `locks/${sha256Hex(bytes)}`;
  await repo.store.create(key, bytes);
  return key;
}

async function assertNotExclusive(repo: Lockable): Promise<void> {
  for await (const { key } of repo.store.list('locks/')) {
    if (idOfKey(key) === undefined) continue;
    let lock: { exclusive?: unknown; hostname?: unknown; pid?: unknown; time?: unknown };
    try {
      lock = JSON.parse((await loadUnpacked(repo, key, LOCK_BYTES_MAX)).toString('utf8')) as typeof lock;
    } catch (error) {
      if (isHoldfastError(error, 'object_missing')) continue; // it was released in between
      throw error;
    }
    if (lock.exclusive !== true) continue;
    throw new HoldfastError(
      'conflict',
      `The repository is locked: process ${String(lock.pid)} on ${String(lock.hostname)} has it for itself since ${String(lock.time)} (prune or check). Wait until it has ended; if it has crashed, "restic unlock" removes its lock.`,
      { detail: { key } },
    );
  }
}
