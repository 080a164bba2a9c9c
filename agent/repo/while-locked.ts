/** A command's work under a lock that it gives back whatever happens. */
import { systemClock } from '../../core/base/clock.ts';
import type { OpenRepository } from '../../core/repository/types.ts';
import type { ObjectStore } from '../../core/storage/port.ts';
import type { RepoIo } from './repo-command.ts';
import { lockExclusively, lockRepository } from './repository-lock.ts';

/** The signal fires on Ctrl-C, and when the lock is lost; `ownLock` is the lock's object as the work begins. @throws HoldfastError conflict while somebody else is at work. */
export async function whileLocked<T>(
  repo: OpenRepository & { readonly store: ObjectStore },
  io: RepoIo,
  kind: 'shared' | 'exclusive',
  work: (signal: AbortSignal, ownLock: string) => Promise<T>,
  settleMs?: number,
): Promise<T> {
  const lock = await (kind === 'exclusive' ? lockExclusively : lockRepository)(repo, systemClock, settleMs);
  try {
    return await work(AbortSignal.any([io.signal, lock.lost]), lock.key());
  } finally {
    await lock.release();
  }
}
