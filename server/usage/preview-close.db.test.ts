/** The dry run of the month's close: what it says is what would be written down, and it writes nothing. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { fillTables } from '../../tests/isolation/fill-tables.ts';
import { billingCsv, billingJson } from '../reports/billing-tables.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { closeUsage } from './close-usage.ts';
import { listUsage } from './list-usage.ts';
import { measureUsage } from './measure-usage.ts';
import { previewClose } from './preview-close.ts';

const DAY = 24 * 3600_000;
let services: StartedTestServices;
let ours: TestTenant;
let theirs: TestTenant;
let admin: pg.Client;

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
  ours = await createTestTenant(services, 'ours');
  theirs = await createTestTenant(services, 'theirs');
  for (const { id, customers } of [ours, theirs])
    for (const customer of customers) await fillTables(admin, id, customer.id);
  await admin.query(`UPDATE customer SET timezone = 'Pacific/Auckland'`);
});
afterAll(() => services.stop());
beforeEach(async () => {
  await admin.query('DELETE FROM usage_day; DELETE FROM usage_month');
  await admin.query(`UPDATE device SET revoked_at = NULL, enrolled_at = '2026-09-01T00:00:00Z';
    UPDATE restore_point SET bytes = 70000000000, is_usable = true, state = 'sealed', capture_at = '2026-09-02T00:00:00Z';
    UPDATE stored_object SET size = 300, state = 'sealed', sealed_at = now()`);
});

const setTime = (iso: string): void => services.clock.set(Date.parse(iso));
const customer = () => ours.customers[0];
const previewOf = async () => (await previewClose(services, ours.owner, { customerId: customer().id }))[0]!;
const lineOf = async (measure: string) => (await previewOf()).lines.find((line) => line.measure === measure)!;
async function tables(): Promise<unknown> {
  const { rows } = await admin.query(`SELECT (SELECT json_agg(u ORDER BY customer_id, day) FROM usage_day u) AS days,
    (SELECT json_agg(m ORDER BY customer_id) FROM usage_month m) AS months, (SELECT count(*) FROM audit_event) AS audited`);
  return rows;
}

test('says what would be written down: a month that closes right after it has these figures, and nothing was written before', async () => {
  setTime('2026-10-29T20:00:00Z');
  await measureUsage(services, ours.system);
  // The last look of the month: nothing changes between it and the close.
  setTime('2026-10-30T20:00:00Z');
  const before = await tables();
  const previews = await previewClose(services, ours.owner);
  expect(await tables()).toEqual(before);
  expect(previews).toHaveLength(2);
  await measureUsage(services, ours.system);
  services.clock.advance(3 * DAY);
  expect(await closeUsage(services, ours.system)).toBe(2);
  const closed = await listUsage(services, ours.owner, '2026-10');
  for (const { customerId, lines, proposedMonth, currentMonth, exceptions } of previews) {
    expect([proposedMonth, currentMonth]).toEqual(['2026-10', null]);
    expect(exceptions.map(({ kind }) => kind)).toEqual(['first_month', 'days_missing']);
    const written = closed.find((row) => row.customerId === customerId)!;
    for (const { measure, proposed } of lines) expect(proposed).toBe(BigInt(written[measure]));
  }
  // And now the month that was closed is what the next one is compared with.
  expect(await previewOf()).toMatchObject({ currentMonth: '2026-10', proposedMonth: '2026-11', isChanged: false });
});

test('names the devices that came and went between the days that count, and what the machines hold now', async () => {
  setTime('2026-10-15T20:00:00Z');
  await measureUsage(services, ours.system);
  setTime('2026-11-02T20:00:00Z');
  await closeUsage(services, ours.system);
  const { rows } = await admin.query<{ id: string; name: string }>(
    `SELECT id, name FROM device WHERE customer_id = $1 ORDER BY id`,
    [customer().id],
  );
  const [device] = rows;
  await admin.query(
    `INSERT INTO device (tenant_id, id, customer_id, policy_id, name, hostname, os, arch, agent_version, public_key, enrolled_at)
     SELECT tenant_id, gen_random_uuid(), customer_id, policy_id, n, n, os, arch, agent_version, n, '2026-11-05T00:00:00Z'
     FROM device, unnest(ARRAY['NEW-1', 'NEW-2']) AS n WHERE id = $1`,
    [device!.id],
  );
  setTime('2026-11-10T20:00:00Z');
  await admin.query(
    `UPDATE restore_point SET bytes = 95000000000, capture_at = '2026-11-09T00:00:00Z' WHERE customer_id = $1`,
    [customer().id],
  );
  expect(await lineOf('devices')).toMatchObject({ change: 2n, why: ['added: NEW-1, NEW-2'] });
  expect(await lineOf('protectedBytes')).toMatchObject({
    current: expect.any(BigInt),
    why: [expect.stringContaining(device!.name)],
  });
  const { exceptions } = await previewOf();
  expect(exceptions.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['jump', 'days_missing', 'unprotected']));
  expect(exceptions.find(({ kind }) => kind === 'unprotected')?.text).toContain('NEW-1, NEW-2');

  // A machine that goes after the highest day is billed all the same, and that is said.
  await measureUsage(services, ours.system);
  setTime('2026-11-20T20:00:00Z');
  await admin.query(`UPDATE device SET revoked_at = '2026-11-15T00:00:00Z' WHERE name = 'NEW-1'`);
  expect(await lineOf('devices')).toMatchObject({ change: 2n });
  const removed = (await previewOf()).exceptions.find(({ kind }) => kind === 'removed_counted');
  expect(removed?.text).toContain('NEW-1');
  await admin.query(`DELETE FROM device WHERE name LIKE 'NEW-%'`);
});

test('leaves as tables that spreadsheets and programs read exactly', async () => {
  setTime('2026-10-15T20:00:00Z');
  await admin.query(`UPDATE customer SET name = '=cmd()' WHERE id = $1`, [customer().id]);
  const previews = await previewClose(services, ours.owner);
  const csv = billingCsv(previews);
  expect(csv.split('\r\n')).toHaveLength(1 + 2 * 4 + 1);
  expect(csv).toContain("'=cmd()");
  expect(csv).toMatch(/,Devices,count,,,2026-10,1,1,/);
  const json = JSON.parse(billingJson(previews));
  expect(json).toMatchObject({ format: 'holdfast-billing-preview', version: 1 });
  expect(json.customers[0].lines.map(({ unit }: { unit: string }) => unit)).toEqual([
    'count',
    'bytes',
    'bytes',
    'count',
  ]);
  await admin.query(`UPDATE customer SET name = 'ours' WHERE id = $1`, [customer().id]);
});

test('is for staff of the same provider alone', async () => {
  setTime('2026-10-15T20:00:00Z');
  await expect(previewClose(services, customer().viewer)).rejects.toMatchObject({ code: 'forbidden' });
  const ids = (await previewClose(services, theirs.owner)).map(({ customerId }) => customerId);
  expect(ids.toSorted()).toEqual(theirs.customers.map(({ id }) => id).toSorted());
  expect(await previewClose(services, theirs.owner, { customerId: customer().id })).toEqual([]);
});
