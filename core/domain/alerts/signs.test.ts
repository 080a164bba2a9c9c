import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { policyDocument } from '../policy.ts';
import { backTest, causeAt, type DevicePast, type SourcePast } from './back-test.ts';
import { isQuotaTight, quotaState, theilSenSlope } from './quota.ts';
import { builtInRule } from './rules.ts';
import { weakenings } from './weakening.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const T = Date.UTC(2026, 10, 21, 12);

describe('quota', () => {
  test('the slope of a line is its slope, and a few wild days hardly move it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -100, max: 100 }),
        fc.integer({ min: -1000, max: 1000 }),
        fc.integer({ min: 0, max: 9 }),
        (slope, zero, wild) => {
          const points = Array.from({ length: 28 }, (_, x) => ({ x, y: zero + slope * x }));
          expect(theilSenSlope(points)).toBeCloseTo(slope, 9);
          points[wild] = { x: wild, y: 1e9 };
          expect(theilSenSlope(points)).toBeCloseTo(slope, 9);
        },
      ),
    );
  });

  test('days to the quota follow the pace; full is full; what shrinks never fills it', () => {
    const days = Array.from({ length: 10 }, (_, day) => ({ day, usedBytes: 100 + day * 10 }));
    expect(quotaState(290, days)).toEqual({ usedShare: 190 / 290, daysLeft: 10 });
    expect(quotaState(190, days).daysLeft).toBe(0);
    expect(
      quotaState(
        1000,
        days.map(({ day }) => ({ day, usedBytes: 500 - day })),
      ).daysLeft,
    ).toBeNull();
    const limits = { usedPercent: 90, daysLeft: 14 };
    expect(isQuotaTight(quotaState(290, days), limits)).toBe(true);
    expect(isQuotaTight(quotaState(1000, days), limits)).toBe(false);
    expect(isQuotaTight({ usedShare: 0.9, daysLeft: null }, limits)).toBe(true);
  });
});

describe('a policy that was made weaker', () => {
  const policy = policyDocument.parse({
    paths: ['/srv', '/home'],
    excludes: ['*.tmp'],
    schedule: { everyMinutes: 60, windowMinutes: 30 },
    rpoMinutes: 120,
    rtoMinutes: 60,
    drill: { level: 4, everyHours: 24, sampleFiles: 5 },
  });

  test.each([
    [{ paths: ['/srv'] }, '/home is no longer backed up.'],
    [{ excludes: ['*.tmp', '*.docx'] }, 'More is left out: *.docx.'],
    [{ schedule: { everyMinutes: 120, windowMinutes: 30 } }, 'up to 2 h apart instead of 1 h'],
    [{ rpoMinutes: 240 }, 'older data: 4 h instead of 2 h'],
    [{ pausedUntilMs: T + DAY }, 'paused'],
    [{ drill: { level: 3 as const, everyHours: 24, sampleFiles: 5 } }, 'no longer tested at level 4'],
    [{ drill: { level: 4 as const, everyHours: 48, sampleFiles: 5 } }, 'level 3: every 48 hours instead of every 24'],
    [{ partialToleranceShare: 0.5 }, 'left unread'],
    [{ selfRestore: true }, 'without being asked'],
    [{ retention: { daily: 7 } }, 'Fewer restore points are kept'],
  ])('%o is said', (change, words) => {
    const weaker = { ...policy, ...change };
    expect(weakenings(policy, weaker, T).join(' ')).toContain(words);
    // And the way back is no weakening.
    expect(weakenings(weaker, policy, T)).toEqual([]);
  });

  test('the same, and more than before, is not weaker', () => {
    expect(weakenings(policy, policy, T)).toEqual([]);
    expect(weakenings(policy, { ...policy, paths: ['/'], excludes: [] }, T)).toEqual([]);
    expect(weakenings(policy, { ...policy, paths: ['/srv/', '/home', '/etc'] }, T)).toEqual([]);
    // A pause that is over weakens nothing.
    expect(weakenings(policy, { ...policy, pausedUntilMs: T - 1 }, T)).toEqual([]);
  });
});

