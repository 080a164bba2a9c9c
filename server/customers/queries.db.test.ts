/** A customer's home on a real database: everything of it is read in one wait, so each part is looked at here. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AlertBench, createAlertBench, DAY, HOUR, type Machine } from '../alerts/testing/alert-bench.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';
import { viewCustomerHome } from './queries.ts';

let services: StartedTestServices;
let bench: AlertBench;
let machine: Machine;

beforeAll(async () => {
  services = await startTestServices();
  bench = await createAlertBench(services);
  machine = await bench.machine('srv');
  await bench.point(machine, bench.ago(2 * HOUR));
});
afterAll(async () => await services.stop());

async function insert(table: string, row: object): Promise<void> {
  const columns = Object.keys(row).join(', ');
  await services.admin.query(
    `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM jsonb_populate_record(NULL::${table}, $1)`,
    [JSON.stringify(row)],
  );
}

test('a home shows the month of its sources, what stands, what was proven last and what is open, and nothing of another customer', async () => {
  const { tenant, ago, now, sql } = bench;
  const other = await bench.machine('other', 1);
  await bench.point(other, ago(HOUR));
  const [first, second] = tenant.customers;
  const month = now().toISOString().slice(0, 7);
  for (const [one, seconds] of [
    [machine, 864],
    [other, 0],
  ] as const) {
    const own = { tenant_id: tenant.id, customer_id: one.customerId, device_id: one.deviceId, source_id: one.sourceId };
    await insert('source_month', {
      ...own,
      month,
      window_start: ago(10 * DAY),
      window_end: now(),
      window_seconds: 864_000,
      violation_seconds: seconds,
      rpo_seconds: 7200,
      peak_exposure_seconds: 9000,
      peak_exposure_at: ago(DAY),
      ...{
        restore_points: 9,
        expected: 10,
        ok: 8,
        late: 0,
        partial: 0,
        accepted_partial: 0,
        failed: 1,
        missed: 1,
        stuck: 1,
      },
      ...{ excused: 0, drills_passed: 2, drills_failed: 0, drills_void: 0 },
      computed_at: now(),
    });
    const { rows } = await services.admin.query<{ id: string }>('SELECT id FROM restore_point WHERE device_id = $1', [
      one.deviceId,
    ]);
    // The newest ended one, and neither one that has not ended nor one that failed.
    for (const [state, finished_at, files_matched] of [
      ['passed', ago(3 * HOUR), 7],
      ['passed', ago(2 * DAY), 5],
      ['failed', ago(HOUR), 3],
      ['queued', null, 0],
    ] as const)
      await insert('drill', {
        ...{
          ...own,
          id: randomUUID(),
          vault_id: one.vaultId,
          restore_point_id: rows[0]!.id,
          level: 3,
          trigger: 'schedule',
        },
        ...{ state, seed: 's', runner: 'service', files_matched, bytes_done: 12_345_678_901, timings: {} },
        ...{ finished_at, created_at: ago(3 * DAY) },
      });
    await insert('alert', {
      ...{
        tenant_id: tenant.id,
        customer_id: one.customerId,
        device_id: one.deviceId,
        id: randomUUID(),
        kind: 'missed',
      },
      ...{ title: `of ${one.deviceId}`, message: 'm', opened_at: ago(HOUR), severity: 'warn' },
    });
  }
  const home = await viewCustomerHome(services, first.viewer, first.id);
  expect(home).toMatchObject({ nowMs: now().getTime(), month, standing: null });
  expect(home.customer).toMatchObject({ id: first.id });
  expect(home.devices.map(({ id }) => id)).toEqual([machine.deviceId]);
  expect(home.devices[0]!.history).toHaveLength(28);
  expect(home.sources).toMatchObject([
    {
      ...{
        sourceId: machine.sourceId,
        deviceName: 'srv',
        windowMs: 864_000_000,
        violationMs: 864_000,
        attainment: 0.999,
      },
      ...{ rpoMs: 7_200_000, peakMs: 9_000_000, peakAtMs: ago(DAY).getTime(), restorePoints: 9, expected: 10 },
      ...{ missed: 1, failed: 2, drillsPassed: 2, drillsFailed: 0, drillsVoid: 0, computedMs: now().getTime() },
    },
  ]);
  expect(home.lastProof).toMatchObject({
    ...{ deviceName: 'srv', finishedMs: ago(3 * HOUR).getTime(), filesMatched: 7, bytes: 12_345_678_901 },
  });
  expect(home.alerts).toMatchObject([
    { deviceId: machine.deviceId, kind: 'missed', severity: 'warn', openedMs: ago(HOUR).getTime() },
  ]);
  // Staff see it as the customer does; the customer sees nobody else's, as if there were none.
  expect(await viewCustomerHome(services, tenant.owner, first.id)).toEqual(home);
  await expect(viewCustomerHome(services, first.viewer, second.id)).rejects.toMatchObject({ code: 'not_found' });
  await expect(viewCustomerHome(services, tenant.owner, randomUUID())).rejects.toMatchObject({ code: 'not_found' });
  // What was added up of this month.
  await sql((tx) =>
    tx.customerMonth.create({
      data: {
        ...{ tenantId: tenant.id, customerId: first.id, month, windowEnd: now(), figures: {}, standing: { atMs: 1 } },
        ...{ sources: 1, belowTarget: 0, credit: 0, computedAt: now() },
      },
      select: { month: true },
    }),
  );
  expect((await viewCustomerHome(services, first.viewer, first.id)).standing).toEqual({ atMs: 1, held: null });
});
