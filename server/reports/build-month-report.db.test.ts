/** What a report says, against the rows that it speaks about: nothing in it is asserted by the code that made it. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { monthWindow } from '../../core/domain/calendar.ts';
import type { MonthReport } from '../../core/domain/reports/month-report.ts';
import { withScope } from '../db/with-scope.ts';
import { decideExcuse, requestExcuse } from '../sla/excuses.ts';
import { markDirty } from '../sla/mark-dirty.ts';
import { createTestTenant, type TestTenant } from '../testing/test-services.ts';
import { sumWalked, walkRows } from '../testing/walk-rows.ts';
import { buildMonthReport } from './build-month-report.ts';
import {
  plantBackup,
  plantDrill,
  plantSource,
  plantSteadyMonth,
  type PlantedSource,
  type PlantPlace,
  rollUp,
} from './testing/planted-month.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ZONE = 'Europe/Stockholm';
const MONTH = '2026-10';
const window = monthWindow(MONTH, ZONE);
const LOST = { fromMs: window.startMs + 13 * DAY, untilMs: window.startMs + 13 * DAY + 9 * HOUR };
const EXCUSED = { startMs: window.startMs + 20 * DAY, endMs: window.startMs + 20 * DAY + 10 * HOUR };

let services: StartedTestServices;
let admin: pg.Client;
let tenant: TestTenant;
let place: PlantPlace;
/** Steady, with two sources on one machine; and one that missed backups. */
let steady: PlantedSource;
let lossy: PlantedSource;
let drills: { full: string; sample: string; failed: string; void: string };

beforeAll(async () => {
  services = await startTestServices();
  ({ admin } = services);
  services.clock.set(window.startMs - 10 * DAY);
  tenant = await createTestTenant(services, 'reports');
  const customerId = tenant.customers[0].id;
  await admin.query('UPDATE customer SET timezone = $1 WHERE id = $2', [ZONE, customerId]);
  place = { admin, services, tenant, customerId, month: MONTH, timeZone: ZONE };
  const added = window.startMs - 5 * DAY;
  steady = await plantSource(place, { device: 'srv-sql', source: 'Files' }, added);
  lossy = await plantSource(place, { device: 'laptop', source: 'Files' }, added);
  const points = await plantSteadyMonth(place, steady, undefined, { bytes: 7_000_000_000 });
  const isLost = (dueMs: number): boolean =>
    (dueMs >= LOST.fromMs && dueMs < LOST.untilMs) || (dueMs >= EXCUSED.startMs && dueMs < EXCUSED.endMs);
  const others = await plantSteadyMonth(place, lossy, isLost, { bytes: 123, reason: 'The lid was closed.' });
  // Of the next month: the report must not see it.
  await plantBackup(place, steady, window.endMs + HOUR, 'ok', { bytes: 9_999_999_999 });
  const at = (days: number): number => window.startMs + days * DAY + 3 * HOUR;
  const looks = [
    { kind: 'witness', name: 'Files match', state: 'passed' },
    { kind: 'structure', name: 'PostgreSQL opens the dump of shop', state: 'passed' },
  ].map((look) => ({ ...look, subject: 'x', expected: null, actual: null, output: '', ms: 1 }));
  const timings = { queue: 60_000, transfer: 30 * 60_000, total: 31 * 60_000 };
  drills = {
    full: await plantDrill(place, steady, points[0]!, {
      ...{ endedMs: at(2), state: 'passed', level: 4, scope: 'full', timings, checks: looks },
    }),
    sample: await plantDrill(place, steady, points[5]!, { endedMs: at(9), state: 'passed', estimatedMs: 2 * HOUR }),
    failed: await plantDrill(place, lossy, others[3]!, {
      ...{ endedMs: at(11), state: 'failed', message: 'Nine files were empty.', remedy: 'The disk was replaced.' },
    }),
    void: await plantDrill(place, lossy, others[4]!, {
      endedMs: at(12),
      state: 'void',
      message: 'The worker was stopped.',
    }),
  };
  await plantDrill(place, steady, points[6]!, { endedMs: at(10), state: 'passed', runner: 'kit' });
  await plantDrill(place, lossy, others[0]!, { endedMs: window.startMs - 2 * DAY, state: 'passed' });
  await plantDrill(place, lossy, others[0]!, { endedMs: window.endMs + HOUR, state: 'passed', level: 5 });
  for (const [day, stored, held] of [
    ['2026-09-10', 100, 300],
    ['2026-10-02', 150, 310],
    ['2026-10-30', 140, 320],
    ['2026-11-01', 900, 900],
  ] as const)
    await admin.query(
      `INSERT INTO usage_day (tenant_id, customer_id, day, protected_bytes, stored_bytes, devices, drills, measured_at)
       VALUES ($1, $2, $3, $4, $5, 2, 0, now())`,
      [tenant.id, customerId, day, held, stored],
    );
  // What was billed counts, whatever the days say now.
  await admin.query(
    `INSERT INTO usage_month (tenant_id, customer_id, month, protected_bytes, stored_bytes, stored_bytes_mean, devices, drills,
       days_measured, frozen_at) VALUES ($1, $2, '2026-09', 305, 105, 100, 2, 0, 30, now())`,
    [tenant.id, customerId],
  );
  services.clock.set(EXCUSED.endMs + HOUR);
  const wish = { deviceId: lossy.deviceId, ...EXCUSED, reason: 'The office moved.' };
  const { id, isApproved } = await requestExcuse(services, tenant.owner, customerId, wish);
  if (!isApproved) await decideExcuse(services, tenant.owner, id, { isApproved: true, words: 'Announced before.' });
});
afterAll(() => services.stop());