describe('a rule on the past', () => {
  const past = (source: Partial<SourcePast>): DevicePast => ({
    deviceId: 'd',
    deviceName: 'D',
    customerId: 'c',
    policyId: 'p',
    deviceClass: 'server',
    device: {
      ...{ name: 'D', host: 'd', customer: 'C', policy: 'P', os: 'linux', agent: '1', tags: [] },
      ...{ custody: null, targetMs: HOUR },
    },
    enrolledMs: T - 90 * DAY,
    lastSeenMs: T - 60_000,
    gaps: [],
    listings: [],
    storedMs: null,
    rpoMs: HOUR,
    longestPauseMs: HOUR,
    plans: [{ level: 3, everyHours: 24 }],
    sources: [
      {
        sourceId: 's',
        addedMs: T - 90 * DAY,
        points: [],
        occurrences: [],
        runs: [],
        passes: [],
        overdue: [],
        ...source,
      },
    ],
  });
  const point = (atMs: number) => ({
    sealedMs: atMs,
    captureMs: atMs - 60_000,
    isUsable: true,
    storedBytes: 1,
    addedBytes: 1,
    files: 1,
    bytes: 1,
    changes: null,
  });
  const stretch = { startMs: T - 30 * DAY, endMs: T };

  test('a point that came three hours too late would have been one alert of exactly so long', () => {
    const first = T - 20 * DAY;
    const late = first - 60_000 + 24 * HOUR + 3 * HOUR;
    const steady = Array.from({ length: 400 }, (_, at) => point(late + at * 23 * HOUR)).filter(
      ({ sealedMs }) => sealedMs < T,
    );
    const before = Array.from({ length: 20 }, (_, at) => point(first - at * 20 * HOUR));
    const alerts = backTest(builtInRule('no_point'), past({ points: [...before, ...steady] }), stretch);
    expect(alerts).toMatchObject([{ openedMs: first - 60_000 + 24 * HOUR + 1, resolvedMs: late }]);
  });

  test('a missed backup that came late was an alert until it came', () => {
    const due = T - 5 * DAY;
    const occurrence = {
      dueMs: due,
      windowEndMs: due + HOUR,
      resolvedMs: due + 9 * HOUR,
      outcome: 'late' as const,
      runStartedMs: due + 8 * HOUR,
    };
    const alerts = backTest(builtInRule('missed'), past({ occurrences: [occurrence] }), stretch);
    expect(alerts).toMatchObject([{ openedMs: due + HOUR + 5 * 60_000, resolvedMs: due + 9 * HOUR }]);
    // One that ran all the time was never missing.
    const slow = { ...occurrence, runStartedMs: due + 60_000 };
    expect(backTest(builtInRule('missed'), past({ occurrences: [slow] }), stretch)).toEqual([]);
  });

  test('finds what looking every minute would find', () => {
    const minute = 60_000;
    const short = { startMs: T - 2 * DAY, endMs: T };
    const atMinute = fc.integer({ min: -3 * 24 * 60, max: -1 }).map((minutes) => T + minutes * minute);
    const occurrence = fc.record({
      dueMs: atMinute,
      length: fc.integer({ min: 10, max: 300 }),
      decided: fc.integer({ min: 0, max: 400 }),
      outcome: fc.constantFrom(
        'ok' as const,
        'late' as const,
        'missed' as const,
        'failed' as const,
        'excused' as const,
      ),
    });
    const someRule = fc.constantFrom(
      'no_point' as const,
      'missed' as const,
      'failing' as const,
      'drill_overdue' as const,
      'run_failed' as const,
    );
    fc.assert(
      fc.property(
        someRule,
        fc.array(atMinute, { maxLength: 5 }),
        fc.array(occurrence, { maxLength: 6 }),
        fc.array(atMinute, { maxLength: 3 }),
        fc.array(fc.tuple(atMinute, fc.constantFrom('sealed' as const, 'failed' as const)), { maxLength: 4 }),
        (kind, points, due, passes, runs) => {
          const rule = builtInRule(kind);
          const device = past({
            points: points.map(point),
            passes: passes.map((endedMs) => ({ level: 3, endedMs })),
            occurrences: due.map(({ dueMs, length, decided, outcome }) => ({
              dueMs,
              windowEndMs: dueMs + length * minute,
              resolvedMs: dueMs + (length + decided) * minute,
              outcome,
              runStartedMs: outcome === 'late' ? dueMs + (length + 1) * minute : null,
            })),
            runs: runs.map(([endedMs, state]) => ({
              startedMs: endedMs - minute,
              endedMs,
              state,
              outcome: state === 'failed' ? 'failed' : 'ok',
              errorCode: null,
              errorMessage: 'x',
            })),
          });
          const alerts = backTest(rule, device, short);
          // Limits run out a millisecond after a full minute: look between the minutes.
          for (let atMs = short.startMs + minute / 2; atMs < short.endMs; atMs += 7 * minute) {
            const isOpen = alerts.some(
              ({ openedMs, resolvedMs }) => openedMs <= atMs && (resolvedMs ?? Infinity) > atMs,
            );
            expect(isOpen).toBe(causeAt(rule, device, atMs) !== undefined);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
