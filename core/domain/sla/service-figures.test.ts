/** The figures of proof, storage and of the service itself, beside direct counts. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { copyLagMs, deleteProofHorizonMs, deviceCoverage, retentionAttainment } from './copies.ts';
import { creditPercent } from './contract.ts';
import { isDrilled, proofAgeMs, rtoAttainment, type RtoProof, verifiedAgeMs } from './drill-figures.ts';
import { burnsFast, errorBudget } from './error-budget.ts';
import type { Interval } from './intervals.ts';
import { type LampFacts, lamps } from './lamps.ts';
import {
  detectionLatencies,
  EVIDENCE_FIELDS,
  evidenceCompleteness,
  falseGreenRate,
  silentFailureMs,
  wasGreen,
} from './own-service.ts';
import { readiness, READINESS_PARTS, READINESS_WEIGHTS } from './readiness.ts';

const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const property = (name: string, body: fc.IProperty<never> | fc.IPropertyWithHooks<never>) =>
  test(`${name} (seed ${seed})`, () => fc.assert(body as fc.IProperty<never>, { seed, numRuns: 300 }));
const DAY = 24 * 3_600_000;
const HOUR = 3_600_000;

const interval = fc
  .tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 60 }))
  .map(([startMs, length]): Interval => ({ startMs, endMs: startMs + length }));
/** Breaches of one source are apart from one another. */
const apart = fc.array(interval, { maxLength: 6 }).map((all) => {
  const found: Interval[] = [];
  for (const one of [...all].sort((a, b) => a.startMs - b.startMs))
    if (one.startMs > (found.at(-1)?.endMs ?? -1)) found.push(one);
  return found;
});
const alerts = fc.array(interval, { maxLength: 4 });
const isIn = (intervals: readonly Interval[], t: number) => intervals.some((i) => t >= i.startMs && t < i.endMs);

describe('silence', () => {
  property(
    'is every instant of a breach at which no alert was open',
    fc.property(apart, alerts, (breaches, open) => {
      let silent = 0;
      for (let t = 0; t < 300; t++) if (isIn(breaches, t) && !isIn(open, t)) silent++;
      expect(silentFailureMs(breaches, open)).toBe(silent);
    }) as never,
  );
  property(
    'the latency of a breach is how long after its beginning the first instant with an open alert came',
    fc.property(apart, alerts, (breaches, open) => {
      const found = breaches.map(({ startMs, endMs }) => {
        for (let t = startMs; t < endMs; t++) if (isIn(open, t)) return t - startMs;
        return null;
      });
      expect(detectionLatencies(breaches, open)).toEqual(found);
    }) as never,
  );
});

describe('the budget', () => {
  property(
    'is burnt as fast as a count of the last hour and the last six says',
    fc.property(apart, fc.integer({ min: 0, max: 4000 }), fc.integer({ min: 0, max: 300 }), (all, budget, now) => {
      const scale = HOUR / 20;
      const breaches = all.map(({ startMs, endMs }) => ({ startMs: startMs * scale, endMs: endMs * scale }));
      const spent = (hours: number): number => {
        let count = 0;
        for (let t = now - hours * 20; t < now; t++) if (isIn(all, t)) count++;
        return count;
      };
      const is = (hours: number, share: number) => spent(hours) > 0 && spent(hours) >= share * budget;
      expect(burnsFast(breaches, budget * scale, now * scale)).toBe(is(1, 0.02) || is(6, 0.05));
    }) as never,
  );
  test('is the time that the target leaves; without one, nothing may go wrong', () => {
    expect(errorBudget(0.99, 1000, 5)).toEqual({ budgetMs: 10, spentMs: 5, burn: 0.5 });
    expect(errorBudget(1, 1000, 5)).toEqual({ budgetMs: 0, spentMs: 5, burn: null });
  });
  property(
    'a credit is the highest of the steps that were missed',
    fc.property(
      fc.array(
        fc.record({ below: fc.double({ min: 0, max: 1, noNaN: true }), percent: fc.integer({ min: 1, max: 100 }) }),
      ),
      fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      (steps, attained) => {
        const missed = attained === null ? [] : steps.filter(({ below }) => attained < below);
        expect(creditPercent(steps, attained)).toBe(Math.max(0, ...missed.map(({ percent }) => percent)));
      },
    ) as never,
  );
});

