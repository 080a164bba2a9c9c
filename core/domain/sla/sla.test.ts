import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dataAgeMs, type PointTimes, promiseStartMs } from './data-age.ts';
import { drillPassRate } from './drill-figures.ts';
import { exposureQuantileMs, peakExposure } from './exposure.ts';
import { type Interval, lengthMs } from './intervals.ts';
import { isPartialAccepted } from './partial.ts';
import { percentText } from './percent-text.ts';
import { breaches, rpoAttainment } from './rpo.ts';
import { scheduleRates } from './schedule-rates.ts';

const HOUR = 3_600_000;
const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const property = (name: string, body: fc.IProperty<never> | fc.IPropertyWithHooks<never>) =>
  test(`${name} (seed ${seed})`, () => fc.assert(body as fc.IProperty<never>, { seed, numRuns: 300 }));

/** Small whole numbers, so that the reference below can walk every millisecond. */
const point = fc
  .tuple(fc.integer({ min: -60, max: 220 }), fc.integer({ min: 0, max: 60 }))
  .map(([captureMs, delay]): PointTimes => ({ captureMs, commitMs: captureMs + delay }));
const points = fc.array(point, { maxLength: 8 });
const interval = fc
  .tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 60 }))
  .map(([startMs, length]): Interval => ({ startMs, endMs: startMs + length }));
const excused = fc.array(interval, { maxLength: 3 });
const rpo = fc.integer({ min: 0, max: 120 });
const window: Interval = { startMs: 0, endMs: 200 };
const isIn = (intervals: readonly Interval[], t: number) => intervals.some((i) => t >= i.startMs && t < i.endMs);

describe('data age', () => {
  test('is infinite (null) without a point, and counts from the capture, not from the end of the job', () => {
    expect(dataAgeMs([], 10)).toBeNull();
    expect(dataAgeMs([{ captureMs: 100, commitMs: 150 }], 149)).toBeNull();
    expect(dataAgeMs([{ captureMs: 100, commitMs: 150 }], 150)).toBe(50);
  });
  test('an older capture that commits later does not make the data older', () => {
    const both = [
      { captureMs: 100, commitMs: 110 },
      { captureMs: 50, commitMs: 120 },
    ];
    expect(dataAgeMs(both, 130)).toBe(30);
  });
});

describe('RPO attainment', () => {
  property(
    'equals the share of milliseconds in which the age was within the target',
    fc.property(points, excused, rpo, (all, gaps, rpoMs) => {
      let windowMs = 0;
      let violationMs = 0;
      for (let t = window.startMs; t < window.endMs; t++) {
        if (isIn(gaps, t)) continue;
        windowMs++;
        const age = dataAgeMs(all, t);
        if (age === null || age >= rpoMs) violationMs++;
      }
      const result = rpoAttainment({ points: all, window, excused: gaps, rpoMs });
      expect(result.windowMs).toBe(windowMs);
      expect(result.violationMs).toBe(violationMs);
      if (windowMs > 0) expect(result.share).toBeCloseTo(1 - violationMs / windowMs, 12);
    }) as never,
  );
  property(
    'its breaches are the milliseconds in which the data was too old, in order, apart and in no excused time',
    fc.property(points, excused, rpo, (all, gaps, rpoMs) => {
      const found = breaches({ points: all, window, excused: gaps, rpoMs });
      for (let t = window.startMs; t < window.endMs; t++) {
        const age = dataAgeMs(all, t);
        expect(isIn(found, t)).toBe(!isIn(gaps, t) && (age === null || age >= rpoMs));
      }
      for (const [at, one] of found.entries())
        if (at > 0) expect(one.startMs).toBeGreaterThan(found[at - 1]!.endMs - 1);
      expect(lengthMs(found)).toBe(rpoAttainment({ points: all, window, excused: gaps, rpoMs }).violationMs);
    }) as never,
  );
  property(
    'equals the formula over consecutive points: violation = max(0, commit(i+1) - max(commit(i), capture(i) + R))',
    fc.property(points, rpo, (all, rpoMs) => {
      const inOrder = [...all].sort((a, b) => a.commitMs - b.commitMs || a.captureMs - b.captureMs);
      let newest = Number.NEGATIVE_INFINITY;
      let from = window.startMs;
      let expected = 0;
      const close = (untilMs: number) => {
        expected += Math.max(0, Math.min(untilMs, window.endMs) - Math.max(from, newest + rpoMs, window.startMs));
      };
      for (const p of inOrder) {
        if (p.captureMs <= newest) continue;
        close(p.commitMs);
        newest = p.captureMs;
        from = p.commitMs;
      }
      close(window.endMs);
      expect(rpoAttainment({ points: all, window, rpoMs }).violationMs).toBe(expected);
    }) as never,
  );
  property(
    'never falls when a point is added, and never rises when the target is tightened',
    fc.property(points, point, rpo, rpo, (all, extra, a, b) => {
      const share = (ps: PointTimes[], rpoMs: number) => rpoAttainment({ points: ps, window, rpoMs }).share!;
      expect(share([...all, extra], a)).toBeGreaterThanOrEqual(share(all, a));
      expect(share(all, Math.min(a, b))).toBeLessThanOrEqual(share(all, Math.max(a, b)));
    }) as never,
  );
  property(
    'does not depend on the order of the points and splits over parts of the window',
    fc.property(points, rpo, fc.integer({ min: 0, max: 200 }), (all, rpoMs, cut) => {
      const whole = rpoAttainment({ points: all, window, rpoMs });
      const left = rpoAttainment({ points: [...all].reverse(), window: { startMs: 0, endMs: cut }, rpoMs });
      const right = rpoAttainment({ points: all, window: { startMs: cut, endMs: 200 }, rpoMs });
      expect(left.violationMs + right.violationMs).toBe(whole.violationMs);
    }) as never,
  );
  test('a source that was never backed up has 0, and an empty window has none', () => {
    expect(rpoAttainment({ points: [], window, rpoMs: 50 }).share).toBe(0);
    expect(rpoAttainment({ points: [], window: { startMs: 5, endMs: 5 }, rpoMs: 50 }).share).toBeNull();
    expect(rpoAttainment({ points: [], window, excused: [window], rpoMs: 50 }).share).toBeNull();
  });
  test('carries in the last point before the window', () => {
    const before = [{ captureMs: -10, commitMs: -5 }];
    expect(rpoAttainment({ points: before, window, rpoMs: 110 })).toEqual({
      windowMs: 200,
      violationMs: 100,
      share: 0.5,
    });
  });
});

