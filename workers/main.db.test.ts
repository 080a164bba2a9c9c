/** The worker program itself, on a real queue: a whole chain, a sudden death in the middle of a job, an orderly end. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres, type TestPostgres } from '../tests/support/start-test-postgres.ts';
import { startTestQueue, type TestQueue } from '../tests/support/test-queue.ts';
import { createWorkerServices, removeFolders, TestDevice, type TestServices } from './testing/test-device.ts';

let database: TestPostgres;
let queue: TestQueue;
let services: TestServices;
let admin: pg.Client;
const started: ChildProcess[] = [];

beforeAll(async () => {
  database = await startTestPostgres();
  queue = await startTestQueue();
  services = createWorkerServices({ ...database, redisUrl: queue.redisUrl });
  admin = new pg.Client({ connectionString: database.databaseUrl });
  await admin.connect();
});
afterAll(async () => {
  for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await admin.end();
  await services.close();
  removeFolders(services);
  await queue.stop();
  await database.stop();
});

async function startWorkers(...args: string[]): Promise<ChildProcess> {
  const env: Record<string, string> = { PATH: process.env.PATH ?? '' };
  for (const [name, value] of Object.entries(services.env)) if (value !== undefined) env[name] = String(value);
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'main.ts'), ...args], {
    env: { ...env, HOLDFAST_LOG_LEVEL: 'info' } as unknown as NodeJS.ProcessEnv, // Next.js demands NODE_ENV in every environment
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`the workers ended at once:\n${output}`)));
    const read = (piece: Buffer): void => {
      output += piece.toString();
      if (output.includes('workers ready')) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
  });
  return child;
}

async function until(what: () => Promise<boolean>): Promise<void> {
  const patience = AbortSignal.timeout(50_000);
  while (!(await what())) {
    if (patience.aborted) throw new Error('what was waited for did not come about');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const ended = async (child: ChildProcess): Promise<number | null> =>
  child.exitCode ?? (await new Promise((resolve) => child.once('exit', (code) => resolve(code))));

describe('the worker program', () => {
  test('carries a commit to its proof, and ends in order when asked', async () => {
    const device = await TestDevice.enrol(services, { 'canary.txt': 'sing', 'a.txt': 'a' });
    const { result } = await device.commit();
    const child = await startWorkers();
    await until(async () => {
      const points = await device.sql((tx) => tx.restorePoint.findMany({ where: { tenantId: device.tenant.id } }));
      return points[0]?.snapshotId === result.snapshotId && points[0].levelPassed === 3;
    });
    // The sweep came by itself: what is expected tomorrow is written.
    await until(async () => {
      const expected = await device.sql((tx) => tx.expectedOccurrence.count({ where: { tenantId: device.tenant.id } }));
      return expected > 20;
    });
    child.kill('SIGTERM');
    expect(await ended(child)).toBe(0);
    const open = await device.sql((tx) =>
      tx.jobIntent.findMany({ where: { tenantId: device.tenant.id, state: { in: ['running', 'dead'] } } }),
    );
    expect(open).toEqual([]);
  }, 120_000);

  test('killed in the middle of a verification: it is dispatched again and ends once', async () => {
    const device = await TestDevice.enrol(services, { 'canary.txt': 'sing', 'a.txt': 'a' });
    const { result } = await device.commit();
    await device.work(['seal']);
    // A lock of ours holds the first record of progress up: the worker is in the middle of it when it dies.
    const lock = new pg.Client({ connectionString: database.databaseUrl });
    await lock.connect();
    await lock.query('BEGIN');
    await lock.query(`SELECT 1 FROM stored_object WHERE tenant_id = $1 AND kind = 'data_pack' FOR UPDATE`, [
      device.tenant.id,
    ]);
    const first = await startWorkers();
    await until(async () => {
      const { rows } = await admin.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE '%stored_object%'`,
      );
      return rows.length > 0;
    });
    first.kill('SIGKILL');
    await ended(first);
    await lock.end();
    const verification = async () =>
      await device.sql((tx) => tx.verification.findMany({ where: { tenantId: device.tenant.id } }));
    expect(await verification()).toMatchObject([{ state: 'running', finishedAt: null }]);
    // The lease of a minute runs out sooner, so that nobody waits for it here.
    await admin.query(
      `UPDATE job_intent SET lease_until = now() - interval '1 second' WHERE tenant_id = $1 AND state = 'running'`,
      [device.tenant.id],
    );
    const second = await startWorkers();
    await until(async () => (await device.point(result.snapshotId)).levelPassed === 3);
    expect(await verification()).toMatchObject([{ state: 'passed', findings: [] }]);
    const { rows } = await admin.query(
      `SELECT crashes, attempt, state FROM job_intent WHERE tenant_id = $1 AND kind = 'verify'`,
      [device.tenant.id],
    );
    expect(rows).toEqual([{ crashes: 1, attempt: 2, state: 'done' }]);
    const drills = await device.sql((tx) => tx.drill.count({ where: { tenantId: device.tenant.id } }));
    expect(drills).toBe(1);
    second.kill('SIGTERM');
    expect(await ended(second)).toBe(0);
  }, 120_000);

  test('refuses a queue that there is not, in a sentence', async () => {
    await expect(startWorkers('--queues', 'nonsense')).rejects.toThrow(/There is no queue "nonsense"/);
  });
});
