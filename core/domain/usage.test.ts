import fc from 'fast-check';
import { expect, test } from 'vitest';
import { laterMeasurement, type UsageDay, usageOfMonth } from './usage.ts';

const anyDay = (at: number): fc.Arbitrary<UsageDay> =>
  fc.record({
    day: fc.constant(`2026-10-${String(at + 1).padStart(2, '0')}`),
    protectedBytes: fc.bigInt({ min: 0n, max: 10n ** 15n }),
    storedBytes: fc.bigInt({ min: 0n, max: 10n ** 15n }),
    devices: fc.nat(5000),
    drills: fc.nat(500),
  });
const anyMonth = fc
  .uniqueArray(fc.nat(30), { maxLength: 31 })
  .chain((days): fc.Arbitrary<UsageDay[]> => fc.tuple(...days.map((at) => anyDay(at))));

test('the figures of a month are those of its rows, in whatever order they come', () => {
  fc.assert(
    fc.property(anyMonth, (days) => {
      const figures = usageOfMonth(days);
      const of = (pick: (day: UsageDay) => bigint): bigint =>
        days.reduce((most, day) => (pick(day) > most ? pick(day) : most), 0n);
      expect(figures.protectedBytes).toBe(of((day) => day.protectedBytes));
      expect(figures.storedBytes).toBe(of((day) => day.storedBytes));
      expect(figures.devices).toBe(Math.max(0, ...days.map((day) => day.devices)));
      expect(figures.drills).toBe(days.reduce((sum, day) => sum + day.drills, 0));
      expect(figures.daysMeasured).toBe(days.length);
      expect(
        figures.storedBytesMean * BigInt(Math.max(1, days.length)) <=
          days.reduce((sum, day) => sum + day.storedBytes, 0n),
      ).toBe(true);
      const named = days.find(({ day }) => day === figures.storedOn);
      expect(named?.storedBytes ?? 0n).toBe(figures.storedBytes);
      expect(usageOfMonth([...days].reverse())).toEqual(figures);
    }),
    { verbose: true }, // prints the seed and the path of what failed
  );
});

test('the first day of the highest value is named, and a month without a measurement names none', () => {
  const day = (at: string, storedBytes: bigint): UsageDay => ({
    day: at,
    storedBytes,
    protectedBytes: 0n,
    devices: 0,
    drills: 0,
  });
  expect(usageOfMonth([day('2026-10-09', 5n), day('2026-10-03', 5n), day('2026-10-01', 1n)])).toMatchObject({
    storedOn: '2026-10-03',
    storedBytesMean: 3n,
  });
  expect(usageOfMonth([])).toMatchObject({ storedOn: null, storedBytes: 0n, daysMeasured: 0, storedBytesMean: 0n });
});

test('a day measured again keeps its highest values and counts its drills anew', () => {
  const before: UsageDay = { day: '2026-10-09', storedBytes: 9n, protectedBytes: 1n, devices: 3, drills: 4 };
  const now: UsageDay = { day: '2026-10-09', storedBytes: 2n, protectedBytes: 8n, devices: 2, drills: 5 };
  expect(laterMeasurement(before, now)).toEqual({
    day: '2026-10-09',
    storedBytes: 9n,
    protectedBytes: 8n,
    devices: 3,
    drills: 5,
  });
  expect(laterMeasurement(null, now)).toEqual(now);
});
