import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BILLED, type BillingFacts, type PreviewExceptionKind, previewBilling } from './billing-preview.ts';
import type { UsageFigures } from './usage.ts';

const GB = 1_000_000_000n;
const figures = (over: Partial<UsageFigures> = {}): UsageFigures => ({
  ...{ protectedBytes: 100n * GB, protectedOn: '2026-11-20', storedBytes: 50n * GB, storedOn: '2026-11-20' },
  ...{ devices: 10, devicesOn: '2026-11-03', drills: 20, storedBytesMean: 40n * GB, daysMeasured: 22 },
  ...over,
});
const facts = (over: Partial<BillingFacts> = {}): BillingFacts => ({
  ...{ customerId: 'c', customer: 'Hill Dental', daysBegun: 22, daysInMonth: 30 },
  closed: { month: '2026-10', figures: figures({ daysMeasured: 31 }) },
  proposed: { month: '2026-11', figures: figures() },
  ...{ added: [], removed: [], removedLater: [], devices: [], unprotected: [], quotaBytes: null },
  ...over,
});
const now = (over: Partial<UsageFigures>) => ({ month: '2026-11', figures: figures(over) });
const kindsOf = (over: Partial<BillingFacts>): PreviewExceptionKind[] =>
  previewBilling(facts(over)).exceptions.map(({ kind }) => kind);
const whyOf = (over: Partial<BillingFacts>, measure: (typeof BILLED)[number]): string =>
  previewBilling(facts(over))
    .lines.find((line) => line.measure === measure)!
    .why.join('; ');

test('what is as it was needs no reason and no look', () => {
  const preview = previewBilling(facts());
  expect(preview).toMatchObject({ isChanged: false, exceptions: [] });
  expect(preview.lines.every(({ change, why }) => change === 0n && why.length === 0)).toBe(true);
});

describe('why', () => {
  test('devices are explained by those that came and went, by name', () => {
    const more = { proposed: now({ devices: 14 }), added: ['A', 'B', 'C', 'D', 'E'], removed: ['OLD'] };
    expect(whyOf(more, 'devices')).toBe('added: A, B, C and 2 more; removed: OLD');
    expect(whyOf({ proposed: now({ devices: 9 }) }, 'devices')).toBe('the highest day counts: 3 November');
  });

  test('bytes are explained by the machines that grew, came and left, the largest change first', () => {
    const devices = [
      { name: 'SMALL', beforeBytes: 1e9, nowBytes: 2e9, storedBytes: 0 },
      { name: 'GREW', beforeBytes: 10e9, nowBytes: 50e9, storedBytes: 30e9 },
      { name: 'NEW', beforeBytes: null, nowBytes: 20e9, storedBytes: 60e9 },
      { name: 'GONE', beforeBytes: 15e9, nowBytes: null, storedBytes: 0 },
      { name: 'SAME', beforeBytes: 15e9, nowBytes: 15e9, storedBytes: 0 },
    ];
    const more = { devices, proposed: now({ protectedBytes: 146n * GB, storedBytes: 60n * GB }) };
    expect(whyOf(more, 'protectedBytes')).toBe(
      'GREW grew by 40.0 GB; NEW came with 20.0 GB; GONE left with 15.0 GB; and 1 device more',
    );
    expect(whyOf(more, 'storedBytes')).toBe('NEW stored 60.0 GB of new data; GREW stored 30.0 GB of new data');
    expect(whyOf({ devices, proposed: now({ storedBytes: 1n }) }, 'storedBytes')).toMatch(/^less lies in the store/);
  });

  test('of restore tests it says that the month is not over', () => {
    expect(whyOf({ proposed: now({ drills: 3 }) }, 'drills')).toBe('counted so far; 8 days of the month to come');
  });
});

describe('what a person should look at', () => {
  test.each<[string, Partial<BillingFacts>, PreviewExceptionKind[]]>([
    ['a first invoice', { closed: null }, ['first_month']],
    ['nobody left', { proposed: now({ devices: 0, protectedBytes: 0n }) }, ['gone']],
    ['a third more devices', { proposed: now({ devices: 14 }) }, ['jump']],
    ['a third less protected', { proposed: now({ protectedBytes: 60n * GB }) }, ['jump']],
    ['a fourth more, and not above it', { proposed: now({ devices: 12, protectedBytes: 125n * GB }) }, []],
    [
      'twenty times a trifle',
      {
        closed: { month: '2026-10', figures: figures({ storedBytes: GB / 10n }) },
        proposed: now({ storedBytes: 2n * GB }),
      },
      [],
    ],
    [
      'twenty times more than a trifle',
      { closed: { month: '2026-10', figures: figures({ storedBytes: GB }) }, proposed: now({ storedBytes: 20n * GB }) },
      ['jump'],
    ],
    ['days without a measurement', { proposed: now({ daysMeasured: 20 }) }, ['days_missing']],
    ['a machine that went after the highest day', { removedLater: ['PC-1'] }, ['removed_counted']],
    ['a device without a restore point', { unprotected: ['PC-2'] }, ['unprotected']],
    ['more than was agreed', { quotaBytes: 40e9 }, ['over_quota']],
    ['exactly what was agreed', { quotaBytes: 50e9 }, []],
  ])('%s', (_, over, kinds) => {
    expect(kindsOf(over)).toEqual(kinds);
  });

  test('restore tests alone make nobody’s invoice another one', () => {
    expect(previewBilling(facts({ proposed: now({ drills: 1 }) }))).toMatchObject({ isChanged: false, exceptions: [] });
  });
});

test('a few bytes more are no other invoice; a tenth more is, and so is one device', () => {
  const isChanged = (over: Partial<UsageFigures>) => previewBilling(facts({ proposed: now(over) })).isChanged;
  expect(isChanged({ protectedBytes: 104n * GB, storedBytes: 52n * GB })).toBe(false);
  expect(isChanged({ storedBytes: 55n * GB })).toBe(true);
  expect(isChanged({ devices: 11 })).toBe(true);
});

test('then and change always make now, whatever the figures, and a reason stands wherever something changed', () => {
  const bytes = fc.bigInt({ min: 0n, max: 10n ** 17n });
  const anyFigures = fc
    .record({ protectedBytes: bytes, storedBytes: bytes, devices: fc.nat(10_000), drills: fc.nat(10_000) })
    .map(figures);
  fc.assert(
    fc.property(fc.option(anyFigures), anyFigures, (then, proposed) => {
      const { lines, exceptions } = previewBilling(
        facts({
          closed: then === null ? null : { month: '2026-10', figures: then },
          proposed: { month: '2026-11', figures: proposed },
        }),
      );
      expect(lines.map(({ measure }) => measure)).toEqual([...BILLED]);
      for (const { current, change, proposed: next, why, measure } of lines) {
        expect((current ?? 0n) + change).toBe(next);
        if (change === 0n) expect(why).toEqual([]);
        else expect(why.length, measure).toBeGreaterThan(0);
      }
      expect(exceptions.every(({ text }) => !/NaN|undefined|Infinity/.test(text))).toBe(true);
    }),
  );
});
