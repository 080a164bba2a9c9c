/** The workers of the benchmark in a process of their own: everything of the worker program but what jobs do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLog } from '../../core/base/log.ts';
import type { ServerEnv } from '../../server/env.ts';
import { KeyRing } from '../../server/keys/key-ring.ts';
import { QUEUE_NAMES } from '../../server/jobs/catalog.ts';
import { startDispatcher } from '../../server/jobs/dispatcher.ts';
import { createServices } from '../../server/services.ts';
import { createMemoryStore } from '../../core/storage/memory-store.ts';
import { systemClock } from '../../core/base/clock.ts';
import { HANDLERS } from '../../workers/handlers.ts';
import { serveQueues } from '../../workers/serve-queues.ts';

process.once('message', (env: ServerEnv) => {
  void main(env);
});

async function main(env: ServerEnv): Promise<void> {
  const store = createMemoryStore({
    clock: systemClock,
    signing: { baseUrl: 'http://bench', key: new Uint8Array(32) },
  });
  const services = createServices(env, { log: silentLog, keys: new KeyRing(new Uint8Array(32)), store });
  const stop = new AbortController();
  let workMs = 0;
  const idle = async () => async (): Promise<void> => {
    if (workMs > 0) await sleep(workMs);
  };
  const handlers = Object.fromEntries(Object.keys(HANDLERS).map((kind) => [kind, idle])) as unknown as typeof HANDLERS;
  const lanes = await serveQueues(services, QUEUE_NAMES, stop.signal, { handlers });
  const dispatcher = startDispatcher(services);
  process.on('message', (message: 'stop' | { readonly workMs: number }) => {
    if (message !== 'stop') {
      workMs = message.workMs;
      return;
    }
    void (async () => {
      await Promise.all([dispatcher.stop(), lanes.close()]);
      await services.close();
      process.exit(0);
    })();
  });
  process.send?.('ready');
}
