/** How new the contents of restored databases were, in the figures of a month and in the rows behind them. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { monthOf } from '../../core/domain/calendar.ts';
import { buildMonthReport } from '../reports/build-month-report.ts';
import { monthTableCsv } from '../reports/month-tables.ts';
import { scopeForJob } from '../access/scope.ts';
import { sealTestPoint } from '../testing/seal-test-point.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';
import { readyTestDevice, type TestDevice } from '../testing/test-device.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { rollUpMonth } from './roll-up.ts';
import { viewSlaMonth } from './view-sla-month.ts';
import { viewSlaRows } from './view-sla-rows.ts';

let services: StartedTestServices;
let admin: pg.Client;
let tenant: TestTenant;
let device: TestDevice;
let pointId: string;
let captureMs: number;
const MINUTE = 60_000;

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
  tenant = await createTestTenant(services, 'semantic');
  device = await readyTestDevice(services, await tenant.customers[0].createToken());
  ({ pointId } = await sealTestPoint(admin, device));
  // In the middle of a month: a test that runs at its turn would look for its drills in another one.
  captureMs = Date.UTC(2026, 5, 15, 12);
  services.clock.set(captureMs + 60 * MINUTE);
  await admin.query(`UPDATE restore_point SET capture_at = $2, committed_at = $2, sealed_at = $2 WHERE id = $1`, [
    ...[pointId, new Date(captureMs)],
  ]);
  await admin.query(`UPDATE source SET created_at = $2 WHERE id = $1`, [device.answer.source.id, new Date(captureMs)]);
});
afterAll(() => services.stop());

/** `behind`: minutes; null: no time was found. */
async function drilled(
  state: 'passed' | 'failed' | 'void',
  behind: number | null,
  more: { runner?: string; checks?: object[] } = {},
): Promise<string> {
  const { tenantId, customerId, deviceId, vaultId, source } = device.answer;
  const id = randomUUID();
  const at = new Date(captureMs + 30 * MINUTE);
  await admin.query(
    `INSERT INTO drill (tenant_id, id, customer_id, device_id, source_id, vault_id, restore_point_id, level, trigger, state, seed,
       created_at, started_at, finished_at, newest_business_at, runner, checks, void_reason, error_message, files_matched)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 4, 'schedule', $8, 's', $9, $9, $9, $10, $11, $12, $13, $14, 1)`,
    [
      ...[tenantId, id, customerId, deviceId, source.id, vaultId, pointId, state, at],
      ...[behind === null ? null : new Date(captureMs - behind * MINUTE), more.runner ?? 'service'],
      ...[JSON.stringify(more.checks ?? []), null, state === 'failed' ? 'too old' : null],
    ],
  );
  return id;
}
const COUNTED = {
  ...{ kind: 'row_count', name: 'The rows of shop', subject: '/postgres/main/shop.dump', state: 'passed' },
  ...{ expected: null, actual: '5 rows', output: '', ms: 0 },
};

test('the month has the worst, the median and the number of its database drills, and each is in a row', async () => {
  await drilled('passed', 5);
  await drilled('passed', 10);
  // One that failed because its data was too old is the one that matters most.
  const worst = await drilled('failed', 600);
  await drilled('passed', null, { checks: [COUNTED] });
  // These are no database drills, or nobody's service.
  await drilled('passed', null);
  await drilled('void', 9000);
  await drilled('passed', 9000, { runner: 'kit' });
  const [{ id: customerId, viewer }] = tenant.customers;
  const month = monthOf(services.clock.nowMs(), 'UTC');
  const scope = scopeForJob({ tenantId: tenant.id, id: worst });
  await rollUpMonth(services, { scope, guard: () => Promise.resolve() }, { customerId, month });
  const view = await viewSlaMonth(services, viewer, customerId, month);
  expect(view.figures?.semantic).toEqual({
    of: 3,
    unknown: 1,
    worst: { drillId: worst, behindMs: 600 * MINUTE },
    medianMs: 10 * MINUTE,
  });
  const wish = { month, day: null, sourceId: null, outcomes: [], page: 1 };
  const { drills } = await viewSlaRows(services, viewer, customerId, wish);
  expect(drills.find(({ id }) => id === worst)?.behindMs).toBe(600 * MINUTE);
  const report = await buildMonthReport(services, viewer, customerId, month);
  expect(report.semantic).toEqual(view.figures?.semantic);
  const [head = '', ...lines] = monthTableCsv(report, 'drills').trim().split('\r\n');
  const at = head.split(',').indexOf('Newest entry before the backup (s)');
  expect(lines.map((line) => line.split(',')[at]).filter((cell) => cell === '36000')).toHaveLength(1);
});
