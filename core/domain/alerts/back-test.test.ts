import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backTest, causeAt, type DevicePast, mergeStretches, type PastAlert, type PastPoint } from './back-test.ts';
import { backTestQuota } from './back-test-quota.ts';
import { isQuotaTight, quotaState } from './quota.ts';
import { builtInRule, ruleDefinition } from './rules.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const T = Date.UTC(2026, 10, 21, 12);
const stretch = { startMs: T - 30 * DAY, endMs: T };

const past = (over: Partial<DevicePast> = {}): DevicePast => ({
  ...{ deviceId: 'd', deviceName: 'D', customerId: 'c', policyId: 'p', deviceClass: 'server' },
  device: {
    ...{ name: 'D', host: 'd', customer: 'C', policy: 'P', os: 'linux', agent: '1', tags: [] },
    ...{ custody: null, targetMs: HOUR },
  },
  ...{ enrolledMs: T - 90 * DAY, lastSeenMs: T - MINUTE, rpoMs: HOUR, longestPauseMs: HOUR, storedMs: T - 89 * DAY },
  ...{ gaps: [], listings: [], plans: [], sources: [] },
  ...over,
});
const point = (sealedMs: number, over: Partial<PastPoint> = {}): PastPoint => ({
  ...{ sealedMs, captureMs: sealedMs - MINUTE, isUsable: true },
  ...{ storedBytes: 1e8, addedBytes: 2e8, files: 1000, bytes: 1e10, changes: null },
  ...over,
});
const sourceOf = (points: readonly PastPoint[]) => [
  { sourceId: 's', addedMs: T - 90 * DAY, points, occurrences: [], runs: [], passes: [], overdue: [] },
];

describe('a silence', () => {
  test('is an alert from its limit to its end, and one that lasts stands', () => {
    const gaps = [
      { fromMs: T - 9 * DAY, untilMs: T - 8 * DAY },
      { fromMs: T - 7 * DAY, untilMs: T - 7 * DAY + 2 * HOUR },
    ];
    const alerts = backTest(builtInRule('silent'), past({ gaps, lastSeenMs: T - 5 * HOUR }), stretch);
    expect(alerts).toEqual([
      { subjectId: 'd', openedMs: T - 9 * DAY + 2 * HOUR + 1, resolvedMs: T - 8 * DAY, cause: 'offline' },
      { subjectId: 'd', openedMs: T - 3 * HOUR + 1, resolvedMs: null, cause: 'offline' },
    ]);
  });

  test('and a vault that is not compared: both are found as looking every minute would find them', () => {
    const short = { startMs: T - 2 * DAY, endMs: T };
    const atMinute = fc.integer({ min: -4 * 24 * 60, max: -1 }).map((minutes) => T + minutes * MINUTE);
    fc.assert(
      fc.property(
        fc.constantFrom('silent' as const, 'upkeep' as const),
        fc.uniqueArray(atMinute, { maxLength: 8 }),
        fc.array(fc.tuple(atMinute, fc.integer({ min: 0, max: 600 })), { maxLength: 4 }),
        fc.option(atMinute, { nil: null }),
        atMinute,
        (kind, edges, listed, storedMs, lastSeenMs) => {
          const sorted = edges.filter((atMs) => atMs < lastSeenMs).sort((a, b) => a - b);
          const gaps = sorted.flatMap((fromMs, at) =>
            at % 2 === 0 && sorted[at + 1] !== undefined ? [{ fromMs, untilMs: sorted[at + 1]! }] : [],
          );
          const listings = listed.map(([startedMs, minutes]) => ({ startedMs, endedMs: startedMs + minutes * MINUTE }));
          const device = past({ gaps, listings, storedMs, lastSeenMs });
          const rule = { ...builtInRule(kind), parameters: kind === 'silent' ? { hours: 5 } : { days: 1 } };
          const alerts = backTest(rule, device, short);
          for (let atMs = short.startMs + MINUTE / 2; atMs < short.endMs; atMs += 7 * MINUTE) {
            const isOpen = alerts.some(
              ({ openedMs, resolvedMs }) => openedMs <= atMs && (resolvedMs ?? Infinity) > atMs,
            );
            expect(isOpen).toBe(causeAt(rule, device, atMs) !== undefined);
          }
        },
      ),
      { numRuns: 80 },
    );
  });
});

