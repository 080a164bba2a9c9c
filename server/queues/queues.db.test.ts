/** Alerts of queues that stand still, what the page shows, and dead letters that are sent again. */
import { Redis } from 'ioredis';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestRedis } from '../../tests/support/start-test-redis.ts';
import { newId } from '../../core/base/ids.ts';
import { withScope } from '../db/with-scope.ts';
import { QUEUE_NAMES } from '../jobs/catalog.ts';
import { enqueueIntent } from '../jobs/intents.ts';
import { forgetWorker, nextCanaries, reportWorker, returnCanary } from '../jobs/queue-facts.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { listQueueAlerts, viewQueues } from './queries.ts';
import { sendAgain } from './send-again.ts';
import { watchQueues } from './watch-queues.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

let services: StartedTestServices;
let ours: TestTenant;
let theirs: TestTenant;
let admin: pg.Client;

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
  ours = await createTestTenant(services, 'ours');
  theirs = await createTestTenant(services, 'theirs');
});
afterAll(() => services.stop());
beforeEach(async () => {
  await admin.query(
    'DELETE FROM queue_alert; DELETE FROM service.queue_canary; DELETE FROM service.worker_lane; DELETE FROM job_intent',
  );
});

const MINUTE = 60_000;
const look = async (watchedForMs = 6 * MINUTE): Promise<void> =>
  await watchQueues(services, { sinceMs: Date.now() - watchedForMs, standstillMs: 5 * MINUTE });
const alertsOf = async (tenant: TestTenant): Promise<string[]> =>
  (await listQueueAlerts(services, tenant.owner)).map(({ queue }) => queue).sort();

async function audited(action: string): Promise<number> {
  const { rows } = await admin.query<{ n: number }>('SELECT count(*)::int AS n FROM audit_event WHERE action = $1', [
    action,
  ]);
  return rows[0]?.n ?? 0;
}

describe('the watch', () => {
  test('opens an alert a queue for every provider when all workers are gone, once, and says why', async () => {
    const before = await audited('alert.opened');
    await look();
    await look();
    expect(await alertsOf(ours)).toEqual([...QUEUE_NAMES].sort());
    expect(await alertsOf(theirs)).toEqual([...QUEUE_NAMES].sort());
    expect((await audited('alert.opened')) - before).toBe(2 * QUEUE_NAMES.length);
    const [alert] = await listQueueAlerts(services, ours.owner);
    expect(alert?.message).toMatch(/Nothing is lost.*No worker for it is running/);
  });

  test('closes it by itself when a canary comes back, and leaves the others open', async () => {
    await look();
    await nextCanaries(services, MINUTE);
    await returnCanary(services, 'verify', 1);
    const before = await audited('alert.resolved');
    await look();
    await look();
    expect(await alertsOf(ours)).toEqual(QUEUE_NAMES.filter((name) => name !== 'verify').sort());
    expect((await audited('alert.resolved')) - before).toBe(2);
  });

  test('says nothing before it has looked for as long as it waits: a night without power is no standstill', async () => {
    await look(4 * MINUTE);
    expect(await alertsOf(ours)).toEqual([]);
  });

  test('takes a queue whose every slot is taken for busy, and one with a free slot for still', async () => {
    const worker = newId();
    const lane = { slots: 2, busy: 2 };
    await reportWorker(services, worker, [
      { queue: 'verify', ...lane },
      { queue: 'drill', ...lane, busy: 1 },
    ]);
    await look();
    expect(await alertsOf(ours)).not.toContain('verify');
    expect(await alertsOf(ours)).toContain('drill');
    const alert = (await listQueueAlerts(services, ours.owner)).find(({ queue }) => queue === 'drill');
    expect(alert?.message).toContain('Its workers run');
    await forgetWorker(services, worker);
    await look();
    expect(await alertsOf(ours)).toContain('verify');
  });
});

/** On the other backend there is no Redis. */
describe.each((process.env.HOLDFAST_TEST_QUEUE ?? 'redis') === 'redis' ? ['Redis'] : [])('the memory of %s', () => {
  test('is said when it is nearly full, before a queue stands still, and the word goes when there is room', async () => {
    const server = await startTestRedis();
    const redis = new Redis(server.url);
    const watched = { ...services, env: { ...services.env, REDIS_URL: server.url } };
    const glance = async (): Promise<string[]> => {
      await watchQueues(watched, { sinceMs: Date.now(), standstillMs: 5 * MINUTE });
      return await alertsOf(ours);
    };
    try {
      expect(await glance()).toEqual([]); // nothing bounds it
      const used = Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
      const bound = async (share: number): Promise<unknown> =>
        await redis.config('SET', 'maxmemory', Math.ceil(used / share));
      await bound(0.85);
      expect(await glance()).toEqual(['redis']);
      expect(await glance()).toEqual(['redis']);
      const [alert] = await listQueueAlerts(services, ours.owner);
      expect(alert?.message).toMatch(/^Redis uses (?:7|8|9)\d % of the memory.*nothing is lost/);
      await bound(0.67);
      expect(await glance()).toEqual(['redis']);
      await bound(0.1);
      expect(await glance()).toEqual([]);
      await bound(0.85);
      expect(await glance()).toEqual(['redis']);
      // Where it says nothing any more, nothing is taken back.
      await redis.quit();
      await server.halt();
      expect(await glance()).toEqual(['redis']);
    } finally {
      redis.disconnect();
      await server.stop();
    }
  });
});

