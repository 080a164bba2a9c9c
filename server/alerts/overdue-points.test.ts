import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RetentionTerms } from '../../core/domain/policy.ts';
import { type AgedPoint, overdueOf, overdueStretches } from './overdue-points.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const T = Date.UTC(2026, 10, 21, 12);

const point = (captureMs: number, over: Partial<AgedPoint> = {}): AgedPoint => ({
  ...{ id: String(captureMs), captureMs, sealedMs: captureMs + 60_000, goneMs: null, isPinned: false },
  ...over,
});
const daily = (count: number): AgedPoint[] => Array.from({ length: count }, (_, at) => point(T - (at + 1) * DAY));

test('a point is due from the instant at which the one was sealed that took its place', () => {
  // Of nine, three go; the first of them went when the seventh was there.
  expect(overdueOf(daily(9), { last: 6 }, 'UTC', T)).toEqual({
    sinceMs: T - 3 * DAY + 60_000,
    points: 3,
    lastGoneMs: null,
  });
  expect(overdueOf(daily(6), { last: 6 }, 'UTC', T)).toBeUndefined();
  expect(overdueOf([], { last: 6 }, 'UTC', T)).toBeUndefined();
});

test('what was let go is no longer due, and says when that was done last', () => {
  const points = daily(9).map((one, at) => (at < 7 ? one : { ...one, goneMs: T - DAY }));
  expect(overdueOf(points, { last: 6 }, 'UTC', T)).toMatchObject({ points: 1, lastGoneMs: T - DAY });
  expect(overdueOf(points, { last: 7 }, 'UTC', T)).toBeUndefined();
});

test('a point that nobody may remove is not due', () => {
  const points = daily(8).map((one, at) => ({ ...one, isPinned: at === 7 }));
  expect(overdueOf(points, { last: 6 }, 'UTC', T)).toMatchObject({ points: 1, sinceMs: T - DAY + 60_000 });
});

test('days begin at the customer’s midnight', () => {
  // Two backups of one day in Auckland, of two days in UTC.
  const two = [point(Date.UTC(2026, 10, 20, 23)), point(Date.UTC(2026, 10, 20, 13)), point(Date.UTC(2026, 10, 19, 13))];
  expect(overdueOf(two, { daily: 2 }, 'Pacific/Auckland', T)).toMatchObject({ points: 1 });
  expect(overdueOf(two.slice(0, 2), { daily: 2 }, 'UTC', T)).toBeUndefined();
});

test('the first that is due is found as looking after every backup would find it; looking each day is at most a day late', () => {
  const terms: fc.Arbitrary<RetentionTerms> = fc.record(
    {
      last: fc.integer({ min: 1, max: 8 }),
      daily: fc.integer({ min: 1, max: 5 }),
      weekly: fc.integer({ min: 1, max: 3 }),
      withinDays: fc.integer({ min: 1, max: 10 }),
    },
    { requiredKeys: ['last'] },
  );
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 40 * 24 }), { maxLength: 40 }), terms, (ages, keep) => {
      const points = ages.map((hours) => point(T - hours * HOUR)).sort((a, b) => a.sealedMs - b.sealedMs);
      const found = overdueOf(points, keep, 'Europe/Berlin', T);
      const at = points.findIndex(
        (_, index) => overdueOf(points.slice(0, index + 1), keep, 'Europe/Berlin', T) !== undefined,
      );
      expect(found?.sinceMs).toBe(points[at]?.sealedMs);
      const stretches = overdueStretches(points, keep, 'Europe/Berlin', { startMs: T - 45 * DAY, endMs: T });
      expect(stretches.length).toBe(found?.points ?? 0);
      if (found === undefined) return;
      const first = Math.min(...stretches.map(({ sinceMs }) => sinceMs));
      expect(first).toBeGreaterThanOrEqual(found.sinceMs);
      expect(first - found.sinceMs).toBeLessThanOrEqual(DAY);
    }),
    { numRuns: 60 },
  );
});
