/**
 * A worker in a process of its own, for tests that kill it, block it, or take its servers away. Everything is real but the
 * one handler, which writes rows that can be counted. The month of the job says how:
 *
 *   2026-01   one row
 *   2026-02   one row; in the first attempt the event loop stands still before it
 *   2026-03   ten rows, one a step
 *
 * Each row is one transaction with its checkpoint: that is how a handler keeps an effect from being repeated.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLog } from '../../core/base/log.ts';
import { systemClock } from '../../core/base/clock.ts';
import { createMemoryStore } from '../../core/storage/memory-store.ts';
import { withScope } from '../../server/db/with-scope.ts';
import type { ServerEnv } from '../../server/env.ts';
import { KeyRing } from '../../server/keys/key-ring.ts';
import { startDispatcher } from '../../server/jobs/dispatcher.ts';
import { createServices } from '../../server/services.ts';
import { HANDLERS } from '../handlers.ts';
import { type JobHandler, throwIfStopped } from '../job-context.ts';
import { serveQueues } from '../serve-queues.ts';

const BLOCKED_MS = 6_000;
const STEPS = 10;
const STEP_MS = 100;

const leaveRows: JobHandler<'rollup'> = async ({ services, claim, signal, checkpoint }, { month }) => {
  const row = async (step: number): Promise<void> =>
    await withScope(services, claim.scope, async (tx) => {
      await claim.guard(tx);
      await tx.$executeRaw`INSERT INTO effect (intent_id, step, pid) VALUES (${claim.intent.id}::uuid, ${step}, ${process.pid})`;
      await checkpoint.save({ step }, tx);
    });
  if (month === '2026-02' && claim.intent.attempt === 1) {
    await row(0); // tells the test that it is about to stand still
    const endMs = performance.now() + BLOCKED_MS;
    while (performance.now() < endMs);
  }
  const { step: done } = (checkpoint.last ?? { step: 0 }) as { step: number };
  const steps = month === '2026-03' ? STEPS : 1;
  for (let step = done + 1; step <= steps; step += 1) {
    throwIfStopped(signal);
    await row(step);
    if (step < steps) await sleep(STEP_MS);
  }
};

process.once('message', (env: ServerEnv) => void main(env));

async function main(env: ServerEnv): Promise<void> {
  const store = createMemoryStore({ clock: systemClock, signing: { baseUrl: 'http://test', key: new Uint8Array(32) } });
  const services = createServices(env, { log: silentLog, keys: new KeyRing(new Uint8Array(32)), store });
  const stop = new AbortController();
  const handlers = { ...HANDLERS, rollup: async () => leaveRows };
  const lanes = await serveQueues(services, ['rollup'], stop.signal, { handlers });
  const dispatcher = startDispatcher(services, { reconcileMs: 300, canaryMs: 500, leaderSilentMs: 2000 });
  process.once('SIGTERM', () => {
    void (async () => {
      stop.abort();
      await Promise.all([dispatcher.stop(), lanes.close()]);
      await services.close();
      process.exit(0);
    })();
  });
  process.send?.('ready');
}
