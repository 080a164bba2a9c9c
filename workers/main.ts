/**
 * The worker program: `node workers/main.ts [--queues control,verify,drill,interactive]`. Any number may run; one of them
 * dispatches for all.
 */
import { parseArgs } from 'node:util';
import { HoldfastError } from '../core/base/errors.ts';
import { loadEnv } from '../server/env.ts';
import { QUEUES, type QueueName } from '../server/jobs/catalog.ts';
import { startDispatcher } from '../server/jobs/dispatcher.ts';
import { createQueueWorker } from '../server/jobs/queue-backend.ts';
import { createServices } from '../server/services.ts';
import { runJob } from './runner.ts';

/** Jobs of one process at a time. Verification and restores read much and compute much; the others mostly wait. */
const CONCURRENCY: Readonly<Record<QueueName, number>> = { control: 4, verify: 2, drill: 1, interactive: 2 };
/** After SIGTERM: so long jobs may come to their end, then they are given back; then the process ends whatever happens. */
const FINISH_MS = 10_000;
const EXIT_MS = 25_000;

function chosenQueues(): QueueName[] {
  const { values } = parseArgs({ options: { queues: { type: 'string' } } });
  if (values.queues === undefined) return [...QUEUES];
  return values.queues.split(',').map((name) => {
    const queue = QUEUES.find((known) => known === name);
    if (queue === undefined)
      throw new HoldfastError('bad_request', `There is no queue "${name}"; the queues are ${QUEUES.join(', ')}.`);
    return queue;
  });
}

const services = createServices(loadEnv());
const { log } = services;
const stop = new AbortController();
const queues = chosenQueues();
const workers = queues.map((name) =>
  createQueueWorker(
    services.env,
    name,
    CONCURRENCY[name],
    async (job) => void (await runJob({ services, stop: stop.signal }, job)),
    (error) => log.warn({ err: error, queue: name }, 'the queue does not answer; it is tried again'),
  ),
);
const dispatcher = startDispatcher(services);

let isStopping = false;
async function shutDown(signal: string): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  log.info({ signal }, 'workers stop');
  const patience = setTimeout(() => stop.abort(), FINISH_MS);
  setTimeout(() => process.exit(1), EXIT_MS).unref();
  await Promise.allSettled([dispatcher.stop(), ...workers.map(async (worker) => await worker.close())]);
  clearTimeout(patience);
  await services.close();
  process.exit(0);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void shutDown(signal));

log.info({ queues }, 'workers ready');