describe('what a backup holds', () => {
  const daily = Array.from({ length: 50 }, (_, at) => point(T - (60 - at) * DAY));
  test('a backup that holds next to nothing is an alert until one that does not', () => {
    const sources = sourceOf([...daily, point(T - 9 * DAY, { files: 10 }), point(T - 8 * DAY)]);
    expect(backTest(builtInRule('suspicious'), past({ sources }), stretch)).toMatchObject([
      { openedMs: T - 9 * DAY, resolvedMs: T - 8 * DAY },
    ]);
  });

  test('mass encryption is an alert when it was sealed', () => {
    const encrypted = point(T - 9 * DAY, { storedBytes: 9e9, addedBytes: 9e9 });
    const alerts = backTest(builtInRule('ransomware'), past({ sources: sourceOf([...daily, encrypted]) }), stretch);
    expect(alerts).toMatchObject([{ openedMs: T - 9 * DAY, resolvedMs: null, cause: 'ransomware' }]);
    expect(backTest(builtInRule('ransomware'), past({ sources: sourceOf(daily) }), stretch)).toEqual([]);
  });
});

test('a quota is tight on the past when the sums of then say so', () => {
  const hours = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 * 24 }), fc.integer({ min: 1, max: 1000 })), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(hours, fc.integer({ min: 1, max: 20_000 }), (given, quotaBytes) => {
      const stored = [...new Map(given)]
        .map(([hour, bytes]) => ({ atMs: T - hour * HOUR, bytes }))
        .sort((a, b) => a.atMs - b.atMs);
      const rule = builtInRule('quota');
      const subject = { customerId: 'c', policyId: null, deviceClass: null, device: null };
      const alerts = backTestQuota(rule, { ...subject, subjectId: 'c', quotaBytes, hours: stored }, stretch);
      for (let atMs = stretch.startMs; atMs < stretch.endMs; atMs += 5 * HOUR) {
        const days = new Map<number, number>();
        let used = 0;
        for (const { atMs: at, bytes } of stored) if (at <= atMs) days.set(Math.floor((at - 1) / DAY), (used += bytes));
        const last = Math.max(...days.keys());
        const uses = [...days].filter(([day]) => day > last - 28).map(([day, usedBytes]) => ({ day, usedBytes }));
        const isTight = isQuotaTight(quotaState(quotaBytes, uses), rule.parameters);
        const isOpen = alerts.some(({ openedMs, resolvedMs }) => openedMs <= atMs && (resolvedMs ?? Infinity) > atMs);
        expect(isOpen).toBe(isTight);
      }
    }),
    { numRuns: 40 },
  );
});

test('findings of one subject that overlap are one alert', () => {
  const one = (subjectId: string, openedMs: number, resolvedMs: number | null): PastAlert => ({
    ...{ subjectId, openedMs, resolvedMs, cause: 'clone' },
  });
  expect(
    mergeStretches([one('a', 5, 9), one('a', 1, 5), one('a', 20, null), one('a', 30, 31), one('b', 2, 3)]),
  ).toEqual([one('a', 1, 9), one('a', 20, null), one('b', 2, 3)]);
});

test('two rules are of one definition when they call at the same instants, whatever they are called', () => {
  const rule = builtInRule('no_point');
  expect(ruleDefinition(rule)).toBe(
    ruleDefinition({ kind: 'no_point', parameters: { workstationHours: 72 }, filter: {} }),
  );
  expect(ruleDefinition(rule)).not.toBe(ruleDefinition({ ...rule, filter: { classes: ['server'] } }));
  expect(ruleDefinition(rule)).not.toBe(ruleDefinition({ ...rule, parameters: { serverHours: 25 } }));
});