describe('readiness', () => {
  const part = fc.option(fc.double({ min: 0, max: 1, noNaN: true }));
  const parts = fc.record({ rpo: part, drills: part, integrity: part, immutability: part, coverage: part });
  property(
    'is the weighted geometric mean of what was measured, is 100 only when all of it is, and 0 with one zero',
    fc.property(parts, (shares) => {
      const { score, measured } = readiness(shares);
      const known = READINESS_PARTS.filter((key) => shares[key] !== null);
      expect(measured).toBe(known.length);
      if (known.length === 0) expect(score).toBeNull();
      else {
        const all = known.reduce((sum, key) => sum + READINESS_WEIGHTS[key], 0);
        const logs = known.reduce((sum, key) => sum + READINESS_WEIGHTS[key] * Math.log(shares[key]!), 0);
        const exact = 100 * Math.exp(logs / all);
        if (known.some((key) => shares[key] === 0)) expect(score).toBe(0);
        expect(Math.abs(score! - exact)).toBeLessThanOrEqual(1);
        expect(score === 100).toBe(known.every((key) => shares[key] === 1));
      }
    }) as never,
  );
  test('its weights make one', () => {
    expect(READINESS_PARTS.reduce((sum, key) => sum + READINESS_WEIGHTS[key], 0)).toBeCloseTo(1, 12);
  });
});

describe('what is kept', () => {
  const now = 1000 * DAY;
  const kept = fc.record({
    captureMs: fc.integer({ min: 900 * DAY, max: 1001 * DAY }),
    isKept: fc.boolean(),
    lockedUntilMs: fc.option(fc.integer({ min: 990 * DAY, max: 1100 * DAY })),
  });
  property(
    'retention counts the points that must exist, and the horizon is that of the first one that could go',
    fc.property(fc.array(kept), fc.integer({ min: 1, max: 60 }), (points, days) => {
      let must = 0;
      let is = 0;
      let horizon: number | null = null;
      for (const { captureMs, isKept, lockedUntilMs } of points) {
        if (captureMs > now || captureMs <= now - days * DAY) continue;
        must++;
        if (isKept) is++;
        const left = Math.max(0, (lockedUntilMs ?? 0) - now);
        horizon = horizon === null ? left : Math.min(horizon, left);
      }
      expect(retentionAttainment(points, days, now)).toEqual({
        met: is,
        of: must,
        share: must === 0 ? null : is / must,
      });
      expect(deleteProofHorizonMs(points, days, now)).toBe(horizon);
    }) as never,
  );
  property(
    'coverage counts devices that are not too old, and is not measured without an inventory',
    fc.property(
      fc.array(fc.record({ ageMs: fc.option(fc.nat(500)), rpoMs: fc.integer({ min: 1, max: 200 }) })),
      fc.option(fc.nat(30)),
      (devices, inventory) => {
        const found = deviceCoverage(devices, inventory);
        const covered = devices.filter(({ ageMs, rpoMs }) => ageMs !== null && ageMs < 2 * rpoMs).length;
        expect(found.met).toBe(covered);
        expect(found.of).toBe(Math.max(devices.length, inventory ?? 0));
        expect(found.isMeasured).toBe(inventory !== null);
      },
    ) as never,
  );
  test('a copy is behind by the difference of the newest points', () => {
    expect(copyLagMs([10, 50], [10, 20])).toBe(30);
    expect(copyLagMs([10], [10])).toBe(0);
    expect(copyLagMs([10], [])).toBeNull();
  });
});

describe('the lamps', () => {
  const good: LampFacts = {
    copies: [
      { failureDomain: 'bucket', isOffsite: true, lagMs: 0 },
      { failureDomain: 'another', isOffsite: true, lagMs: HOUR },
    ],
    rpoMs: HOUR,
    deleteProofMs: 40 * DAY,
    requiredDays: 30,
    probedMs: 5 * DAY,
    integrityShare: 1,
    openDamages: 0,
    sourcesNotDrilled: 0,
    nowMs: 6 * DAY,
  };
  const lit = (change: Partial<LampFacts>) =>
    lamps({ ...good, ...change })
      .map(({ isLit }) => (isLit ? 1 : 0))
      .join('');
  test('are all lit when everything is known to be well, and each goes out by its own cause', () => {
    expect(lit({})).toBe('11111');
    expect(lit({ copies: good.copies.slice(0, 1) })).toBe('01111');
    expect(lit({ copies: [good.copies[0]!, { ...good.copies[1]!, lagMs: 3 * HOUR }] })).toBe('01111');
    expect(lit({ copies: [] })).toBe('00011');
    expect(lit({ copies: good.copies.map((copy) => ({ ...copy, isOffsite: false })) })).toBe('11011');
    expect(lit({ deleteProofMs: 29 * DAY })).toBe('11101');
    expect(lit({ probedMs: null })).toBe('11101');
    expect(lit({ nowMs: 13 * DAY })).toBe('11101');
    expect(lit({ integrityShare: 0.999 })).toBe('11110');
    expect(lit({ openDamages: 1 })).toBe('11110');
    expect(lit({ sourcesNotDrilled: 2 })).toBe('11110');
  });
  test('each says why, in a sentence', () => {
    for (const { reason } of lamps({ ...good, openDamages: 1, integrityShare: 0.5, copies: [] }))
      expect(reason).toMatch(/^[A-Z0-9].*\.$/);
  });
});

