import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closestMinutes, cronInstants, parseCron } from './cron.ts';
import { clockChangeBetween, wallClockMs } from './wall-clock.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

const times = (expression: string, zone: string, from: string, days: number): string[] =>
  cronInstants([parseCron(expression)], zone, Date.parse(from), Date.parse(from) + days * DAY).map((at) =>
    new Date(at).toISOString().slice(0, 16),
  );

/** Hour and half-hour changes, one of two hours, both hemispheres, odd offsets, and none at all. */
const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Antarctica/Troll',
  'America/Santiago',
  'Africa/Casablanca',
  'Africa/Cairo',
  'Asia/Beirut',
  'Asia/Kathmandu',
  'UTC',
];

function field(min: number, max: number): fc.Arbitrary<string> {
  const range = fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }), fc.integer({ min: 1, max: 20 }));
  const item = fc.oneof(
    fc.integer({ min, max }).map(String),
    range.map(([a, b, step]) => `${Math.min(a, b)}-${Math.max(a, b)}/${step}`),
    fc.integer({ min: 1, max: 20 }).map((step) => `*/${step}`),
  );
  return fc.oneof(
    fc.constant('*'),
    fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join(',')),
  );
}
const expressions = fc
  .tuple(field(0, 59), field(0, 23), fc.oneof(fc.constant('*'), field(1, 28)), fc.constant('*'), field(0, 7))
  .map((fields) => fields.join(' '));

/** Reads one field by trying every value: another way than the parser's. */
function holds(text: string, value: number, min: number): boolean {
  return text.split(',').some((item) => {
    const [body = '', step] = item.split('/');
    const [from, until] = body === '*' ? [min, 99] : (body.split('-').map(Number) as [number, number?]);
    const last = until ?? (step === undefined ? from : 99);
    return value >= from && value <= last && (value - from) % Number(step ?? 1) === 0;
  });
}

function matches(expression: string, wallMs: number): boolean {
  const [minute, hour, dom, month, dow] = expression.split(' ') as [string, string, string, string, string];
  const wall = new Date(wallMs);
  if (!holds(minute, wall.getUTCMinutes(), 0) || !holds(hour, wall.getUTCHours(), 0)) return false;
  if (!holds(month, wall.getUTCMonth() + 1, 1)) return false;
  const byMonth = holds(dom, wall.getUTCDate(), 1);
  const day = wall.getUTCDay();
  const byWeek = holds(dow, day, 0) || (day === 0 && !dow.startsWith('*') && holds(dow.replaceAll('*', '0-6'), 7, 0));
  return dom.startsWith('*') || dow.startsWith('*') ? byMonth && byWeek : byMonth || byWeek;
}

/** Every minute of the stretch, one after the other, as a clock that somebody watches. */
function scan(expression: string, zone: string, fromMs: number, untilMs: number): number[] {
  const found: number[] = [];
  const begunMs = fromMs - 30 * HOUR;
  let shown = wallClockMs(begunMs - MINUTE, zone);
  for (let at = begunMs; at < untilMs; at += MINUTE) {
    const wall = wallClockMs(at, zone);
    // The highest time shown so far: what lies below was shown before, what was jumped over is made up for now.
    let isDue = false;
    for (let minute = shown + MINUTE; minute <= wall; minute += MINUTE) isDue ||= matches(expression, minute);
    shown = Math.max(shown, wall);
    if (isDue && at >= fromMs) found.push(at);
  }
  return found;
}

describe('a calendar of times', () => {
  test(`equals a minute-by-minute watch of the clock, over changes of it too (seed ${seed})`, () => {
    let changes = 0;
    fc.assert(
      fc.property(expressions, fc.constantFrom(...ZONES), fc.nat(3000), fc.nat(30), (expression, zone, day, hours) => {
        const around = Date.UTC(2021, 0, 1) + day * DAY;
        // Where the clock is changed within half a year, look there.
        const changeMs = [...Array(90).keys()]
          .map((n) => clockChangeBetween(around + n * 2 * DAY, around + (n + 1) * 2 * DAY, zone))
          .find((found) => found !== null);
        if (changeMs !== undefined) changes += 1;
        const fromMs = (changeMs ?? around) - hours * HOUR;
        const untilMs = fromMs + 36 * HOUR;
        const got = cronInstants([parseCron(expression)], zone, fromMs, untilMs);
        expect(got).toEqual(scan(expression, zone, fromMs, untilMs));
      }),
      { seed, numRuns: 60 },
    );
    expect(changes).toBeGreaterThan(10);
  }, 60_000);

  test('a time in the gap happens at the first instant after it, once', () => {
    expect(times('0,15,30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', 1)).toEqual(['2026-03-29T01:00']);
    expect(times('30 2 * * *', 'America/New_York', '2026-03-08T00:00Z', 1)).toEqual(['2026-03-08T07:00']);
    expect(times('10 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00Z', 1)).toEqual(['2026-10-03T15:30']);
  });
  test('a time that comes twice happens the first time alone', () => {
    expect(times('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', 1)).toEqual(['2026-10-25T00:30']);
  });
  test('the same hour on the wall all year, whatever the offset', () => {
    expect(times('0 22 * * mon-fri', 'Europe/Berlin', '2026-10-23T00:00Z', 5)).toEqual([
      '2026-10-23T20:00',
      '2026-10-26T21:00',
      '2026-10-27T21:00',
    ]);
  });
  test('names, ranges that end with Sunday, steps and both day fields read as cron reads them', () => {
    expect([...parseCron('0 1 * JAN,jul-sep sat-sun').weekdays].toSorted((a, b) => a - b)).toEqual([0, 6]);
    expect([...parseCron('0 1 * JAN,jul-sep *').months]).toEqual([1, 7, 8, 9]);
    expect(parseCron('5/20 3 * * *').minutesOfDay).toEqual([185, 205, 225]);
    expect(times('0 0 13 * fri', 'UTC', '2026-11-09T00:00Z', 14)).toEqual(['2026-11-13T00:00', '2026-11-20T00:00']);
  });
  test('what cannot be meant is refused with its reason', () => {
    for (const text of [
      '',
      '* * * *',
      '60 * * * *',
      '* 24 * * *',
      '0 0 0 * *',
      '0 0 * 13 *',
      '0 0 * * 8',
      '0 0 * * mun',
    ])
      expect(() => parseCron(text), text).toThrow(/cannot be used/);
    for (const text of ['5-3 * * * *', '*/0 * * * *', '1,,2 * * * *', '-1 * * * *', '1.5 * * * *', '0 0 30 feb *'])
      expect(() => parseCron(text), text).toThrow(/cannot be used/);
    expect(() => parseCron('0 0 29 feb *')).not.toThrow();
    expect(() => parseCron('0 0 30 feb mon')).not.toThrow();
  });
  test('knows how close its times lie, across midnight too', () => {
    expect(closestMinutes([parseCron('*/10 * * * *')])).toBe(10);
    expect(closestMinutes([parseCron('55 23 * * *'), parseCron('0 0 * * *')])).toBe(5);
    expect(closestMinutes([parseCron('0 1 * * *')])).toBe(1440);
  });
});
