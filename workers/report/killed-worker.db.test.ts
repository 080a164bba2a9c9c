/**
 * The worker program itself, killed (kill -9) when the paper lies in the store and its row is about to be written. On both queue
 * backends (HOLDFAST_TEST_QUEUE): each report is drawn in the end, once, and what its row names is what lies there.
 */
import { createHash } from 'node:crypto';
import pg from 'pg';
import { expect, test } from 'vitest';
import { monthWindow } from '../../core/domain/calendar.ts';
import { orderReports } from '../../server/reports/order-reports.ts';
import { plantBackup, plantSource, rollUp } from '../../server/reports/testing/planted-month.ts';
import { createTestTenant } from '../../server/testing/test-services.ts';
import { until } from '../../tests/support/until.ts';
import { admin, database, services, startWorkerProgram, useWorkerProgram } from '../testing/worker-program.ts';

const HOUR = 3_600_000;
const MONTH = '2026-10';
const window = monthWindow(MONTH, 'UTC');

useWorkerProgram();

async function papers(): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of services.store.list('reports/')) found.push(key);
  return found;
}

test('a worker that is killed between the paper and its row loses no report, and none is drawn twice', async () => {
  services.clock.set(window.startMs - 24 * HOUR);
  const tenant = await createTestTenant(services, 'killed');
  const places = tenant.customers.map(({ id: customerId }) => ({
    ...{ admin, services, tenant, customerId, month: MONTH, timeZone: 'UTC' },
  }));
  for (const place of places) {
    const source = await plantSource(place, { device: 'srv', source: 'Files' }, window.startMs);
    for (let at = 1; at < 5; at++) await plantBackup(place, source, window.startMs + at * 1.5 * HOUR, 'ok');
  }
  services.clock.set(window.endMs + 48 * HOUR);
  for (const place of places) await rollUp(place);
  expect(await orderReports(services, tenant.system)).toBe(2);
  const rows = async () =>
    (
      await admin.query<{ state: string; object_key: string | null; sha256: string | null }>(
        'SELECT state, object_key, sha256 FROM month_report WHERE tenant_id = $1 ORDER BY customer_id',
        [tenant.id],
      )
    ).rows;

  // Nobody writes a row meanwhile: the worker waits exactly between paper and row. A lock without a number of a transaction, which
  // readers of events in the other databases of these tests would wait for.
  const holder = new pg.Client({ connectionString: database.databaseUrl });
  await holder.connect();
  await holder.query('BEGIN');
  await holder.query('LOCK TABLE month_report IN SHARE MODE');
  const first = await startWorkerProgram('--queues', 'report');
  await until('the first paper', async () => (await papers()).length === 1);
  first.kill('SIGKILL');
  await new Promise((resolve) => first.once('exit', resolve));
  await holder.query('ROLLBACK');
  await holder.end();
  expect((await rows()).map(({ state }) => state)).toEqual(['queued', 'queued']);

  // The lease of the dead worker's job runs out.
  await admin.query(
    `UPDATE job_intent SET lease_until = now() - interval '1 second' WHERE kind = 'report' AND state = 'running'`,
  );
  await startWorkerProgram('--queues', 'report');
  await until('both reports', async () => (await rows()).every(({ state }) => state === 'ready'));
  const drawn = await rows();
  for (const { object_key: key, sha256 } of drawn) {
    const bytes = await services.store.get(key!);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
  }
  // The paper of the killed worker is the one that its row names now: the same facts make the same bytes.
  expect(new Set(await papers())).toEqual(new Set(drawn.map(({ object_key: key }) => key)));
  expect(await papers()).toHaveLength(2);
  const { rows: told } = await admin.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM audit_event WHERE tenant_id = $1 AND action = 'report.drawn'`,
    [tenant.id],
  );
  expect(told[0]!.n).toBe(2);
});