describe('proof', () => {
  const drill = fc.record({
    id: fc.uuid(),
    finishedMs: fc.integer({ min: 0, max: 20 * DAY }),
    state: fc.constantFrom('passed' as const, 'failed' as const, 'void' as const),
    level: fc.constantFrom(0, 3, 4, 5),
    scope: fc.constant('full' as const),
    timings: fc.constant({}),
    estimatedMs: fc.constant(null),
    captureMs: fc.constant(0),
  });
  property(
    'a source is drilled when one drill of the depth and age is among all of them',
    fc.property(fc.array(drill), fc.constantFrom(3, 4, 5), fc.integer({ min: 1, max: 9 }), (all, level, everyDays) => {
      const at = 15 * DAY;
      let is = false;
      for (const one of all)
        if (
          one.state === 'passed' &&
          one.level >= level &&
          one.finishedMs <= at &&
          at - one.finishedMs < everyDays * DAY + HOUR
        )
          is = true;
      expect(isDrilled(all, { level, everyDays }, at, HOUR)).toBe(is);
    }) as never,
  );
  property(
    'its age is that of the newest pass, and the data behind it that of the newest proven point',
    fc.property(
      fc.array(drill),
      fc.array(fc.record({ captureMs: fc.nat(100), levelPassed: fc.option(fc.nat(5)) })),
      (all, points) => {
        let newest: number | null = null;
        for (const { state, finishedMs } of all)
          if (state === 'passed' && (newest === null || finishedMs > newest)) newest = finishedMs;
        expect(proofAgeMs(all, 30 * DAY)).toBe(newest === null ? null : 30 * DAY - newest);
        let capture: number | null = null;
        for (const { captureMs, levelPassed } of points)
          if ((levelPassed ?? 0) >= 3 && (capture === null || captureMs > capture)) capture = captureMs;
        expect(verifiedAgeMs(points, 3, 200)).toBe(capture === null ? null : 200 - capture);
      },
    ) as never,
  );
  const proof: fc.Arbitrary<RtoProof> = fc.oneof(
    fc.record({
      kind: fc.constant('measured' as const),
      drillId: fc.uuid(),
      elapsedMs: fc.nat(100),
      technicalMs: fc.nat(100),
      isAttained: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('estimated' as const), drillId: fc.uuid(), estimatedMs: fc.nat(100) }),
    fc.constant({ kind: 'unproven' as const }),
  );
  property(
    'an estimate is never counted as attained, nor what was never measured as missed',
    fc.property(fc.array(proof), (all) => {
      const found = rtoAttainment(all);
      expect(found.met).toBe(all.filter((one) => one.kind === 'measured' && one.isAttained).length);
      expect(found.of + found.estimated + found.unproven).toBe(all.length);
      expect(found.of).toBe(all.filter(({ kind }) => kind === 'measured').length);
    }) as never,
  );
  test('a drill that failed on the data under a green light is a false green, one that the infrastructure stopped is none', () => {
    const one = { state: 'failed', isDataReason: true, wasGreen: true } as const;
    const all = [
      one,
      { ...one, isDataReason: false },
      { ...one, wasGreen: false },
      { ...one, state: 'passed' as const },
    ];
    expect(falseGreenRate(all)).toEqual({ met: 1, of: 4, share: 0.25 });
    expect(falseGreenRate([]).share).toBeNull();
  });
  property(
    'the light was green before a drill when a walk over the day before meets an instant with a fresh proof and no failure since',
    fc.property(fc.array(drill), fc.integer({ min: HOUR, max: 5 * DAY }), (some, freshMs) => {
      const hour = (value: number): number => Math.floor(value / HOUR) * HOUR;
      const all = some.map((one) => ({ ...one, finishedMs: hour(one.finishedMs) }));
      const began = 10 * DAY;
      const fresh = hour(freshMs);
      let is = false;
      const instants = Array.from({ length: 48 }, (_, at) => began - DAY + 1 + (at * HOUR) / 2);
      for (const t of [...instants, began]) {
        const before = all.filter(({ state, finishedMs }) => state !== 'void' && finishedMs <= t);
        const passes = before.filter(({ state }) => state === 'passed').map(({ finishedMs }) => finishedMs);
        const failed = Math.max(
          ...before.filter(({ state }) => state === 'failed').map(({ finishedMs }) => finishedMs),
        );
        if (passes.some((at) => at >= failed && t - at < fresh)) is = true;
      }
      expect(wasGreen(all, began, fresh)).toBe(is);
    }) as never,
  );
  test('a record is whole with every field, and a remedy is asked for after a failure alone', () => {
    const whole = Object.fromEntries(EVIDENCE_FIELDS.map((field) => [field, true])) as never as Parameters<
      typeof evidenceCompleteness
    >[0][number];
    expect(evidenceCompleteness([whole, { ...whole, remediation: 'not_needed' }]).share).toBe(1);
    expect(evidenceCompleteness([whole, { ...whole, remediation: false, anchor: false }])).toEqual({
      met: 1,
      of: 2,
      share: 0.5,
      lacking: { remediation: 1, anchor: 1 },
    });
  });
});
