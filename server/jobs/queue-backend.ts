/**
 * BullMQ, which only dispatches: on Redis where there is one, else on its own Postgres backend. A job carries the ids of its
 * intent, or the number of a canary, and nothing else; losing every job in the queue loses nothing.
 */
import { createPostgresBackend, type Job, Queue, Worker, withBackend } from 'bullmq';
import type { ServerEnv } from '../env.ts';
import type { QueueName } from './catalog.ts';

export interface DispatchedJob {
  readonly tenantId: string;
  readonly intentId: string;
}

/** A tiny job that is sent through the queue to see whether it comes out. */
export interface CanaryJob {
  readonly canary: number;
}

type QueuedJob = DispatchedJob | CanaryJob;
type QueueEnv = Pick<ServerEnv, 'REDIS_URL' | 'QUEUE_DATABASE_URL'>;

const PREFIX = 'holdfast';
const onPostgres = withBackend(createPostgresBackend);
/** Of each queue and each worker on Postgres; one more listens for a worker. Seven queues must not use up the server's. */
const POSTGRES_CONNECTIONS = { queue: 1, worker: 3 } as const;
/** A worker whose queue did not answer asks again after so long; BullMQ's own quarter of a minute is long for people who wait. */
const WORKER_RETRY_MS = 2_000;

/** What a crash of the server takes from the queue is dispatched again, so that no commit of the queue waits for the disk. */
function postgresConnection(env: QueueEnv, max: number) {
  return { connectionString: env.QUEUE_DATABASE_URL ?? '', max, options: '-c synchronous_commit=off' };
}

/**
 * BullMQ adds a list of jobs on Postgres by way of two temporary tables, and each costs rows in the system's catalogs: four
 * milliseconds of a processor a call, which is eight jobs one by one.
 */
const POSTGRES_BULK_FROM = 8;

/** A producer gives up waiting after so long: a connection that was never made would otherwise hold the dispatcher up for ever. */
const ANSWER_MS = 5_000;

/** `waitsForRedis`: false for a producer, which must fail at once and let the dispatcher try again. */
function redisConnection(url: string, waitsForRedis: boolean) {
  // However long it was gone, it is asked again within two seconds.
  const retryStrategy = (times: number): number => Math.min(times * 100, WORKER_RETRY_MS);
  return waitsForRedis
    ? { url, maxRetriesPerRequest: null, retryStrategy }
    : { url, maxRetriesPerRequest: 1, enableOfflineQueue: false, connectTimeout: 5000, retryStrategy };
}

export interface QueuedIntent {
  readonly jobId: string;
  readonly job: DispatchedJob;
  /** Smaller first. */
  readonly priority: number;
}

/** What the dispatcher does with a queue, whichever backend it has. Everything throws when the queue does not answer. */
export interface JobQueue {
  add(intents: readonly QueuedIntent[]): Promise<void>;
  /** Goes before everything else. */
  addCanary(canary: number): Promise<void>;
  /** False when the queue knows nothing of it (any more): done, or lost. */
  has(jobId: string): Promise<boolean>;
  close(): Promise<void>;
}

/** The calls that both backends have; they differ in types alone. */
interface AnyQueue {
  add(name: string, data: QueuedJob, opts: object): Promise<unknown>;
  addBulk(jobs: readonly { name: string; data: QueuedJob; opts: object }[]): Promise<unknown>;
  getJob(jobId: string): Promise<unknown>;
  getJobCountByTypes(...types: ('waiting' | 'prioritized')[]): Promise<number>;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
  on(event: 'error', listener: () => void): unknown;
}

export function createQueue(env: QueueEnv, name: QueueName): JobQueue {
  const queue = openQueue(env, name);
  queue.on('error', () => undefined); // a lost connection is retried inside; the dispatcher sees its own call fail
  const once = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const;
  const areFew = (count: number): boolean => env.REDIS_URL === undefined && count < POSTGRES_BULK_FROM;
  const addAll = async (jobs: Parameters<AnyQueue['addBulk']>[0]): Promise<void> => {
    const added = areFew(jobs.length)
      ? Promise.all(jobs.map((job) => queue.add(job.name, job.data, job.opts)))
      : queue.addBulk(jobs);
    await answered<unknown>(added);
  };
  return {
    add: async (intents) =>
      await addAll(
        intents.map(({ jobId, job, priority }) => ({
          name,
          data: job,
          opts: { ...once, jobId, priority: Math.max(1, priority) },
        })),
      ),
    addCanary: async (canary) =>
      await addAll([{ name, data: { canary }, opts: { ...once, jobId: `canary-${canary}` } }]),
    has: async (jobId) => Boolean(await answered(queue.getJob(jobId))),
    close: async () => await answered(queue.close()).catch(() => undefined), // a queue that is away is left alone
  };
}

/** Jobs that lie in a queue and may be taken, asked over a connection of its own. @throws when the queue does not answer. */
export async function countWaiting(env: QueueEnv, name: QueueName): Promise<number> {
  const queue = openQueue(env, name);
  queue.on('error', () => undefined); // the call below fails
  try {
    // A connection that is just being made refuses what it is asked.
    await answered(queue.waitUntilReady());
    return await answered(queue.getJobCountByTypes('waiting', 'prioritized'));
  } finally {
    await answered(queue.close()).catch(() => undefined);
  }
}

/** What comes later all the same does no harm: an intent that is dispatched twice is claimed once. */
async function answered<T>(call: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the queue has not answered for ${ANSWER_MS} ms`)), ANSWER_MS);
  });
  call.catch(() => undefined); // when it fails after its time
  return await Promise.race([call, late]).finally(() => clearTimeout(timer));
}

function openQueue(env: QueueEnv, name: QueueName): AnyQueue {
  if (env.REDIS_URL !== undefined) {
    const connection = redisConnection(env.REDIS_URL, false);
    return new Queue<QueuedJob>(name, { prefix: PREFIX, connection }) as unknown as AnyQueue;
  }
  const connection = postgresConnection(env, POSTGRES_CONNECTIONS.queue);
  return new onPostgres.Queue<QueuedJob>(name, { connection }) as unknown as AnyQueue;
}

export interface QueueWorker {
  /** Stops taking jobs and waits for those in hand. */
  close(): Promise<void>;
}

export interface QueueWork {
  readonly slots: number;
  readonly onIntent: (job: DispatchedJob) => Promise<void>;
  readonly onCanary: (canary: number) => Promise<void>;
  readonly onError: (error: Error) => void;
}

export function createQueueWorker(env: QueueEnv, name: QueueName, work: QueueWork): QueueWorker {
  const process = async ({ data }: Job<QueuedJob>): Promise<void> =>
    await ('canary' in data ? work.onCanary(data.canary) : work.onIntent(data));
  const options = { concurrency: work.slots, runRetryDelay: WORKER_RETRY_MS } as const;
  const worker =
    env.REDIS_URL === undefined
      ? new onPostgres.Worker<QueuedJob>(name, process, {
          connection: postgresConnection(env, POSTGRES_CONNECTIONS.worker),
          ...options,
        })
      : new Worker<QueuedJob>(name, process, {
          prefix: PREFIX,
          connection: redisConnection(env.REDIS_URL, true),
          ...options,
        });
  worker.on('error', work.onError);
  return { close: async () => await worker.close() };
}
