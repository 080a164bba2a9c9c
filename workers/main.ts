/**
 * The worker program: `node workers/main.ts [--queues verify,drill]`; without the option it serves every queue. Any number may
 * run, each for some queues or for all; one of them dispatches for all.
 */
import { parseArgs } from 'node:util';
import { HoldfastError } from '../core/base/errors.ts';
import { loadEnv } from '../server/env.ts';
import { QUEUE_NAMES, type QueueName } from '../server/jobs/catalog.ts';
import { startDispatcher } from '../server/jobs/dispatcher.ts';
import { requireSafeRedis } from '../server/jobs/require-safe-redis.ts';
import { createServices } from '../server/services.ts';
import { serveQueues } from './serve-queues.ts';

/** After SIGTERM: so long jobs may come to their end, then they are given back; then the process ends whatever happens. */
const FINISH_MS = 10_000;
const EXIT_MS = 25_000;

function chosenQueues(): QueueName[] {
  const { values } = parseArgs({ options: { queues: { type: 'string' } } });
  if (values.queues === undefined) return [...QUEUE_NAMES];
  return values.queues.split(',').map((name) => {
    const queue = QUEUE_NAMES.find((known) => known === name);
    if (queue === undefined)
      throw new HoldfastError('bad_request', `There is no queue "${name}"; the queues are ${QUEUE_NAMES.join(', ')}.`);
    return queue;
  });
}

const services = createServices(loadEnv());
const { log } = services;
const stop = new AbortController();
const queues = chosenQueues();
await requireSafeRedis(services.env, log);
const lanes = await serveQueues(
  services,
  queues,
  stop.signal,
  {},
  {
    onStuck: (queue) => {
      log.error({ queue }, 'jobs wait in the queue and this process does not get them; it ends, to be started again');
      void shutDown('stuck', 1);
    },
  },
);
const dispatcher = startDispatcher(services);

let isStopping = false;
async function shutDown(signal: string, code = 0): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  log.info({ signal }, 'workers stop');
  const patience = setTimeout(() => stop.abort(), FINISH_MS);
  setTimeout(() => process.exit(1), EXIT_MS).unref();
  await Promise.allSettled([dispatcher.stop(), lanes.close()]);
  clearTimeout(patience);
  await services.close();
  process.exit(code);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void shutDown(signal));

log.info({ queues }, 'workers ready');