test('the promise to a new source begins with its first point, or one target after it was added', () => {
  const added = { addedMs: 1000, rpoMs: 500 };
  expect(promiseStartMs({ ...added, firstSealedMs: null })).toBe(1500);
  expect(promiseStartMs({ ...added, firstSealedMs: 1200 })).toBe(1200);
  expect(promiseStartMs({ ...added, firstSealedMs: 9000 })).toBe(1500);
});

describe('exposure', () => {
  property(
    'the peak is the supremum of the age over the window',
    fc.property(points, (all) => {
      let highest: number | null = null;
      for (let t = window.startMs; t < window.endMs; t++) {
        const age = dataAgeMs(all, t);
        // The age just before t + 1, which is where a segment ends.
        if (age !== null && (highest === null || age + 1 > highest)) highest = age + 1;
      }
      expect(peakExposure(all, window)?.ageMs ?? null).toBe(highest);
    }) as never,
  );
  property(
    'the 95th percentile is exceeded for 5 % of the window',
    fc.property(points, fc.constantFrom(0.5, 0.95, 1), (all, share) => {
      const quantile = exposureQuantileMs(all, window, share);
      let within = 0;
      let finite = 0;
      for (let t = window.startMs; t < window.endMs; t++) {
        const age = dataAgeMs(all, t);
        if (age === null) continue;
        finite++;
        if (quantile !== null) within += Math.min(Math.max(quantile - age, 0), 1);
      }
      if (quantile === null) expect(finite).toBeLessThan(200 * share);
      else expect(within).toBeCloseTo(200 * share, 6);
    }) as never,
  );
  test('names the instant of the peak', () => {
    const two = [
      { captureMs: 0, commitMs: 5 },
      { captureMs: 100, commitMs: 105 },
    ];
    expect(peakExposure(two, { startMs: 0, endMs: 150 })).toEqual({ ageMs: 105, atMs: 105 });
    expect(peakExposure([], window)).toBeNull();
  });
});

describe('rates', () => {
  test('excused occurrences leave the denominator, stuck ones do not', () => {
    const counts = { ok: 6, late: 1, partial: 2, failed: 1, missed: 1, excused: 5, stuck: 1 };
    expect(scheduleRates(counts, 1)).toEqual({ counted: 12, success: 8 / 12, onTime: 0.5, missed: 1 / 12 });
    expect(
      scheduleRates({ ...counts, ok: 0, late: 0, partial: 0, failed: 0, missed: 0, stuck: 0 }, 0).success,
    ).toBeNull();
  });
  test('void drills do not count', () => {
    expect(drillPassRate(0, 0)).toEqual({ met: 0, of: 0, share: null });
    expect(drillPassRate(3, 1)).toEqual({ met: 3, of: 4, share: 0.75 });
  });
  test('a partial backup counts only within the tolerated share of bytes', () => {
    const facts = (unreadBytes: number, selectedBytes = 1000) => ({ unreadBytes, selectedBytes, unread: [] });
    expect(isPartialAccepted(facts(1), 0.001)).toBe(true);
    expect(isPartialAccepted(facts(2), 0.001)).toBe(false);
    expect(isPartialAccepted(facts(0, 0), 1)).toBe(false);
  });
  test('a loss of unknown size is never accepted; what had no data is', () => {
    const facts = (reason: string, bytes: number) => ({
      unreadBytes: bytes,
      selectedBytes: 1000,
      unread: [{ reason, bytes }],
    });
    expect(isPartialAccepted(facts('permission_denied', 0), 1)).toBe(false);
    expect(isPartialAccepted(facts('read_error', 0), 1)).toBe(false);
    expect(isPartialAccepted(facts('permission_denied', 1), 0.001)).toBe(true);
    expect(isPartialAccepted(facts('vanished', 0), 0)).toBe(true);
    expect(isPartialAccepted(facts('unsupported_type', 0), 0)).toBe(true);
  });
});

describe('percentages for people', () => {
  test('are never rounded up', () => {
    expect(percentText(1)).toBe('100 %');
    expect(percentText(0.99999999999)).toBe('99.9 %');
    expect(percentText(0.9996)).toBe('99.9 %');
    expect(percentText(0.29, 1)).toBe('29.0 %');
    expect(percentText(0)).toBe('0 %');
    expect(percentText(1 - HOUR / (30 * 24 * HOUR))).toBe('99.8 %');
  });
  property(
    'never show 100 % for less than everything',
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 4 }), (share, decimals) => {
      const shown = Number.parseFloat(percentText(share, decimals));
      if (share < 1) expect(shown).toBeLessThan(100);
      expect(shown).toBeLessThanOrEqual(share * 100 + 1e-6);
    }) as never,
  );
});
