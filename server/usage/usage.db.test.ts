/** What customers are billed by: measured from rows, highest of the month, written once. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { fillTables } from '../../tests/isolation/fill-tables.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { closeUsage } from './close-usage.ts';
import { listUsage, usageTrend } from './list-usage.ts';
import { measureUsage } from './measure-usage.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

const HOUR = 3600_000;
const DAY = 24 * HOUR;

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
  await admin.query(`UPDATE device SET revoked_at = NULL; UPDATE drill SET files_matched = 1, state = 'passed', finished_at = now();
    UPDATE restore_point SET bytes = 700, is_usable = true, state = 'sealed';
    UPDATE stored_object SET size = 300, state = 'sealed', sealed_at = now()`);
});

const setTime = (iso: string): void => services.clock.set(Date.parse(iso));

test('is what the newest usable points hold, what lies in the store, and the machines that are not revoked', async () => {
  setTime('2026-10-09T20:00:00Z');
  await admin.query(`UPDATE drill SET finished_at = '2026-10-09T19:00:00Z'`);
  expect(await measureUsage(services, ours.system)).toBe(2);
  const { rows: truth } = await admin.query<{ stored: string; held: string; devices: string; drills: string }>(
    `SELECT (SELECT sum(size) FROM stored_object WHERE customer_id = $1) AS stored,
      (SELECT sum(bytes) FROM restore_point WHERE customer_id = $1) AS held,
      (SELECT count(*) FROM device WHERE customer_id = $1) AS devices,
      (SELECT count(*) FROM drill WHERE customer_id = $1) AS drills`,
    [ours.customers[0].id],
  );
  const [usage] = await listUsage(services, ours.customers[0].viewer, '2026-10');
  expect(usage).toMatchObject({
    storedBytes: BigInt(truth[0]!.stored),
    protectedBytes: BigInt(truth[0]!.held),
    devices: Number(truth[0]!.devices),
    drills: Number(truth[0]!.drills),
    // By the customer's clock it is the next day already.
    storedOn: '2026-10-10',
    daysMeasured: 1,
    frozenMs: null,
  });
  expect(usage!.storedBytes > 0n && usage!.protectedBytes > 0n && usage!.devices > 0).toBe(true);

  await admin.query(`UPDATE device SET revoked_at = now(); UPDATE restore_point SET is_usable = false;
    UPDATE stored_object SET state = 'leased', sealed_at = NULL`);
  setTime('2026-10-11T20:00:00Z');
  await measureUsage(services, ours.system);
  const trend = await usageTrend(services, ours.owner, { fromDay: '2026-10-01' });
  expect(trend.map(({ day }) => day)).toEqual(['2026-10-10', '2026-10-12']);
  expect(trend[1]).toMatchObject({ storedBytes: 0n, protectedBytes: 0n, devices: 0, drills: 0 });
});

test('the highest of a day and of a month counts, and looking twice within hours changes nothing', async () => {
  setTime('2026-10-05T00:00:00Z');
  await measureUsage(services, ours.system);
  const [before] = await listUsage(services, ours.owner, '2026-10');
  services.clock.advance(HOUR);
  expect(await measureUsage(services, ours.system)).toBe(0);
  await admin.query('UPDATE stored_object SET size = 1');
  services.clock.advance(6 * HOUR);
  expect(await measureUsage(services, ours.system)).toBe(2);
  services.clock.advance(3 * DAY);
  await measureUsage(services, ours.system);
  const [after] = await listUsage(services, ours.owner, '2026-10');
  expect(after).toMatchObject({ storedBytes: before!.storedBytes, storedOn: '2026-10-05', daysMeasured: 2 });
  expect(after!.storedBytesMean < before!.storedBytes).toBe(true);
});

test('the first restore point of a customer that had none is seen at the next look, not hours later', async () => {
  const [first] = ours.customers;
  setTime('2026-10-07T00:00:00Z');
  await admin.query(`UPDATE restore_point SET is_usable = false WHERE customer_id = $1`, [first.id]);
  await measureUsage(services, ours.system);
  services.clock.advance(HOUR);
  expect(await measureUsage(services, ours.system)).toBe(0);
  await admin.query(
    `UPDATE restore_point SET is_usable = true, sealed_at = '2026-10-07T00:30:00Z' WHERE customer_id = $1`,
    [first.id],
  );
  expect(await measureUsage(services, ours.system)).toBe(2);
  const [usage] = await listUsage(services, first.viewer, '2026-10');
  expect(usage!.protectedBytes > 0n).toBe(true);
  // What was there before is left to the next look of the day.
  await admin.query(`UPDATE restore_point SET sealed_at = '2026-10-07T01:00:01Z'`);
  services.clock.advance(HOUR);
  expect(await measureUsage(services, ours.system)).toBe(0);
});

test('restore tests of the evening, after the last look, still count for their day', async () => {
  await admin.query(`UPDATE drill SET state = 'void'`);
  setTime('2026-10-06T06:00:00Z'); // 19:00 in Auckland
  await measureUsage(services, ours.system);
  await admin.query(`UPDATE drill SET state = 'passed', finished_at = '2026-10-06T09:30:00Z'`);
  setTime('2026-10-06T13:00:00Z');
  await measureUsage(services, ours.system);
  const trend = await usageTrend(services, ours.customers[0].viewer, { fromDay: '2026-10-01' });
  expect(trend.map(({ day, drills }) => [day, drills > 0])).toEqual([
    ['2026-10-06', true],
    ['2026-10-07', false],
  ]);
});

test('a month that is over is written down once, and nobody can change it afterwards', async () => {
  setTime('2026-10-30T00:00:00Z');
  await measureUsage(services, ours.system);
  const [open] = await listUsage(services, ours.owner, '2026-10');
  setTime('2026-11-01T00:00:00Z'); // over in Auckland, but not for a day yet
  expect(await closeUsage(services, ours.system)).toBe(0);
  services.clock.advance(DAY);
  expect(await closeUsage(services, ours.system)).toBe(2);
  expect(await closeUsage(services, ours.system)).toBe(0);
  const [closed] = await listUsage(services, ours.owner, '2026-10');
  expect(closed).toEqual({ ...open, frozenMs: services.clock.nowMs() });
  await admin.query(`UPDATE usage_day SET stored_bytes = 9999999`);
  expect(await listUsage(services, ours.owner, '2026-10')).toContainEqual(closed);
  await expect(admin.query(`SET ROLE holdfast_app; UPDATE usage_month SET stored_bytes = 0`)).rejects.toThrow(
    /permission denied/,
  );
});

test('nobody sees what another provider or customer used', async () => {
  setTime('2026-10-09T20:00:00Z');
  await measureUsage(services, ours.system);
  await measureUsage(services, theirs.system);
  const ids = async (scope: TestTenant['owner']): Promise<string[]> =>
    (await listUsage(services, scope, '2026-10')).map(({ customerId }) => customerId).sort();
  expect(await ids(ours.owner)).toEqual(ours.customers.map(({ id }) => id).sort());
  expect(await ids(ours.customers[1].viewer)).toEqual([ours.customers[1].id]);
  expect(await listUsage(services, ours.customers[1].viewer, '2026-10', { customerId: ours.customers[0].id })).toEqual(
    [],
  );
});

test('a trend over customers ends with the day that all clocks have reached: half a sum would look like a loss', async () => {
  const [east, west] = ours.customers;
  try {
    await admin.query(`UPDATE customer SET timezone = 'UTC' WHERE id = $1`, [west.id]);
    for (const at of ['2026-10-08T20:00:00Z', '2026-10-09T20:00:00Z']) {
      setTime(at);
      await measureUsage(services, ours.system);
    }
    const daysOf = async (customerId?: string) =>
      (await usageTrend(services, ours.owner, { fromDay: '2026-10-01', ...(customerId && { customerId }) })).map(
        ({ day, devices }) => `${day} ${devices}`,
      );
    const [both] = (await daysOf()).slice(-1);
    expect(await daysOf(east.id)).toEqual(['2026-10-09 1', '2026-10-10 1']);
    expect(await daysOf(west.id)).toEqual(['2026-10-08 1', '2026-10-09 1']);
    expect(both).toBe('2026-10-09 2');
  } finally {
    await admin.query(`UPDATE customer SET timezone = 'Pacific/Auckland'`);
  }
});
