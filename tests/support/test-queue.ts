import { startTestRedis, type TestRedis } from './start-test-redis.ts';

export interface TestQueue {
  kind: 'redis' | 'postgres';
  /** What REDIS_URL is; empty where the queue runs on Postgres. */
  redisUrl: string;
  /** The server behind it; undefined where the queue runs on Postgres. */
  redis: TestRedis | undefined;
  stop(): Promise<void>;
}

/**
 * The queue backend of this run: HOLDFAST_TEST_QUEUE, redis by default. `npm test` runs every test file that imports this
 * module once with each.
 */
export async function startTestQueue(): Promise<TestQueue> {
  const kind = process.env.HOLDFAST_TEST_QUEUE ?? 'redis';
  if (kind === 'postgres') return { kind, redisUrl: '', redis: undefined, stop: async () => {} };
  if (kind !== 'redis') throw new Error(`HOLDFAST_TEST_QUEUE is "${kind}"; it is redis or postgres.`);
  const redis = await startTestRedis();
  return { kind, redisUrl: redis.url, redis, stop: redis.stop };
}
