/**
 * What happens to queues, workers and the database is nobody's loss: whatever is taken away, every job that was written is
 * done, its effect is there once, and none is called done without it. Runs on both queue backends (HOLDFAST_TEST_QUEUE).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../core/base/ids.ts';
import { withScope } from '../server/db/with-scope.ts';
import { enqueueIntent } from '../server/jobs/intents.ts';
import { createTestServices, createTestTenant, type TestTenant } from '../server/testing/test-services.ts';
import { migrate } from '../tools/migrate.ts';
import { planPostgres } from '../tools/services/postgres.ts';
import { type ProgramSpec, type RunningProgram, startProgram } from '../tools/services/program.ts';
import { startTestQueue, type TestQueue } from '../tests/support/test-queue.ts';
import { TEST_PASSWORDS, testDatabaseUrls } from '../tests/support/test-database-urls.ts';

/** No crash of the machine is played, so the disk may lag; what was committed is with the kernel all the same. */
const SETTINGS = ['fsync=off', 'full_page_writes=off', 'max_connections=100'];

let folder: string;
let postgresSpec: ProgramSpec;
let postgres: RunningProgram;
let urls: ReturnType<typeof testDatabaseUrls>;
let queue: TestQueue;
let services: ReturnType<typeof createTestServices>;
let tenant: TestTenant;
let admin: pg.Client;
const workers: ChildProcess[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-faults-'));
  const plan = await planPostgres({
    dataPath: path.join(folder, 'data'),
    logPath: path.join(folder, 'log'),
    password: TEST_PASSWORDS.admin,
    settings: SETTINGS,
  });
  postgresSpec = { ...plan.spec, stopSignal: 'SIGQUIT' }; // what pg_ctl -m immediate sends
  postgres = await startProgram(postgresSpec);
  urls = testDatabaseUrls(plan.adminUrl, 'faults');
  await migrate({
    databaseUrl: urls.databaseUrl,
    servicePassword: TEST_PASSWORDS.service,
    queuePassword: TEST_PASSWORDS.queue,
    queueDatabaseUrl: urls.queueUrl,
  });
  await connectAdmin();
  await admin.query('CREATE TABLE effect (intent_id uuid NOT NULL, step int NOT NULL, pid int NOT NULL)');
  await admin.query('GRANT SELECT, INSERT ON effect TO holdfast_app');
  queue = await startTestQueue();
  services = createTestServices({ ...urls, redisUrl: queue.redisUrl });
  tenant = await createTestTenant(services, 'faults');
});
afterEach(async () => {
  await admin.query('DELETE FROM job_intent');
  await admin.query('DELETE FROM effect');
});
afterAll(async () => {
  await endWorkers();
  await admin.end().catch(() => undefined);
  await services.close();
  await queue.stop();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function connectAdmin(): Promise<void> {
  admin = new pg.Client({ connectionString: urls.databaseUrl });
  admin.on('error', () => undefined); // it is taken away on purpose
  await admin.connect();
}

async function startWorker(): Promise<ChildProcess> {
  const child = fork(path.join(import.meta.dirname, 'testing/effect-worker.ts'), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  workers.push(child);
  child.send(services.env);
  await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', () => reject(new Error('the worker ended at once')));
  });
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  child.kill(signal);
  return await ended;
}

async function endWorkers(): Promise<void> {
  await Promise.all(workers.splice(0).map(async (child) => await end(child, 'SIGKILL')));
}

type Month = '2026-01' | '2026-02' | '2026-03';

async function enqueue(month: Month): Promise<string> {
  const id = await withScope(services, tenant.system, (tx) =>
    enqueueIntent(tx, tenant.system, 'rollup', { customerId: newId(), month }),
  );
  return id ?? '';
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const endMs = performance.now() + 150_000; performance.now() < endMs; ) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { rows } = await admin.query(
    `SELECT state, attempt, crashes, dispatches, error, count(*)::int FROM job_intent WHERE kind = 'rollup' GROUP BY 1, 2, 3, 4, 5`,
  );
  throw new Error(`${what} did not come about: ${JSON.stringify(rows)}`);
}