const build = async (): Promise<MonthReport> =>
  await buildMonthReport(services, tenant.owner, place.customerId, place.month);

describe('the report of a month', () => {
  test('is a preview while the month is under way, and never green about days to come', async () => {
    services.clock.set(window.startMs + 25 * DAY + HOUR / 4);
    await rollUp(place);
    const report = await build();
    expect(report).toMatchObject({ isPreview: true, issuedMs: services.clock.nowMs() });
    expect(report.sentence).toContain('so far');
    expect(report.days.slice(26).map(({ state }) => state)).toEqual(Array.from({ length: 5 }, () => 'outside'));
  });

  test('says what a walk over the rows counts', async () => {
    services.clock.set(window.endMs + 2 * DAY);
    await rollUp(place);
    const report = await build();
    expect(report.isPreview).toBe(false);
    const [a, b] = await Promise.all(
      [steady, lossy].map(async ({ id }) => sumWalked(await walkRows(admin, id, 120, window, ZONE))),
    );
    const shares = [a!, b!].map(({ minutes, bad }) => 1 - bad / minutes);
    expect(shares[0]).toBe(1);
    expect(report.tiers).toHaveLength(1);
    expect(report.tiers[0]!.rpoShare).toBeCloseTo((shares[0]! + shares[1]!) / 2, 10);
    expect(report.tiers[0]!.worstSource).toEqual({ name: 'laptop', rpoShare: expect.closeTo(shares[1]!, 10) });
    expect(report.systems.map(({ device, rpoShare }) => [device, rpoShare])).toEqual([
      ['laptop', expect.closeTo(shares[1]!, 10)],
      ['srv-sql', 1],
    ]);
    const { rows } = await admin.query<{ made: string; counted: string }>(
      `SELECT count(*) FILTER (WHERE outcome = 'ok') AS made, count(*) FILTER (WHERE outcome <> 'excused') AS counted
       FROM expected_occurrence WHERE customer_id = $1 AND due_at >= $2 AND due_at < $3`,
      [place.customerId, new Date(window.startMs), new Date(window.endMs)],
    );
    const made = report.figures.find(({ title }) => title === 'Backups made')!;
    expect(made.base.replaceAll(',', '')).toBe(`${rows[0]!.made} of ${rows[0]!.counted} expected`);
    expect(made.met).toBe(false);
  });

  test('names each time that data was too old, how old it became, and why', async () => {
    const { breaches, breachesTotal, days } = await build();
    // The excused stretch is none: what is left of it lies after its end, until the next point was sealed.
    const lost = breaches.filter(({ startMs }) => startMs >= LOST.fromMs && startMs < LOST.untilMs);
    expect(breachesTotal).toBe(breaches.length);
    expect(lost).toHaveLength(1);
    const { rows } = await admin.query<{ before: Date; after: Date }>(
      `SELECT max(capture_at) FILTER (WHERE capture_at < $2) AS before, min(sealed_at) FILTER (WHERE capture_at >= $2) AS after
       FROM restore_point WHERE source_id = $1`,
      [lossy.id, new Date(LOST.fromMs)],
    );
    const [before, after] = [rows[0]!.before.getTime(), rows[0]!.after.getTime()];
    expect(lost[0]).toMatchObject({ system: 'laptop', startMs: before + 2 * HOUR, endMs: after, isOpen: false });
    expect(lost[0]!.worstAgeMs).toBe(after - before);
    expect(lost[0]!.cause).toContain('The lid was closed.');
    expect(days).toHaveLength(31);
    expect(days[13]).toMatchObject({ day: '2026-10-14', state: 'breach' });
    expect(days.find(({ day }) => day === '2026-10-05')).toMatchObject({ state: 'within' });
  });

  test('lists the restore tests of the month with what they have shown, and no others', async () => {
    const { drills: listed, proof, systems, figures } = await build();
    expect(listed.map(({ id }) => id)).toEqual([drills.full, drills.sample, drills.failed, drills.void]);
    const [full, sample, failed, none] = listed;
    expect(full).toMatchObject({ level: 4, rtoMs: 31 * 60_000, isEstimated: false, rtoTargetMs: HOUR });
    expect(full!.note).toBe('50 files compared; PostgreSQL opens the dump of shop.');
    expect(sample).toMatchObject({ level: 3, rtoMs: 2 * HOUR, isEstimated: true });
    expect(failed).toMatchObject({ result: 'failed', rtoMs: null });
    expect(failed!.note).toBe('Nine files were empty. Done about it: The disk was replaced.');
    expect(none).toMatchObject({ result: 'void', note: 'The worker was stopped.' });
    expect(proof).toMatch(/^2 of 3 restore tests passed, the deepest at level 4/);
    expect(proof).toContain('1 failed.');
    expect(figures.find(({ title }) => title === 'Restore tests')!.value).toBe('2 of 3');
    // A test before the month still proves; one after it does not yet.
    expect(systems.map(({ device, provenLevel }) => [device, provenLevel])).toEqual([
      ['laptop', 3],
      ['srv-sql', 4],
    ]);
  });

  test('knows what is protected and stored as it was then', async () => {
    const { systems, storage } = await build();
    expect(Object.fromEntries(systems.map(({ device, protectedBytes }) => [device, protectedBytes]))).toEqual({
      laptop: 123,
      'srv-sql': 7_000_000_000,
    });
    expect(storage).toEqual([
      { month: '2026-09', storedBytes: 105, protectedBytes: 305 },
      { month: '2026-10', storedBytes: 150, protectedBytes: 320 },
    ]);
  });

  test('names excused time with who approved it', async () => {
    const { excuses } = await build();
    expect(excuses).toEqual([
      { system: 'laptop', ...EXCUSED, reason: 'The office moved.', approvedBy: 'reports user' },
    ]);
  });

  test('says the same whenever it is built, until a figure is corrected; the correction is listed', async () => {
    const before = await build();
    services.clock.advance(5 * DAY);
    expect(await build()).toEqual(before);
    await admin.query(
      `UPDATE restore_point SET state = 'quarantined', quarantine_reason = 'planted', is_usable = false
       WHERE source_id = $1 AND sealed_at >= $2 AND sealed_at < $3`,
      [steady.id, new Date(window.startMs + DAY), new Date(window.startMs + 2 * DAY)],
    );
    await withScope(services, tenant.system, async (tx) => {
      const where = { tenantId: tenant.id, customerId: place.customerId, sourceId: steady.id, timeZone: ZONE };
      const span = { fromMs: window.startMs + DAY, untilMs: services.clock.nowMs() };
      await markDirty(services, tx, where, span, 'point_locked');
    });
    await rollUp(place);
    const after = await build();
    expect(after.issuedMs).toBe(services.clock.nowMs());
    const correction = after.amendments.find(({ figure }) => figure === 'Time within the target');
    expect(correction).toMatchObject({
      before: before.figures[0]!.value,
      after: after.figures[0]!.value,
      cause: 'A restore point was found damaged.',
    });
    expect(after.figures[0]!.value).not.toBe(before.figures[0]!.value);
    expect(after.isPreview).toBe(false);
  });

  test('is not given to another customer, nor to another provider', async () => {
    const other = await createTestTenant(services, 'strangers');
    for (const scope of [tenant.customers[1].viewer, other.owner])
      await expect(buildMonthReport(services, scope, place.customerId, MONTH)).rejects.toMatchObject({
        code: 'not_found',
      });
    const own = await buildMonthReport(services, tenant.customers[0].viewer, place.customerId, MONTH);
    expect(own.customer).toBe('reports customer 0');
    // The wall hides the provider's people from a customer, and the page stands nevertheless.
    expect(own.excuses.map(({ approvedBy }) => approvedBy)).toEqual(['your provider']);
  });

  test('of a customer without anything says that nothing was measured, not that all was well', async () => {
    const empty = await buildMonthReport(services, tenant.owner, tenant.customers[1].id, MONTH);
    expect(empty.sentence).toContain('Nothing was measured');
    expect(empty.figures.map(({ met }) => met)).toEqual([null, null, null, null]);
    expect(empty.readiness.score).toBeNull();
    expect(empty.days.every(({ state }) => state === 'outside')).toBe(true);
  });
});
