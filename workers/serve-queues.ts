import { newId } from '../core/base/ids.ts';
import { QUEUES, type QueueName } from '../server/jobs/catalog.ts';
import { countWaiting, createQueueWorker } from '../server/jobs/queue-backend.ts';
import { forgetWorker, reportWorker, returnCanary } from '../server/jobs/queue-facts.ts';
import type { Services } from '../server/services.ts';
import { runJob, type RunnerOptions } from './runner.ts';

/** A third of the time after which it would be taken for gone. */
const REPORT_MS = 20_000;
/** Two canaries were for others, or for nobody. */
const STUCK_MS = 120_000;

export interface Lanes {
  /** Takes no more jobs and waits for those in hand. */
  close(): Promise<void>;
}

export interface LaneOptions {
  /**
   * A worker with a free slot has taken nothing for two minutes, and in two looks jobs lay in its queue: its connection is one that
   * neither works nor ends, which no worker notices by itself. A new process has new connections.
   */
  readonly onStuck?: (queue: QueueName) => void;
  /** Tests: other patience. */
  readonly lookMs?: number;
  readonly stuckMs?: number;
}

/** Works these queues off in this process, says that it does, and sends canaries back. */
export async function serveQueues(
  services: Services,
  queues: readonly QueueName[],
  stop: AbortSignal,
  runner: Pick<RunnerOptions, 'handlers' | 'sandbox'> = {},
  { onStuck, lookMs = REPORT_MS, stuckMs = STUCK_MS }: LaneOptions = {},
): Promise<Lanes> {
  const { log } = services;
  const workerId = newId();
  const inHand = new Map<QueueName, number>();
  const takenMs = new Map<QueueName, number>();
  const take = (queue: QueueName): void => void takenMs.set(queue, performance.now());
  queues.forEach(take);
  const count = (queue: QueueName, by: 1 | -1): void => void inHand.set(queue, (inHand.get(queue) ?? 0) + by);
  let isReporting = false;
  const report = async (): Promise<void> => {
    if (isReporting) return;
    isReporting = true;
    const lanes = queues.map((queue) => ({
      queue,
      slots: QUEUES[queue].slots,
      busy: Math.min(inHand.get(queue) ?? 0, QUEUES[queue].slots),
    }));
    await reportWorker(services, workerId, lanes)
      .catch((error: unknown) => log.warn({ err: error }, 'the database does not hear which queues are served'))
      .finally(() => {
        isReporting = false;
      });
  };
  const workers = queues.map((queue) =>
    createQueueWorker(services.env, queue, {
      slots: QUEUES[queue].slots,
      onIntent: async (job) => {
        take(queue);
        count(queue, 1);
        try {
          await runJob({ services, stop, ...runner }, job);
        } finally {
          count(queue, -1);
        }
      },
      onCanary: async (canary) => {
        take(queue);
        await returnCanary(services, queue, canary);
      },
      onError: (error) => log.warn({ err: error, queue }, 'the queue does not answer; it is tried again'),
    }),
  );
  const suspects = new Set<QueueName>();
  const isIdle = (queue: QueueName): boolean =>
    (inHand.get(queue) ?? 0) < QUEUES[queue].slots && performance.now() - takenMs.get(queue)! > stuckMs;
  const look = async (): Promise<void> => {
    for (const queue of queues) {
      // A queue that does not answer anybody is not this process's fault.
      const waiting = isIdle(queue) ? await countWaiting(services.env, queue).catch(() => 0) : 0;
      if (waiting === 0 || !isIdle(queue)) suspects.delete(queue);
      else if (suspects.has(queue)) onStuck?.(queue);
      else suspects.add(queue);
    }
  };
  await report();
  let looking: Promise<void> | undefined;
  const timer = setInterval(() => {
    void report();
    if (onStuck !== undefined)
      looking ??= look().finally(() => {
        looking = undefined;
      });
  }, lookMs);
  return {
    close: async () => {
      clearInterval(timer);
      await looking;
      await Promise.all(workers.map(async (worker) => await worker.close()));
      await forgetWorker(services, workerId).catch(() => undefined); // it is not seen any more, which says the same
    },
  };
}
