/** Calendar months in a customer's time zone. Months are texts such as 2026-11; instants are milliseconds since the epoch. */
import type { Interval } from './sla/intervals.ts';
import { instantOf, wallClockMs } from './wall-clock.ts';

/** @throws RangeError for a time zone that does not exist. */
export function monthOf(atMs: number, timeZone: string): string {
  return new Date(wallClockMs(atMs, timeZone)).toISOString().slice(0, 7);
}

export function monthAfter(month: string): string {
  return new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 1)).toISOString().slice(0, 7);
}

/** So many months before. */
export function monthBefore(month: string, count = 1): string {
  return new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)) - 1 - count, 1)).toISOString().slice(0, 7);
}

/** So many months, the present one first. @throws RangeError for a time zone that does not exist. */
export function lastMonths(nowMs: number, timeZone: string, count: number): string[] {
  const present = monthOf(nowMs, timeZone);
  return Array.from({ length: count }, (_, at) => monthBefore(present, at));
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
  return {
    startMs: dayWindow(`${month}-01`, timeZone).startMs,
    endMs: dayWindow(`${monthAfter(month)}-01`, timeZone).startMs,
  };
}

const DAY_MS = 24 * 3_600_000;

/** The day on which an instant falls by the zone's clock, such as 2026-11-21. */
export function dayOf(atMs: number, timeZone: string): string {
  return new Date(wallClockMs(atMs, timeZone)).toISOString().slice(0, 10);
}

/** 0 for a Monday, 6 for a Sunday: the column of a day in a calendar. */
export function weekdayOf(day: string): number {
  return (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;
}

/** Every day of a month, in order. */
export function daysOfMonth(month: string): string[] {
  const first = Date.parse(`${month}-01T00:00:00Z`);
  const count = (Date.parse(`${monthAfter(month)}-01T00:00:00Z`) - first) / DAY_MS;
  return Array.from({ length: count }, (_, at) => new Date(first + at * DAY_MS).toISOString().slice(0, 10));
}

/** From one midnight to the next by the zone's own clock; a day on which it changes is longer or shorter. */
export function dayWindow(day: string, timeZone: string): Interval {
  const wallMs = Date.parse(`${day}T00:00:00Z`);
  return { startMs: instantOf(wallMs, timeZone), endMs: instantOf(wallMs + DAY_MS, timeZone) };
}
