import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALERT_KINDS } from './kinds.ts';
import { alertItems, HANDLING_MINUTES, type HandledAlert, TEAM_TIME, teamTime } from './team-time.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const T = Date.UTC(2026, 10, 21, 12);
let made = 0;
const alert = (over: Partial<HandledAlert> = {}): HandledAlert => ({
  id: `a${(made += 1)}`,
  customerId: 'c',
  kind: 'missed',
  openedMs: T,
  resolvedMs: T + 4 * HOUR,
  touchedMs: null,
  isReopened: false,
  ...over,
});
const minutesOf = (...alerts: readonly HandledAlert[]): number[] =>
  alertItems(alerts, T + 24 * HOUR).map(({ minutes }) => minutes);

describe('an item', () => {
  test('that nobody touched costs a look; one that somebody touched costs the time until it was over as well', () => {
    expect(minutesOf(alert())).toEqual([0.5]);
    expect(minutesOf(alert({ touchedMs: T + HOUR, resolvedMs: T + HOUR + 3 * MINUTE }))).toEqual([3.5]);
  });

  test('costs no more than its kind takes, however long it stands, and no less than a minute', () => {
    expect(minutesOf(alert({ touchedMs: T + HOUR, resolvedMs: null }))).toEqual([0.5 + HANDLING_MINUTES.missed]);
    expect(minutesOf(alert({ kind: 'ransomware', touchedMs: T, resolvedMs: null }))).toEqual([60.5]);
    expect(minutesOf(alert({ touchedMs: T + HOUR, resolvedMs: T + HOUR }))).toEqual([1.5]);
  });

  test('is all that one customer has of one kind within an hour: fifty machines of a site are one', () => {
    const site = Array.from({ length: 50 }, (_, at) =>
      alert({ openedMs: T + at * MINUTE, touchedMs: at < 10 ? T + HOUR : null, resolvedMs: T + HOUR + 2 * MINUTE }),
    );
    expect(minutesOf(...site)).toEqual([2.5]);
    expect(minutesOf(alert(), alert({ customerId: 'd' }), alert({ kind: 'stuck' }))).toEqual([0.5, 0.5, 0.5]);
    expect(minutesOf(alert(), alert({ openedMs: T + HOUR + 1 }))).toEqual([0.5, 0.5]);
  });

  test('that came back within half an hour costs nothing unless somebody touches it', () => {
    expect(minutesOf(alert({ isReopened: true }))).toEqual([]);
    expect(minutesOf(alert({ isReopened: true, touchedMs: T, resolvedMs: T + 2 * MINUTE }))).toEqual([2.5]);
  });
});

describe('the time of a team', () => {
  test('is a mean over all customers, and red above the budget; a customer is named by itself', () => {
    const items = alertItems([alert({ kind: 'ransomware', touchedMs: T, resolvedMs: null })], T + 24 * HOUR);
    const of = (customerIds: readonly string[], days: number) => teamTime(items, customerIds, days);
    expect(of(['c'], 1)).toMatchObject({ minutesPerCustomerDay: 60.5, isAbove: true, customersAbove: 1 });
    expect(of(['c', 'd', 'e'], 28)).toMatchObject({ isAbove: false, customersAbove: 0, items: 1, touched: 1 });
    const many = Array.from({ length: 40 }, (_, at) => `quiet-${at}`);
    expect(of(['c', ...many], 2)).toMatchObject({ isAbove: false, customersAbove: 1 });
    expect(of([], 28).minutesPerCustomerDay).toBeNull();
    // Exactly the budget is within it.
    expect(of(['c'], 60.5 / TEAM_TIME.budgetMinutes).isAbove).toBe(false);
  });

  test('every alert is in one item, an item costs what its bounds allow, in whatever order they come', () => {
    const anyAlert = fc
      .record({
        customerId: fc.constantFrom('a', 'b', 'c'),
        kind: fc.constantFrom(...ALERT_KINDS),
        openedMs: fc.integer({ min: 0, max: 600 }).map((minutes) => T + minutes * MINUTE),
        length: fc.option(fc.integer({ min: 0, max: 600 })),
        touched: fc.option(fc.integer({ min: 0, max: 600 })),
        isReopened: fc.boolean(),
      })
      .map(({ openedMs, length, touched, ...rest }) =>
        alert({
          ...rest,
          openedMs,
          resolvedMs: length === null ? null : openedMs + length * MINUTE,
          touchedMs: touched === null ? null : openedMs + Math.min(touched, length ?? touched) * MINUTE,
        }),
      );
    fc.assert(
      fc.property(fc.array(anyAlert, { maxLength: 30 }), (alerts) => {
        const nowMs = T + 1200 * MINUTE;
        const items = alertItems(alerts, nowMs);
        const counted = alerts.filter(({ isReopened, touchedMs }) => !isReopened || touchedMs !== null);
        expect(items.flatMap(({ alertIds }) => alertIds).toSorted()).toEqual(counted.map(({ id }) => id).toSorted());
        for (const { kind, minutes } of items)
          expect(minutes >= 0.5 && minutes <= 0.5 + HANDLING_MINUTES[kind]).toBe(true);
        const sum = (of: readonly HandledAlert[]): number =>
          teamTime(alertItems(of, nowMs), ['a', 'b', 'c'], 1).minutesPerCustomerDay!;
        expect(sum(alerts)).toBeCloseTo(items.reduce((all, { minutes }) => all + minutes, 0) / 3, 9);
        // In another order it is the same.
        expect(sum(alerts.toReversed())).toBeCloseTo(sum(alerts), 9);
      }),
    );
  });
});
