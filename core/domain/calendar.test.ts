import fc from 'fast-check';
import { expect, test } from 'vitest';
import { monthAfter, monthOf, monthsBetween, monthWindow } from './calendar.ts';

const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const zones = [
  'UTC',
  'Europe/Stockholm',
  'America/New_York',
  'Asia/Kathmandu',
  'Pacific/Kiritimati',
  'Australia/Lord_Howe',
];

test('months begin at the midnight of the zone and know when its clock changes', () => {
  expect(monthWindow('2026-11', 'UTC')).toEqual({ startMs: Date.UTC(2026, 10), endMs: Date.UTC(2026, 11) });
  const october = monthWindow('2026-10', 'Europe/Stockholm');
  expect(october.startMs).toBe(Date.UTC(2026, 8, 30, 22));
  expect(october.endMs - october.startMs).toBe((31 * 24 + 1) * 3_600_000);
  expect(monthOf(Date.UTC(2026, 10, 30, 23, 30), 'Europe/Stockholm')).toBe('2026-12');
  expect(monthAfter('2026-12')).toBe('2027-01');
});

test(`every instant lies in the window of its month, and months join without gap (seed ${seed})`, () => {
  fc.assert(
    fc.property(
      fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2035, 0) }),
      fc.constantFrom(...zones),
      (at, zone) => {
        const month = monthOf(at, zone);
        const { startMs, endMs } = monthWindow(month, zone);
        expect(startMs <= at && at < endMs).toBe(true);
        expect(monthWindow(monthAfter(month), zone).startMs).toBe(endMs);
      },
    ),
    { seed, numRuns: 500 },
  );
});

test('lists the months between two instants, the newest when there are too many', () => {
  const [from, until] = [Date.UTC(2026, 8, 15), Date.UTC(2026, 10, 2)];
  expect(monthsBetween(from, until, 'UTC', 12)).toEqual(['2026-09', '2026-10', '2026-11']);
  expect(monthsBetween(from, until, 'UTC', 2)).toEqual(['2026-10', '2026-11']);
  expect(monthsBetween(until, from, 'UTC', 2)).toEqual(['2026-09']);
});
