/**
 * BullMQ, which only dispatches: on Redis where there is one, else on its own Postgres backend. A job carries the ids of its
 * intent and nothing else; losing every job in the queue loses nothing.
 */
import { createPostgresBackend, type Job, Queue, Worker, withBackend } from 'bullmq';
import type { ServerEnv } from '../env.ts';
import type { QueueName } from './catalog.ts';

export interface DispatchedJob {
  readonly tenantId: string;
  readonly intentId: string;
}

type QueueEnv = Pick<ServerEnv, 'REDIS_URL' | 'QUEUE_DATABASE_URL'>;

const PREFIX = 'holdfast';
const onPostgres = withBackend(createPostgresBackend);

/** `waitsForRedis`: false for a producer, which must fail at once and let the dispatcher try again. */
function redisConnection(url: string, waitsForRedis: boolean) {
  return waitsForRedis
    ? { url, maxRetriesPerRequest: null }
    : { url, maxRetriesPerRequest: 1, enableOfflineQueue: false, connectTimeout: 5000 };
}

/** The two things the dispatcher does with a queue, whichever backend it has. */
export interface JobQueue {
  /** @throws when the queue does not answer. */
  add(jobId: string, job: DispatchedJob, priority: number): Promise<void>;
  close(): Promise<void>;
}

export function createQueue(env: QueueEnv, name: QueueName): JobQueue {
  const queue =
    env.REDIS_URL === undefined
      ? new onPostgres.Queue<DispatchedJob>(name, { connection: { connectionString: env.QUEUE_DATABASE_URL ?? '' } })
      : new Queue<DispatchedJob>(name, { prefix: PREFIX, connection: redisConnection(env.REDIS_URL, false) });
  queue.on('error', () => undefined); // a lost connection is retried inside; the dispatcher sees its own call fail
  const once = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const;
  const add = queue.add.bind(queue) as (name: string, job: DispatchedJob, options: object) => Promise<unknown>; // the backends differ in types alone
  return {
    add: async (jobId, job, priority) => {
      await add(name, job, { ...once, jobId, priority: Math.max(1, priority) });
    },
    close: async () => await queue.close(),
  };
}

export interface QueueWorker {
  /** Stops taking jobs and waits for those in hand. */
  close(): Promise<void>;
}

export function createQueueWorker(
  env: QueueEnv,
  name: QueueName,
  concurrency: number,
  processor: (job: DispatchedJob) => Promise<void>,
  onError: (error: Error) => void,
): QueueWorker {
  const process = async (job: Job<DispatchedJob>): Promise<void> => await processor(job.data);
  const worker =
    env.REDIS_URL === undefined
      ? new onPostgres.Worker<DispatchedJob>(name, process, {
          connection: { connectionString: env.QUEUE_DATABASE_URL ?? '' },
          concurrency,
        })
      : new Worker<DispatchedJob>(name, process, {
          prefix: PREFIX,
          connection: redisConnection(env.REDIS_URL, true),
          concurrency,
        });
  worker.on('error', onError);
  return { close: async () => await worker.close() };
}
