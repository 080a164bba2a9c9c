/** What a reader finds who asks where a figure comes from: every row that it was computed from, and none of another's. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { monthWindow } from '../../core/domain/calendar.ts';
import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import {
  plantBackup,
  plantDrill,
  type PlantedSource,
  type PlantPlace,
  plantSource,
  plantSteadyMonth,
  rollUp,
} from '../reports/testing/planted-month.ts';
import { createTestTenant } from '../testing/test-services.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';
import { readStandingJson } from './read-figures.ts';
import { viewServiceRows } from './view-service-rows.ts';
import { type RowsWish, viewSlaRows } from './view-sla-rows.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MONTH = '2026-10';
const ZONE = 'Europe/Stockholm';
const { startMs, endMs } = monthWindow(MONTH, ZONE);

let services: StartedTestServices;
let place: PlantPlace;
let staff: Scope;
let source: PlantedSource;

beforeAll(async () => {
  services = await startTestServices();
});
afterAll(() => services.stop());

beforeEach(async () => {
  services.clock.set(startMs - 10 * DAY);
  const tenant = await createTestTenant(services, 'rows');
  const customerId = tenant.customers[0].id;
  await services.admin.query('UPDATE customer SET timezone = $1 WHERE id = $2', [ZONE, customerId]);
  place = { admin: services.admin, services, tenant, customerId, month: MONTH, timeZone: ZONE };
  staff = tenant.owner;
  source = await plantSource(place, { device: 'srv-1', source: 'Files' }, startMs - 10 * DAY);
});

const rowsOf = async (wish: Partial<RowsWish> = {}) =>
  await viewSlaRows(services, staff, place.customerId, {
    ...{ month: MONTH, day: null, sourceId: null, outcomes: [], page: 1, ...wish },
  });

async function plantAlert(
  openedMs: number,
  resolvedMs: number,
  { kind, deviceId }: { kind: string; deviceId: string | null } = { kind: 'no_point', deviceId: source.deviceId },
): Promise<void> {
  await services.admin.query(
    `INSERT INTO alert (tenant_id, customer_id, device_id, id, kind, severity, cause, title, message, opened_at, resolved_at, resolution)
     VALUES ($1, $2, $3, $4, $7, 'risk', 'planted', 'Planted', 'It is planted.', $5, $6, 'recovered')`,
    [
      ...[place.tenant.id, place.customerId, deviceId, randomUUID()],
      ...[new Date(openedMs), new Date(resolvedMs), kind],
    ],
  );
}

test('the month begins with the age of a point from before it: that point is among the rows, and no older one', async () => {
  await plantBackup(place, source, startMs - 2 * DAY, 'ok');
  const carried = await plantBackup(place, source, startMs - 2 * HOUR, 'ok');
  const inside = await plantBackup(place, source, startMs + HOUR, 'ok');
  services.clock.set(startMs + 2 * DAY);
  for (const wish of [{}, { sourceId: source.id }]) {
    const rows = await rowsOf(wish);
    expect(rows.carried.map(({ id }) => id)).toEqual([carried]);
    expect(rows.points.map(({ id }) => id)).toEqual([inside]);
  }
  // The second day begins with what the first one left.
  expect((await rowsOf({ day: '2026-10-02' })).carried.map(({ id }) => id)).toEqual([inside]);
});

test('a restore test of the month before, which still counts, is among the rows', async () => {
  const point = await plantBackup(place, source, startMs - 5 * DAY, 'ok');
  const older = await plantDrill(place, source, point!, { endedMs: startMs - 4 * DAY, state: 'passed' });
  const newer = await plantDrill(place, source, point!, { endedMs: startMs - 3 * DAY, state: 'passed' });
  await plantDrill(place, source, point!, { endedMs: startMs - 2 * DAY, state: 'failed' });
  services.clock.set(startMs + 2 * DAY);
  const { earlierDrills, drills } = await rowsOf();
  expect(earlierDrills.map(({ id }) => id)).toEqual([newer]);
  expect(earlierDrills.map(({ id }) => id)).not.toContain(older);
  expect(drills).toEqual([]);
});

test('time that was excused is among the rows, with who approved it; of another device it is not', async () => {
  const other = await plantSource(place, { device: 'srv-2', source: 'Files' }, startMs - 10 * DAY);
  const excuse = async (deviceId: string | null, state: string): Promise<void> => {
    await services.admin.query(
      `INSERT INTO sla_excuse (tenant_id, customer_id, id, device_id, starts_at, ends_at, reason, state, requested_by, requested_at,
         decided_by, decided_at)
       VALUES ($1, $2, $3, $4, $5, $6, 'The office moved.', $7, $8, $5, $9, $10)`,
      [
        ...[place.tenant.id, place.customerId, randomUUID(), deviceId, new Date(startMs + HOUR)],
        ...[new Date(startMs + 5 * HOUR), state, place.tenant.owner.actor.id],
        ...(state === 'requested' ? [null, null] : [place.tenant.owner.actor.id, new Date(startMs + DAY)]),
      ],
    );
  };
  await excuse(source.deviceId, 'approved');
  await excuse(null, 'approved');
  await excuse(source.deviceId, 'requested');
  services.clock.set(startMs + 2 * DAY);
  const own = await rowsOf({ sourceId: source.id });
  expect(new Set(own.excuses.map(({ deviceName }) => deviceName))).toEqual(new Set([null, 'srv-1']));
  expect(own.excuses.every(({ decidedBy }) => decidedBy !== null)).toBe(true);
  expect((await rowsOf({ sourceId: other.id })).excuses.map(({ deviceName }) => deviceName)).toEqual([null]);
});

test('what the service did itself is opened breach by breach and drill by drill, and adds up to its figures', async () => {
  const points = await plantSteadyMonth(
    place,
    source,
    (dueMs) =>
      (dueMs > startMs + 5 * DAY && dueMs < startMs + 5 * DAY + 12 * HOUR) ||
      (dueMs > startMs + 9 * DAY && dueMs < startMs + 9 * DAY + 12 * HOUR),
  );
  // Of the first breach somebody was told after a while, of the second nobody.
  await plantAlert(startMs + 5 * DAY + 5 * HOUR, startMs + 6 * DAY);
  // That the storage is nearly full, or that a day was unusual, tells nobody that no backup comes.
  for (const other of [
    { kind: 'quota', deviceId: null },
    { kind: 'growth', deviceId: source.deviceId },
  ])
    await plantAlert(startMs, endMs, other);
  await plantDrill(place, source, points[2]!, { endedMs: startMs + 12 * DAY, state: 'passed' });
  const wrong = await plantDrill(place, source, points[2]!, { endedMs: startMs + 12 * DAY + HOUR, state: 'failed' });
  services.clock.set(endMs + HOUR);
  await rollUp(place);
  const { service } = readStandingJson(
    (
      await withScope(services, place.tenant.system, (tx) =>
        tx.customerMonth.findFirstOrThrow({ where: { tenantId: place.tenant.id, customerId: place.customerId } }),
      )
    ).standing,
  )!;
  const view = await viewServiceRows(services, staff, place.customerId, MONTH);
  expect(view.breaches.length).toBe(2);
  expect(view.breaches.reduce((sum, { silentMs }) => sum + silentMs, 0)).toBe(service.silentMs);
  expect(view.breaches.map(({ latencyMs }) => latencyMs === null)).toEqual([true, false]);
  expect(view.breaches[1]!.silentMs).toBe(view.breaches[1]!.latencyMs);
  expect(view.figures).toEqual(service);
  expect(view.drills.filter(({ isFalseGreen }) => isFalseGreen).map(({ id }) => id)).toEqual([wrong]);
  expect(view.drills.length).toBe(service.falseGreen.of);
  await expect(
    viewServiceRows(services, place.tenant.customers[1].viewer, place.customerId, MONTH),
  ).rejects.toMatchObject({ code: 'not_found' });
});
