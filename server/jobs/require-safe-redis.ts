/** Whether a Redis is one that jobs can be given to, asked once when workers start. */
import { HoldfastError } from '../../core/base/errors.ts';
import type { Log } from '../../core/base/log.ts';
import type { ServerEnv } from '../env.ts';
import { readRedisMemory } from './read-redis-memory.ts';

/**
 * A Redis that drops keys when its memory is full drops jobs, and the books that BullMQ keeps about them, without a word. The
 * database would send them again, but each one late; so nobody begins with it. One that does not answer is waited for by the
 * workers, as at any other time.
 * @throws HoldfastError service_missing.
 */
export async function requireSafeRedis(env: Pick<ServerEnv, 'REDIS_URL'>, log: Log): Promise<void> {
  if (env.REDIS_URL === undefined) return;
  const memory = await readRedisMemory(env.REDIS_URL).catch((error: unknown) => {
    log.warn({ err: error }, 'Redis does not answer yet; what it does when its memory is full is not known');
  });
  if (memory?.policy === undefined || memory.policy === 'noeviction') return;
  throw new HoldfastError(
    'service_missing',
    `This Redis throws data away when its memory is full (its maxmemory-policy is ${memory.policy}), and jobs would be lost in it. Nothing was lost yet. Set maxmemory-policy to noeviction, or name another Redis in REDIS_URL, and start again.`,
  );
}
