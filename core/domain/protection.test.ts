import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OCCURRENCE_OUTCOMES, PROTECTION_STATES, RESTORE_POINT_STATES, RUN_OUTCOMES, RUN_STATES } from './outcome.ts';
import { type PointFacts, type ProtectionFacts, protectionState } from './protection.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 20, 12);
const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

const point = (over: Partial<PointFacts> = {}): PointFacts => ({
  captureMs: NOW - HOUR,
  state: 'sealed',
  outcome: 'ok',
  isUsable: true,
  levelPassed: 3,
  ...over,
});
const good: ProtectionFacts = {
  nowMs: NOW,
  rpoMs: 24 * HOUR,
  badObjects: 0,
  newestPoint: point(),
  newestUsable: point(),
  lastRun: { state: 'sealed', outcome: 'ok', lastProgressMs: NOW - HOUR },
  lastOutcome: 'ok',
  openWindowEndMs: null,
  lastDrill: { state: 'passed', endedMs: NOW - HOUR },
  lossMs: null,
  drillIntervalMs: 7 * 24 * HOUR,
};
const state = (over: Partial<ProtectionFacts>) => protectionState({ ...good, ...over }).state;

describe('the light', () => {
  test('is green when the newest usable point was restored and compared', () => {
    expect(state({})).toBe('proven');
    expect(state({ newestPoint: point({ outcome: 'partial' }), newestUsable: point({ outcome: 'partial' }) })).toBe(
      'proven',
    );
  });
  test.each([
    ['unknown', { newestPoint: null, newestUsable: null, lastRun: null, lastOutcome: null, lastDrill: null }],
    ['damaged', { badObjects: 1 }],
    ['damaged', { newestPoint: point({ state: 'quarantined', isUsable: false }) }],
    ['failed', { lastRun: { state: 'failed', outcome: 'failed', lastProgressMs: NOW } }],
    ['failed', { lastDrill: { state: 'failed', endedMs: NOW - HOUR } }],
    ['failed', { lastOutcome: 'failed' }],
    ['stuck', { lastRun: { state: 'running', outcome: null, lastProgressMs: NOW - HOUR } }],
    ['stuck', { lastRun: { state: 'aborted', outcome: 'failed', lastProgressMs: NOW - HOUR } }],
    ['missed', { lastOutcome: 'missed' }],
    ['late', { openWindowEndMs: NOW - 1 }],
    ['late', { newestUsable: point({ captureMs: NOW - 25 * HOUR }) }],
    ['partial', { newestPoint: point({ outcome: 'partial', isUsable: false }) }],
    ['protected', { newestUsable: point({ levelPassed: null }) }],
    ['protected', { newestUsable: point({ levelPassed: 1 }), lastDrill: null }],
    [
      'protected',
      { newestUsable: point({ levelPassed: 1 }), lastDrill: { state: 'passed', endedMs: NOW - 193 * HOUR } },
    ],
    ['protected', { newestUsable: point({ levelPassed: 1 }), lossMs: NOW - HOUR }],
    ['proven', { newestUsable: point({ levelPassed: 1 }), lossMs: NOW - 2 * HOUR }],
    ['proven', { newestUsable: point({ levelPassed: 3 }), lossMs: NOW - HOUR }],
  ] as const)('is %s for %j', (expected, over) => {
    expect(state(over)).toBe(expected);
  });
  test('stays green when a newer point is stored intact and the last proof is not older than the policy wants', () => {
    const newestUsable = point({ levelPassed: 1 });
    expect(state({ newestUsable })).toBe('proven');
    expect(state({ newestUsable, lastDrill: { state: 'passed', endedMs: NOW - 192 * HOUR } })).toBe('proven');
  });
  test('a window that has just opened forgets no backup that was missed', () => {
    expect(state({ lastOutcome: 'missed', openWindowEndMs: NOW + HOUR })).toBe('missed');
  });
  test('a backup under way does not change what is proven', () => {
    expect(state({ lastRun: { state: 'running', outcome: null, lastProgressMs: NOW - 1000 } })).toBe('proven');
    expect(state({ lastRun: { state: 'committed', outcome: null, lastProgressMs: NOW - HOUR } })).toBe('proven');
  });

  const anyPoint = fc.record({
    captureMs: fc.integer({ min: NOW - 50 * HOUR, max: NOW }),
    state: fc.constantFrom(...RESTORE_POINT_STATES),
    outcome: fc.constantFrom('ok' as const, 'partial' as const),
    isUsable: fc.boolean(),
    levelPassed: fc.constantFrom(null, 1, 3),
  });
  /** Mostly the good value, else anything: otherwise nearly no case would be green. */
  const mostly = <T>(value: T, any: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 4, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: any });
  const anyFacts: fc.Arbitrary<ProtectionFacts> = fc.record({
    nowMs: fc.constant(NOW),
    rpoMs: fc.constant(24 * HOUR),
    badObjects: mostly(0, fc.nat(3)),
    newestPoint: mostly(good.newestPoint, fc.option(anyPoint)),
    newestUsable: mostly(good.newestUsable, fc.option(anyPoint)),
    lastRun: mostly(
      good.lastRun,
      fc.option(
        fc.record({
          state: fc.constantFrom(...RUN_STATES),
          outcome: fc.option(fc.constantFrom(...RUN_OUTCOMES)),
          lastProgressMs: fc.integer({ min: NOW - 2 * HOUR, max: NOW }),
        }),
      ),
    ),
    lastOutcome: mostly(good.lastOutcome, fc.option(fc.constantFrom(...OCCURRENCE_OUTCOMES))),
    openWindowEndMs: mostly(good.openWindowEndMs, fc.option(fc.integer({ min: NOW - HOUR, max: NOW + HOUR }))),
    lastDrill: mostly(
      good.lastDrill,
      fc.option(
        fc.record({
          state: fc.constantFrom('passed' as const, 'failed' as const),
          endedMs: fc.integer({ min: NOW - 400 * HOUR, max: NOW }),
        }),
      ),
    ),
    lossMs: mostly(good.lossMs, fc.option(fc.integer({ min: NOW - 50 * HOUR, max: NOW }))),
    drillIntervalMs: fc.constant(7 * 24 * HOUR),
  });
  test(`is never green without a sound, young, intact point and a proof of the right age, or beside any trouble (seed ${seed})`, () => {
    let greens = 0;
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const found = protectionState(facts);
        expect(PROTECTION_STATES).toContain(found.state);
        expect(found.reason).toMatch(/^[A-Z0-9].*\.$/);
        if (found.state !== 'proven') return;
        greens++;
        const { newestUsable, newestPoint, lastRun, lastOutcome, openWindowEndMs, lastDrill } = facts;
        expect(newestUsable).toMatchObject({ state: 'sealed', isUsable: true });
        if (newestUsable?.levelPassed !== 3) {
          expect(newestUsable?.levelPassed).toBe(1);
          expect(lastDrill?.state).toBe('passed');
          expect(NOW - lastDrill!.endedMs).toBeLessThanOrEqual(facts.drillIntervalMs + facts.rpoMs);
        }
        expect(NOW - newestUsable!.captureMs).toBeLessThanOrEqual(facts.rpoMs);
        expect(newestPoint === null || (newestPoint.isUsable && newestPoint.state !== 'quarantined')).toBe(true);
        expect(facts.badObjects).toBe(0);
        expect(lastRun?.state === 'failed' || lastRun?.state === 'aborted').toBe(false);
        expect(['failed', 'missed', 'stuck']).not.toContain(lastOutcome);
        expect(openWindowEndMs ?? NOW).toBeGreaterThanOrEqual(NOW);
        expect(lastDrill?.state).not.toBe('failed');
      }),
      { seed, numRuns: 5000 },
    );
    // The property would hold on a function that never says proven.
    expect(greens).toBeGreaterThan(200);
  });
});