describe('a canary', () => {
  test('is sent once a period whoever asks, and an old one that comes late does not undo a newer one', async () => {
    expect(await nextCanaries(services, MINUTE)).toHaveLength(QUEUE_NAMES.length);
    expect(await nextCanaries(services, MINUTE)).toEqual([]);
    await admin.query(`UPDATE service.queue_canary SET sent_at = sent_at - interval '2 minutes'`);
    expect((await nextCanaries(services, MINUTE)).every(({ number }) => number === 2)).toBe(true);
    await returnCanary(services, 'seal', 2);
    await returnCanary(services, 'seal', 1);
    const { rows } = await admin.query(
      `SELECT returned_number::int AS n, round_trip_ms >= 0 AS told FROM service.queue_canary WHERE queue = 'seal'`,
    );
    expect(rows).toEqual([{ n: 2, told: true }]);
  });
});

async function plantDead(
  tenant: TestTenant,
  kind: 'rollup' | 'list-folder',
  dedupeKey: string | null,
): Promise<string> {
  const payload = kind === 'rollup' ? { customerId: newId(), month: '2026-11' } : { listingId: newId() };
  const { rows } = await admin.query<{ id: string }>(
    `INSERT INTO job_intent (tenant_id, id, kind, queue, payload, dedupe_key, state, attempt, crashes, finished_at, error)
     VALUES ($1, gen_random_uuid(), $2, $3, $4, $5, 'dead', 5, 1, now(), 'the vault is on fire') RETURNING id`,
    [tenant.id, kind, kind === 'rollup' ? 'rollup' : 'interactive', payload, dedupeKey],
  );
  return rows[0]?.id ?? '';
}
const rowOf = async (id: string) =>
  (await admin.query('SELECT state, attempt, crashes FROM job_intent WHERE id = $1', [id])).rows[0];

describe('a dead letter', () => {
  test('is shown with its reason to staff of its provider alone, beside counts of its own provider', async () => {
    const id = await plantDead(ours, 'rollup', null);
    await plantDead(theirs, 'rollup', null);
    await withScope(services, ours.system, (tx) =>
      enqueueIntent(tx, ours.system, 'rollup', { customerId: newId(), month: '2026-10' }),
    );
    const view = await viewQueues(services, ours.owner);
    expect(view.deadLetters).toMatchObject([{ id, reason: 'the vault is on fire', attempts: 5, canBeSent: true }]);
    expect(view.queues.find(({ queue }) => queue === 'rollup')).toMatchObject({ waiting: 1, running: 0, dead: 1 });
    expect(view.queues.map(({ queue }) => queue)).toEqual(QUEUE_NAMES);
    await expect(viewQueues(services, ours.customers[0].viewer)).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('that is sent again has all its attempts once more, and who did it is written down', async () => {
    const id = await plantDead(ours, 'rollup', 'key');
    const before = await audited('job.sent_again');
    await sendAgain(services, ours.owner, id);
    expect(await rowOf(id)).toEqual({ state: 'waiting', attempt: 0, crashes: 0 });
    expect((await audited('job.sent_again')) - before).toBe(1);
    await expect(sendAgain(services, ours.owner, id)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('whose work another one of its key will do is settled without being done twice', async () => {
    const id = await plantDead(ours, 'rollup', 'key');
    await withScope(services, ours.system, (tx) =>
      enqueueIntent(tx, ours.system, 'rollup', { customerId: newId(), month: '2026-10' }, { dedupeKey: 'key' }),
    );
    await sendAgain(services, ours.owner, id);
    expect(await rowOf(id)).toMatchObject({ state: 'done' });
  });

  test('is sent again by nobody else, and not where a person was told and asks again', async () => {
    const id = await plantDead(ours, 'rollup', null);
    await expect(sendAgain(services, theirs.owner, id)).rejects.toMatchObject({ code: 'not_found' });
    await expect(sendAgain(services, ours.customers[0].viewer, id)).rejects.toMatchObject({ code: 'forbidden' });
    const asked = await plantDead(ours, 'list-folder', null);
    await expect(sendAgain(services, ours.owner, asked)).rejects.toMatchObject({ code: 'bad_request' });
    expect(await rowOf(id)).toMatchObject({ state: 'dead', attempt: 5 });
  });
});
