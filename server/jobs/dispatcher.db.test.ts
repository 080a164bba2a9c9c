/** Intents survive what queues and workers do to them. Runs on both queue backends (HOLDFAST_TEST_QUEUE). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Redis } from 'ioredis';
import pg from 'pg';
import { startTestPostgres, type TestPostgres } from '../../tests/support/start-test-postgres.ts';
import { startTestQueue, type TestQueue } from '../../tests/support/test-queue.ts';
import { withScope } from '../db/with-scope.ts';
import { createTestServices, createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { type Claim, claimIntent } from './claims.ts';
import { type Dispatcher, startDispatcher } from './dispatcher.ts';
import { enqueueIntent } from './intents.ts';
import { createQueueWorker, type DispatchedJob, type QueueWorker } from './queue-backend.ts';

let database: TestPostgres;
let queue: TestQueue;
let services: ReturnType<typeof createTestServices>;
let tenant: TestTenant;
let dispatcher: Dispatcher;
let admin: pg.Client;

beforeAll(async () => {
  database = await startTestPostgres();
  queue = await startTestQueue();
  services = createTestServices({ ...database, redisUrl: queue.redisUrl });
  tenant = await createTestTenant(services, 'jobs');
  admin = new pg.Client({ connectionString: database.databaseUrl });
  await admin.connect();
  dispatcher = startDispatcher(services);
});
afterAll(async () => {
  await dispatcher.stop();
  await services.close();
  await admin.end();
  await queue.stop();
  await database.stop();
});
beforeEach(async () => {
  await admin.query(`DELETE FROM job_intent WHERE kind = 'list-folder'`);
});

const listingId = '00000000-0000-4000-8000-000000000001';

async function enqueue(options: { dedupeKey?: string } = {}): Promise<string | undefined> {
  return await withScope(services, tenant.system, (tx) =>
    enqueueIntent(tx, tenant.system, 'list-folder', { listingId }, options),
  );
}

async function stateOf(id: string | undefined): Promise<{ state: string; attempt: number; error: string | null }> {
  const { rows } = await admin.query('SELECT state, attempt, error FROM job_intent WHERE id = $1', [id]);
  return rows[0];
}

async function until(what: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await what()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('what was waited for did not come about');
}

function work(handle: (claim: Claim) => Promise<void>): { worker: QueueWorker; started: () => number } {
  let started = 0;
  const process = async ({ tenantId, intentId }: DispatchedJob): Promise<void> => {
    const claim = await claimIntent(services, tenantId, intentId);
    if (claim === undefined) return;
    started += 1;
    await handle(claim);
  };
  return {
    worker: createQueueWorker(services.env, 'interactive', 4, process, () => undefined),
    started: () => started,
  };
}

describe('an intent', () => {
  test('is carried out once and ends as done', async () => {
    const { worker, started } = work((claim) => claim.finish());
    const id = await enqueue();
    await until(async () => (await stateOf(id)).state === 'done');
    await worker.close();
    expect(started()).toBe(1);
  });

  test('with the key of one that waits is not written twice', async () => {
    const first = await enqueue({ dedupeKey: 'same' });
    expect(first).toBeDefined();
    expect(await enqueue({ dedupeKey: 'same' })).toBeUndefined();
  });

  test('is written only when its transaction commits', async () => {
    const failing = withScope(services, tenant.system, async (tx) => {
      await enqueueIntent(tx, tenant.system, 'list-folder', { listingId });
      throw new Error('the change failed');
    });
    await expect(failing).rejects.toThrow('the change failed');
    const { rows } = await admin.query(`SELECT 1 FROM job_intent WHERE kind = 'list-folder'`);
    expect(rows).toHaveLength(0);
  });

  test('that keeps failing is dead after its attempts, with its reason', async () => {
    const { worker } = work(async (claim) => {
      await claim.fail(new Error('the vault is on fire'));
      await admin.query(`UPDATE job_intent SET run_after = now() WHERE id = $1 AND state = 'waiting'`, [
        claim.intent.id,
      ]);
    });
    const id = await enqueue();
    await until(async () => (await stateOf(id)).state === 'dead');
    await worker.close();
    expect(await stateOf(id)).toMatchObject({ attempt: 2, error: 'the vault is on fire' });
  });

  test('whose worker vanished is given to another one, and the first can do no more harm', async () => {
    const claims: Claim[] = [];
    const { worker } = work(async (claim) => {
      claims.push(claim);
      // The first worker stops here without a word, as after kill -9.
      if (claims.length > 1) await claim.finish();
    });
    const id = await enqueue();
    await until(async () => claims.length === 1);
    await admin.query(`UPDATE job_intent SET lease_until = now() - interval '1 second' WHERE id = $1`, [id]);
    await until(async () => (await stateOf(id)).state === 'done');
    await worker.close();
    expect(claims).toHaveLength(2);
    await expect(claims[0]!.finish()).rejects.toMatchObject({ code: 'conflict' });
    await expect(withScope(services, claims[0]!.scope, (tx) => claims[0]!.guard(tx))).rejects.toMatchObject({
      code: 'conflict',
    });
    expect((await stateOf(id)).state).toBe('done');
  });

  test('outlives a queue that forgets everything', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, () => enqueue()));
    await until(async () => (await stateOf(ids[0])).state === 'dispatched');
    if (queue.kind === 'redis') {
      const redis = new Redis(queue.redisUrl);
      await redis.flushall();
      await redis.quit();
    } else await truncateQueue();
    await admin.query(`UPDATE job_intent SET dispatched_at = now() - interval '2 minutes' WHERE state = 'dispatched'`);
    const { worker, started } = work((claim) => claim.finish());
    await until(async () => (await Promise.all(ids.map(stateOf))).every(({ state }) => state === 'done'));
    await worker.close();
    expect(started()).toBe(10);
  });
});

/** Whatever tables the queue's Postgres backend has in this version. */
async function truncateQueue(): Promise<void> {
  const { rows } = await admin.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'bullmq' AND tablename LIKE '%job%'`,
  );
  await admin.query(`TRUNCATE ${rows.map(({ name }) => name).join(', ')} CASCADE`);
}
