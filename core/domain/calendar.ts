/** Calendar months in a customer's time zone. Months are texts such as 2026-11; instants are milliseconds since the epoch. */
import type { Interval } from './sla.ts';
import { wallClockMs } from './wall-clock.ts';

/** @throws RangeError for a time zone that does not exist. */
export function monthOf(atMs: number, timeZone: string): string {
  return new Date(wallClockMs(atMs, timeZone)).toISOString().slice(0, 7);
}

export function monthAfter(month: string): string {
  return new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 1)).toISOString().slice(0, 7);
}

/** The months that begin at the one of `fromMs` and end with that of `untilMs`, at most `countMax` of them, the newest kept. */
export function monthsBetween(fromMs: number, untilMs: number, timeZone: string, countMax: number): string[] {
  const months: string[] = [];
  const last = monthOf(untilMs, timeZone);
  for (let month = monthOf(Math.min(fromMs, untilMs), timeZone); month <= last; month = monthAfter(month))
    months.push(month);
  return months.slice(-countMax);
}

/** From the first midnight of the month to that of the next, by the zone's own clock: months with a change of it are longer or shorter. */
export function monthWindow(month: string, timeZone: string): Interval {
  return { startMs: firstMidnight(month, timeZone), endMs: firstMidnight(monthAfter(month), timeZone) };
}

function firstMidnight(month: string, timeZone: string): number {
  const wall = Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)) - 1, 1);
  // The offset at the guess may not be that at the result when the clock changes in between: look again there.
  let at = wall;
  for (let round = 0; round < 2; round++) at = wall - (wallClockMs(at, timeZone) - at);
  return at;
}
