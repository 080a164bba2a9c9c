/** The worker program itself, on a real queue: a whole chain, a sudden death in the middle of a job, an orderly end. */
import type { ChildProcess } from 'node:child_process';
import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { until } from '../tests/support/until.ts';
import { TestDevice } from './testing/test-device.ts';
import { admin, database, queue, services, startWorkerProgram, useWorkerProgram } from './testing/worker-program.ts';

useWorkerProgram();

const ended = async (child: ChildProcess): Promise<number | null> =>
  child.exitCode ?? (await new Promise((resolve) => child.once('exit', (code) => resolve(code))));

describe('the worker program', () => {
  test('carries a commit to its proof, and ends in order when asked', async () => {
    const device = await TestDevice.enrol(services, { 'canary.txt': 'sing', 'a.txt': 'a' });
    const { result } = await device.commit();
    const child = await startWorkerProgram();
    await until('the proof', async () => {
      const points = await device.sql((tx) => tx.restorePoint.findMany({ where: { tenantId: device.tenant.id } }));
      return points[0]?.snapshotId === result.snapshotId && points[0].levelPassed === 3;
    });
    // The sweep came by itself: what is expected tomorrow is written.
    await until('what is expected tomorrow', async () => {
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
    const first = await startWorkerProgram();
    await until('the verification that waits', async () => {
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
    const second = await startWorkerProgram();
    await until('the second proof', async () => (await device.point(result.snapshotId)).levelPassed === 3);
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
    await expect(startWorkerProgram('--queues', 'nonsense')).rejects.toThrow(/There is no queue "nonsense"/);
  });
});

/** On the other backend there is no Redis. */
describe.each((process.env.HOLDFAST_TEST_QUEUE ?? 'redis') === 'redis' ? ['Redis'] : [])('%s', () => {
  test('that throws data away when its memory is full is refused, in a sentence that says what to do', async () => {
    const redis = new Redis(queue.redisUrl);
    try {
      await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
      await expect(startWorkerProgram('--queues', 'verify')).rejects.toThrow(
        /maxmemory-policy is allkeys-lru\).*Set maxmemory-policy to noeviction/,
      );
      await redis.config('SET', 'maxmemory-policy', 'noeviction');
      const worker = await startWorkerProgram('--queues', 'verify');
      worker.kill('SIGTERM');
      expect(await ended(worker)).toBe(0);
    } finally {
      await redis.quit();
    }
  });
  test('that is away when the workers start is waited for', async () => {
    await queue.redis?.halt();
    const worker = await startWorkerProgram('--queues', 'verify');
    await queue.redis?.resume('kept');
    worker.kill('SIGTERM');
    expect(await ended(worker)).toBe(0);
  });
});