async function countIn(state: string): Promise<number> {
  const { rows } = await admin.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM job_intent WHERE kind = 'rollup' AND state = $1`,
    [state],
  );
  return rows[0]?.n ?? 0;
}

async function effects(id: string): Promise<number[]> {
  const { rows } = await admin.query<{ step: number }>('SELECT step FROM effect WHERE intent_id = $1 ORDER BY step', [
    id,
  ]);
  return rows.map(({ step }) => step);
}

/** Every job that was acknowledged is done, each has had its effect exactly once, and no other job exists that has not. */
async function expectAllDoneOnce(acknowledged: readonly string[]): Promise<void> {
  await until('that everything is done', async () => {
    const { rows } = await admin.query<{ open: number }>(
      `SELECT count(*)::int AS open FROM job_intent WHERE kind = 'rollup' AND state NOT IN ('done', 'dead')`,
    );
    return rows[0]?.open === 0;
  });
  const { rows } = await admin.query<{ id: string; state: string; effects: number }>(
    `SELECT i.id, i.state, count(e.*)::int AS effects FROM job_intent i LEFT JOIN effect e ON e.intent_id = i.id AND e.step > 0
     WHERE i.kind = 'rollup' GROUP BY i.id, i.state`,
  );
  expect(rows.filter((row) => row.state !== 'done' || row.effects !== 1)).toEqual([]);
  expect(acknowledged.filter((id) => !rows.some((row) => row.id === id))).toEqual([]);
}

/** Writes jobs until it is told to stop. What fails is not acknowledged, as for a program whose request fails. */
function keepWriting(): { stop(): Promise<string[]> } {
  const acknowledged: string[] = [];
  let isStopping = false;
  const writing = (async () => {
    while (!isStopping) {
      await enqueue('2026-01').then(
        (id) => acknowledged.push(id),
        () => new Promise((resolve) => setTimeout(resolve, 100)),
      );
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  return {
    stop: async () => {
      isStopping = true;
      await writing;
      return acknowledged;
    },
  };
}

async function endLease(id: string): Promise<void> {
  await admin.query(`UPDATE job_intent SET lease_until = now() - interval '1 second' WHERE id = $1`, [id]);
}

describe('a worker', () => {
  afterEach(endWorkers);

  test('sends the canaries of its queue back, and only those', async () => {
    await startWorker();
    await until('two canaries', async () => {
      const { rows } = await admin.query<{ n: number }>(
        `SELECT returned_number::int AS n FROM service.queue_canary WHERE queue = 'rollup'`,
      );
      return (rows[0]?.n ?? 0) >= 2;
    });
    const { rows } = await admin.query(
      `SELECT queue FROM service.queue_canary WHERE queue <> 'rollup' AND returned_number > 0`,
    );
    expect(rows).toEqual([]);
    const lanes = await admin.query('SELECT queue, slots, busy FROM service.worker_lane');
    expect(lanes.rows).toEqual([{ queue: 'rollup', slots: 2, busy: 0 }]);
  });

  test('that is asked to stop keeps how far it came, and the next one goes on there, unblamed', async () => {
    const first = await startWorker();
    const id = await enqueue('2026-03');
    await until('the third step', async () => (await effects(id)).length >= 3);
    expect(await end(first, 'SIGTERM')).toBe(0);
    const done = await effects(id);
    const { rows } = await admin.query('SELECT state, attempt, crashes, checkpoint FROM job_intent WHERE id = $1', [
      id,
    ]);
    expect(rows).toEqual([{ state: 'waiting', attempt: 0, crashes: 0, checkpoint: { step: done.length } }]);
    await startWorker();
    await until('its end', async () => (await countIn('done')) === 1);
    expect(await effects(id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('that is killed (kill -9) again and again loses no step and repeats none, as long as it gets on', async () => {
    const id = await enqueue('2026-03');
    for (const steps of [3, 6]) {
      const worker = await startWorker();
      await until(`step ${steps}`, async () => (await effects(id)).length >= steps);
      await end(worker, 'SIGKILL');
      await endLease(id);
    }
    await startWorker();
    await until('its end', async () => (await countIn('done')) === 1);
    expect(await effects(id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('whose event loop stands still is replaced, as leader too, and what it does when it wakes up has no effect', async () => {
    await Promise.all([startWorker(), startWorker()]);
    const id = await enqueue('2026-02');
    await until('the standstill', async () => (await effects(id)).length === 1);
    await endLease(id);
    await until('the end by the other one', async () => (await countIn('done')) === 1);
    // It wakes up, tries to write, and is refused; it lives on and does other work.
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const probes = await Promise.all(Array.from({ length: 6 }, async () => await enqueue('2026-01')));
    await expectAllDoneOnce([id, ...probes]);
    expect(workers.map(({ exitCode }) => exitCode)).toEqual([null, null]);
    const { rows } = await admin.query('SELECT DISTINCT pid FROM effect WHERE intent_id = $1', [id]);
    expect(rows).toHaveLength(2);
  });
});

/** On the other backend there is no Redis that could be taken away. */
const REDIS = (process.env.HOLDFAST_TEST_QUEUE ?? 'redis') === 'redis' ? ['Redis'] : [];

describe.each(REDIS)('%s', () => {
  beforeAll(async () => void (await startWorker()));
  afterAll(endWorkers);

  test.each(['kept', 'nothing'] as const)(
    'gone for ten minutes and back with %s: what was written meanwhile is done when it is back',
    async (kept) => {
      const writer = keepWriting();
      await until('work', async () => (await countIn('done')) > 5);
      await queue.redis?.halt();
      const doneBefore = await countIn('done');
      const late = await enqueue('2026-01'); // writing goes on as if nothing were
      await new Promise((resolve) => setTimeout(resolve, 2500));
      const acknowledged = await writer.stop();
      expect(acknowledged.length).toBeGreaterThan(doneBefore + 20);
      // The rest of the ten minutes.
      await admin.query(`UPDATE job_intent SET run_after = run_after - interval '10 minutes',
        dispatched_at = dispatched_at - interval '10 minutes' WHERE state IN ('waiting', 'dispatched')`);
      await queue.redis?.resume(kept);
      await expectAllDoneOnce([...acknowledged, late]);
    },
  );

  test('that forgets everything (FLUSHALL), again and again in the middle of the work, loses and repeats nothing', async () => {
    const writer = keepWriting();
    const redis = new Redis(queue.redisUrl);
    for (let times = 0; times < 5; times += 1) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      await redis.flushall();
    }
    await redis.quit();
    const acknowledged = await writer.stop();
    // A dispatch is looked for after ten seconds; nobody waits for them here.
    const hurry = setInterval(
      () =>
        void admin.query(
          `UPDATE job_intent SET dispatched_at = now() - interval '1 minute' WHERE state = 'dispatched' AND dispatched_at > now() - interval '30 seconds'`,
        ),
      1000,
    );
    await expectAllDoneOnce(acknowledged).finally(() => clearInterval(hurry));
  });

  test('out of memory takes nothing and gives nothing; with memory again everything is done', async () => {
    const redis = new Redis(queue.redisUrl);
    const writer = keepWriting();
    await until('work', async () => (await countIn('done')) > 5);
    await redis.config('SET', 'maxmemory', '1');
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const acknowledged = await writer.stop();
    expect(await countIn('dead')).toBe(0);
    expect((await countIn('waiting')) + (await countIn('dispatched'))).toBeGreaterThan(0);
    await redis.config('SET', 'maxmemory', '0');
    await redis.quit();
    await expectAllDoneOnce(acknowledged);
  });
});

describe('Postgres', () => {
  test('stopped at once in the middle of the work, and back: what was acknowledged is done, once', async () => {
    await Promise.all([startWorker(), startWorker()]);
    const writer = keepWriting();
    await until('work', async () => (await countIn('done')) > 20);
    await postgres.stop();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    postgres = await startProgram(postgresSpec);
    await connectAdmin();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const acknowledged = await writer.stop();
    // Jobs that were in hand: their leases of a minute run out sooner, so that nobody waits for it here.
    const hurry = setInterval(
      () =>
        void admin.query(`UPDATE job_intent SET lease_until = now() - interval '1 second' WHERE state = 'running' AND claimed_at < now() - interval '3 seconds';
          UPDATE job_intent SET dispatched_at = now() - interval '1 minute' WHERE state = 'dispatched' AND dispatched_at BETWEEN now() - interval '30 seconds' AND now() - interval '3 seconds'`),
      1000,
    );
    await expectAllDoneOnce(acknowledged).finally(() => clearInterval(hurry));
    expect(acknowledged.length).toBeGreaterThan(25);
  });
});
