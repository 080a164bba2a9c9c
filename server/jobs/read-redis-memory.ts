/** What a Redis says of its memory, and of what it does when that is full. */
import { Redis } from 'ioredis';

/** One that does not answer by then has not said anything. */
const ANSWER_MS = 5_000;

export interface RedisMemory {
  /** `noeviction`, or which keys it drops; undefined where it does not say. */
  readonly policy: string | undefined;
  /** Of what it may use; 0 where nothing bounds it. */
  readonly share: number;
}

/** @throws what the connection throws. */
export async function readRedisMemory(url: string): Promise<RedisMemory> {
  const redis = new Redis(url, {
    ...{ lazyConnect: true, connectTimeout: ANSWER_MS, commandTimeout: ANSWER_MS, maxRetriesPerRequest: 0 },
    retryStrategy: () => null,
  });
  redis.on('error', () => undefined); // the call that waits says it
  try {
    await redis.connect();
    const report = await redis.info('memory');
    const valueOf = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(report)?.[1];
    const most = Number(valueOf('maxmemory') ?? 0);
    return { policy: valueOf('maxmemory_policy'), share: most > 0 ? Number(valueOf('used_memory')) / most : 0 };
  } finally {
    redis.disconnect();
  }
}
