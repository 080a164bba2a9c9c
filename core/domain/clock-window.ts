/** Hours of the week by a clock on the wall, such as "weekdays from 22:00 until 06:00". Pure. */
import { instantsOf, wallClockMs } from './wall-clock.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export interface ClockWindow {
  /** 0 is Sunday; every day when it is left out. A window past midnight belongs to the day on which it begins. */
  readonly weekdays?: readonly number[] | undefined;
  /** `HH:MM`; `until` before or at `from` is on the next day. */
  readonly from: string;
  readonly until: string;
}

export function minuteOfDay(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

/** Does the window hold at a wall time? */
export function isWithin(window: ClockWindow, wallMs: number): boolean {
  const day = Math.floor(wallMs / DAY_MS);
  const minute = (wallMs - day * DAY_MS) / MINUTE_MS;
  const [from, until] = [minuteOfDay(window.from), minuteOfDay(window.until)];
  if (from < until) return minute >= from && minute < until && isOn(window, day);
  // Past midnight: this evening's part, and what the evening before left over.
  return (minute >= from && isOn(window, day)) || (minute < until && isOn(window, day - 1));
}

/** The first instant at or after `atMs` inside the window. */
export function nextWithin(window: ClockWindow | undefined, timeZone: string, atMs: number): number {
  if (window === undefined || isWithin(window, wallClockMs(atMs, timeZone))) return atMs;
  const today = Math.floor(wallClockMs(atMs, timeZone) / DAY_MS);
  // Eight days hold every weekday; two more for a beginning that the clock's change swallows.
  for (let day = today; day <= today + 10; day++) {
    if (!isOn(window, day)) continue;
    const openings = instantsOf(day * DAY_MS + minuteOfDay(window.from) * MINUTE_MS, timeZone);
    const next = openings.find((opening) => opening >= atMs);
    if (next !== undefined) return next;
  }
  return atMs;
}

/** Day 0 of the epoch was a Thursday. */
function isOn({ weekdays }: ClockWindow, day: number): boolean {
  return weekdays === undefined || weekdays.includes((((day + 4) % 7) + 7) % 7);
}
