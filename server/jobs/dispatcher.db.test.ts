/** Intents survive what queues and workers do to them. Runs on both queue backends (HOLDFAST_TEST_QUEUE). */
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Redis } from 'ioredis';
import pg from 'pg';
import { startTestPostgres, type TestPostgres } from '../../tests/support/start-test-postgres.ts';
import { startTestQueue, type TestQueue } from '../../tests/support/test-queue.ts';
import { applyChange } from '../changes/apply-change.ts';
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
  dispatcher = startDispatcher(services, { reconcileMs: 500 });
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
    worker: createQueueWorker(services.env, 'interactive', {
      slots: 4,
      onIntent: process,
      onCanary: async () => undefined,
      onError: () => undefined,
    }),
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
    expect(await stateOf(id)).toMatchObject({ attempt: 5, error: 'the vault is on fire' });
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

describe('many intents', () => {
  test('of one key are carried out one at a time, and what came meanwhile is done after', async () => {
    let running = 0;
    let most = 0;
    let goOn = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const { worker, started } = work(async (claim) => {
      running += 1;
      most = Math.max(most, running);
      await gate;
      running -= 1;
      await claim.finish();
    });
    const first = await enqueue({ dedupeKey: 'one' });
    await until(async () => (await stateOf(first)).state === 'running');
    const second = await enqueue({ dedupeKey: 'one' });
    const other = await enqueue({ dedupeKey: 'other' });
    expect(second).toBeDefined();
    await until(async () => (await stateOf(other)).state === 'running');
    expect((await stateOf(second)).state).toBe('waiting');
    goOn();
    await until(async () => (await stateOf(second)).state === 'done');
    await worker.close();
    expect([started(), most]).toEqual([3, 2]);
  });

  test('of one tenant let the one of another go first', async () => {
    const neighbour = await createTestTenant(services, 'neighbour');
    for (let at = 0; at < 60; at += 1) await enqueue();
    await withScope(services, neighbour.system, (tx) =>
      enqueueIntent(tx, neighbour.system, 'list-folder', { listingId }),
    );
    const order: string[] = [];
    const { worker } = work(async (claim) => {
      order.push(claim.intent.tenantId);
      await claim.finish();
    });
    await until(async () => order.length === 61);
    await worker.close();
    expect(order.indexOf(neighbour.id)).toBeLessThan(20);
  });

  test('of one customer let the one of another customer of the same tenant go first', async () => {
    const [many, few] = tenant.customers;
    const write = async (customerId: string): Promise<void> =>
      void (await withScope(services, tenant.system, (tx) =>
        enqueueIntent(tx, tenant.system, 'list-folder', { listingId }, { customerId }),
      ));
    for (let at = 0; at < 60; at += 1) await write(many.id);
    await write(few.id);
    const order: string[] = [];
    const { worker } = work(async (claim) => {
      const { rows } = await admin.query('SELECT customer_id FROM job_intent WHERE id = $1', [claim.intent.id]);
      order.push(rows[0].customer_id);
      await claim.finish();
    });
    await until(async () => order.length === 61);
    await worker.close();
    expect(order.indexOf(few.id)).toBeLessThan(20);
  });

  test('waiting behind a long job are not sent again each minute: the queue holds each once', async () => {
    let goOn = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const { worker, started } = work(async (claim) => {
      await gate;
      await claim.finish();
    });
    const ids = await Promise.all(Array.from({ length: 8 }, () => enqueue()));
    await until(async () => started() === 4);
    const dispatches = async (): Promise<number> =>
      (await admin.query(`SELECT sum(dispatches)::int AS n FROM job_intent WHERE kind = 'list-folder'`)).rows[0].n;
    const before = await dispatches();
    await admin.query(`UPDATE job_intent SET dispatched_at = now() - interval '2 minutes' WHERE state = 'dispatched'`);
    await until(async () => {
      const { rows } = await admin.query(
        `SELECT 1 FROM job_intent WHERE state = 'dispatched' AND dispatched_at < now() - interval '1 minute'`,
      );
      return rows.length === 0;
    });
    expect(await dispatches()).toBe(before);
    goOn();
    await until(async () => (await Promise.all(ids.map(stateOf))).every(({ state }) => state === 'done'));
    await worker.close();
    expect(started()).toBe(8);
  });

  test('are sent on while the database forgets the leader: a second dispatcher takes over', async () => {
    const standby = startDispatcher(services);
    const { worker } = work((claim) => claim.finish());
    const before = await enqueue();
    await until(async () => (await stateOf(before)).state === 'done');
    const { rows } = await admin.query<{ ended: boolean }>(
      `SELECT pg_terminate_backend(pid) AS ended FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid IN
        (SELECT pid FROM pg_stat_activity WHERE usename = 'holdfast_service' AND datname = current_database())`,
    );
    expect(rows).toEqual([{ ended: true }]);
    const after = await enqueue();
    await until(async () => (await stateOf(after)).state === 'done');
    await Promise.all([worker.close(), standby.stop()]);
  });

  test('every tenant gets its sweeps', async () => {
    await until(async () => {
      const { rows } = await admin.query(
        `SELECT DISTINCT kind FROM job_intent WHERE tenant_id = $1 AND kind IN ('schedule-sweep', 'housekeeping')`,
        [tenant.id],
      );
      return rows.length === 2;
    });
  });
});

