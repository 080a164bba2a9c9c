import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isWithin, nextWithin } from './clock-window.ts';
import { wallClockMs } from './wall-clock.ts';

const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const HOUR = 3_600_000;
const time = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Pacific/Apia');

test(`the next opening is inside, not before now, and nothing before it is (seed ${seed})`, () => {
  fc.assert(
    fc.property(
      time,
      time,
      fc.option(fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }), { nil: undefined }),
      zone,
      fc.integer({ min: 1_700_000_000, max: 1_800_000_000 }),
      (from, until, weekdays, timeZone, atSeconds) => {
        const window = { from, until, weekdays };
        const atMs = atSeconds * 1000;
        const nextMs = nextWithin(window, timeZone, atMs);
        expect(nextMs).toBeGreaterThanOrEqual(atMs);
        expect(nextMs - atMs).toBeLessThan(9 * 24 * HOUR);
        expect(isWithin(window, wallClockMs(nextMs, timeZone))).toBe(true);
        for (let probe = atMs; probe < nextMs; probe += 17 * 60_000)
          expect(isWithin(window, wallClockMs(probe, timeZone))).toBe(false);
      },
    ),
    { seed, numRuns: 300 },
  );
});

test('a window past midnight belongs to the day on which it begins', () => {
  const window = { weekdays: [5], from: '22:00', until: '06:00' };
  // 20 November 2026 is a Friday.
  expect(isWithin(window, Date.UTC(2026, 10, 20, 23))).toBe(true);
  expect(isWithin(window, Date.UTC(2026, 10, 21, 5, 59))).toBe(true);
  expect(isWithin(window, Date.UTC(2026, 10, 21, 23))).toBe(false);
  expect(isWithin(window, Date.UTC(2026, 10, 20, 5))).toBe(false);
  expect(nextWithin(undefined, 'UTC', 5)).toBe(5);
});
