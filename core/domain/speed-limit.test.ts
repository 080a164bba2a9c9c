import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SpeedLimits } from './policy.ts';
import { limitAt } from './speed-limit.ts';
import { wallClockMs } from './wall-clock.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

const office: SpeedLimits = {
  timeZone: 'Europe/Berlin',
  rules: [
    { weekdays: [1, 2, 3, 4, 5], from: '08:00', until: '18:00', upBytesPerSecond: 1e6, downBytesPerSecond: null },
    { from: '22:00', until: '06:00', upBytesPerSecond: 5e6, downBytesPerSecond: 2e6 },
    { weekdays: [5], from: '12:00', until: '14:00', upBytesPerSecond: 2e6, downBytesPerSecond: 3e6 },
  ],
};

test('without a rule in force nothing is limited, and without rules nothing ever changes', () => {
  const free = { upBytesPerSecond: null, downBytesPerSecond: null };
  expect(limitAt(undefined, 0)).toEqual({ ...free, changesAtMs: null });
  expect(limitAt({ rules: [] }, 0)).toEqual({ ...free, changesAtMs: null });
  // Saturday noon: the night's rule is next, at 22:00 in Berlin.
  expect(limitAt(office, Date.UTC(2026, 10, 21, 11))).toEqual({ ...free, changesAtMs: Date.UTC(2026, 10, 21, 21) });
});
test('the tightest rule wins, in each direction by itself', () => {
  expect(limitAt(office, Date.UTC(2026, 10, 20, 11, 30))).toEqual({
    upBytesPerSecond: 1e6,
    downBytesPerSecond: 3e6,
    changesAtMs: Date.UTC(2026, 10, 20, 13),
  });
});
test('a rule past midnight belongs to the day on which it begins', () => {
  const friday: SpeedLimits = {
    rules: [{ weekdays: [5], from: '22:00', until: '02:00', upBytesPerSecond: 1e6, downBytesPerSecond: null }],
  };
  const up = (day: number, hour: number) => limitAt(friday, Date.UTC(2026, 10, day, hour)).upBytesPerSecond;
  expect([up(20, 1), up(20, 21), up(20, 22), up(21, 1), up(21, 2), up(21, 23)]).toEqual([
    null,
    null,
    1e6,
    1e6,
    null,
    null,
  ]);
  expect(limitAt(friday, Date.UTC(2026, 10, 21, 2)).changesAtMs).toBe(Date.UTC(2026, 10, 27, 22));
});
test(`stays the same until the instant that it names, and is another there, over changes of the clock (seed ${seed})`, () => {
  const time = fc
    .tuple(fc.nat(23), fc.constantFrom('00', '15', '30', '59'))
    .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${minute}`);
  const rate = fc.constantFrom(null, 1e5, 2e5, 3e5);
  const rule = fc.record(
    {
      weekdays: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 7 }),
      from: time,
      until: time,
      upBytesPerSecond: rate,
      downBytesPerSecond: rate,
    },
    { requiredKeys: ['from', 'until', 'upBytesPerSecond', 'downBytesPerSecond'] },
  );
  // Two days before changes of the clock, forward and back, and far from any.
  const starts = fc.constantFrom(
    ['Europe/Berlin', Date.UTC(2026, 2, 28)],
    ['Europe/Berlin', Date.UTC(2026, 9, 24)],
    ['Australia/Lord_Howe', Date.UTC(2026, 3, 3)],
    ['Africa/Cairo', Date.UTC(2026, 3, 23)],
    ['Asia/Kathmandu', Date.UTC(2026, 5, 1)],
  );
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 3 }),
      starts,
      fc.nat(36 * 60),
      (rules, [zone, base], minute) => {
        const limits: SpeedLimits = { timeZone: String(zone), rules };
        const atMs = Number(base) + minute * MINUTE;
        const { changesAtMs, ...now } = limitAt(limits, atMs);
        const rates = (ms: number) => {
          const { changesAtMs: _, ...then } = limitAt({ ...limits, rules }, ms);
          return then;
        };
        const endMs = Math.min(changesAtMs ?? Number.POSITIVE_INFINITY, atMs + DAY);
        for (let ms = atMs; ms < endMs; ms += 7 * MINUTE)
          expect(rates(ms), new Date(wallClockMs(ms, String(zone))).toISOString()).toEqual(now);
        if (changesAtMs !== null) {
          expect(rates(changesAtMs - 1)).toEqual(now);
          expect(rates(changesAtMs)).not.toEqual(now);
        }
      },
    ),
    { seed, numRuns: 25 },
  );
});