describe('trouble', () => {
  test('a queue that takes nothing loses nothing: the intents wait and are sent when it does again', async () => {
    if (queue.kind === 'redis') {
      const redis = new Redis(queue.redisUrl);
      await redis.config('SET', 'maxmemory', '1');
      const id = await enqueue();
      await new Promise((resolve) => setTimeout(resolve, 1500));
      expect(['waiting', 'dispatched']).toContain((await stateOf(id)).state);
      await redis.config('SET', 'maxmemory', '0');
      await redis.quit();
      await admin.query(`UPDATE job_intent SET run_after = now() WHERE id = $1 AND state = 'waiting'`, [id]);
      const { worker } = work((claim) => claim.finish());
      await until(async () => (await stateOf(id)).state === 'done');
      await worker.close();
      return;
    }
    // On Postgres: its tables are locked away for a moment.
    const blocker = new pg.Client({ connectionString: database.databaseUrl });
    await blocker.connect();
    await blocker.query('BEGIN');
    await blocker.query('LOCK TABLE bullmq.job IN ACCESS EXCLUSIVE MODE');
    const id = await enqueue();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(['waiting', 'dispatched']).toContain((await stateOf(id)).state);
    await blocker.query('ROLLBACK');
    await blocker.end();
    const { worker } = work((claim) => claim.finish());
    await until(async () => (await stateOf(id)).state === 'done');
    await worker.close();
  });

  test('a worker that is killed in the middle (kill -9) loses its job to another one', async () => {
    const id = await enqueue();
    const victim = await startHangingWorker();
    await until(async () => (await stateOf(id)).state === 'running');
    victim.kill('SIGKILL');
    await new Promise((resolve) => victim.once('exit', resolve));
    await endLease(id);
    const { worker, started } = work((claim) => claim.finish());
    await until(async () => (await stateOf(id)).state === 'done');
    await worker.close();
    expect(started()).toBe(1);
    expect(await stateOf(id)).toMatchObject({ state: 'done', attempt: 2 });
  });

  test('a job that took two workers down is dead, with its reason', async () => {
    const { worker, started } = work(async () => undefined); // ends without a word, as a killed one does
    const id = await enqueue();
    for (const crash of [1, 2]) {
      await until(async () => started() === crash && (await stateOf(id)).state === 'running');
      await endLease(id);
    }
    await until(async () => (await stateOf(id)).state === 'dead');
    await worker.close();
    expect((await stateOf(id)).error).toContain('worker ended');
  });

  test('a job that is given back at a stop is not blamed for it', async () => {
    let isFirst = true;
    const { worker } = work(async (claim) => {
      if (!isFirst) return await claim.finish();
      isFirst = false;
      await claim.release();
    });
    const id = await enqueue();
    await until(async () => (await stateOf(id)).state === 'done');
    await worker.close();
    expect((await stateOf(id)).attempt).toBe(1);
  });

  test('two changes that wait for one another both come about', async () => {
    const [first, second] = tenant.customers;
    const rename = async (one: string, other: string): Promise<void> =>
      await applyChange(services, tenant.owner, async ({ tx, audit }) => {
        await tx.customer.updateMany({ where: { id: one }, data: { name: 'renamed' } });
        await new Promise((resolve) => setTimeout(resolve, 300));
        await tx.customer.updateMany({ where: { id: other }, data: { name: 'renamed' } });
        await audit('customer.created', { kind: 'customer', id: one });
      });
    await Promise.all([rename(first.id, second.id), rename(second.id, first.id)]);
    const { rows } = await admin.query(`SELECT 1 FROM customer WHERE tenant_id = $1 AND name = 'renamed'`, [tenant.id]);
    expect(rows).toHaveLength(2);
  });
});

async function endLease(id: string | undefined): Promise<void> {
  await admin.query(`UPDATE job_intent SET lease_until = now() - interval '1 second' WHERE id = $1`, [id]);
}

/** A process of its own that claims one intent and then says nothing more. */
async function startHangingWorker(): Promise<ChildProcess> {
  const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    import { createTestServices } from ${module('../testing/test-services.ts')};
    import { claimIntent } from ${module('./claims.ts')};
    import { createQueueWorker } from ${module('./queue-backend.ts')};
    const services = createTestServices(JSON.parse(process.argv[1]));
    const hang = async ({ tenantId, intentId }) => {
      await claimIntent(services, tenantId, intentId);
      await new Promise(() => setInterval(() => {}, 1000));
    };
    createQueueWorker(services.env, 'interactive', { slots: 1, onIntent: hang, onCanary: async () => {}, onError: () => {} });
    console.log('listening');`;
  const { serviceUrl, queueUrl } = database;
  const urls = JSON.stringify({ serviceUrl, queueUrl, redisUrl: queue.redisUrl });
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script, urls], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child;
}

/** Whatever tables the queue's Postgres backend has in this version. */
async function truncateQueue(): Promise<void> {
  const { rows } = await admin.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'bullmq' AND tablename LIKE '%job%'`,
  );
  await admin.query(`TRUNCATE ${rows.map(({ name }) => name).join(', ')} CASCADE`);
}
