/**
 * Times of a calendar: cron expressions of five fields (minute, hour, day of the month, month, day of the week) by the wall
 * clock of a zone. Lists, ranges, steps and English names of months and days. As cron has it, a day matches by either of the
 * two day fields when both are restricted. A time that a change of the clock leaves out happens at the first instant after
 * the gap; one that comes twice happens the first time alone.
 */
import { HoldfastError } from '../base/errors.ts';
import { instantOf, offsetMs, wallClockMs } from './wall-clock.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const DAYS_OF_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export interface CronTimes {
  /** Minutes since midnight, ascending. */
  readonly minutesOfDay: readonly number[];
  readonly daysOfMonth: ReadonlySet<number>;
  /** 1 to 12. */
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly weekdays: ReadonlySet<number>;
  readonly isEveryDayOfMonth: boolean;
  readonly isEveryWeekday: boolean;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const FIELDS = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of the month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  { name: 'day of the week', min: 0, max: 7, names: WEEKDAYS },
] as const satisfies readonly Field[];

/** @throws HoldfastError bad_request naming the field that is wrong, or saying that no day ever matches. */
export function parseCron(expression: string): CronTimes {
  const texts = expression.trim().split(/\s+/);
  if (texts.length !== FIELDS.length)
    throw wrong(expression, 'it needs five fields: minute, hour, day of the month, month, day of the week');
  const [minutes, hours, daysOfMonth, months, weekdays] = FIELDS.map((field, at) =>
    parseField(texts[at]!, field, expression),
  ) as [Set<number>, Set<number>, Set<number>, Set<number>, Set<number>];
  if (weekdays.delete(7)) weekdays.add(0);
  const times: CronTimes = {
    minutesOfDay: [...hours].flatMap((hour) => [...minutes].map((minute) => hour * 60 + minute)).sort((a, b) => a - b),
    daysOfMonth,
    months,
    weekdays,
    // As cron does: a field that begins with a star, with a step too, restricts beside the other and widens nothing.
    isEveryDayOfMonth: texts[2]!.startsWith('*'),
    isEveryWeekday: texts[4]!.startsWith('*'),
  };
  const canMatch =
    (!times.isEveryDayOfMonth && !times.isEveryWeekday) ||
    [...months].some((month) => [...daysOfMonth].some((day) => day <= DAYS_OF_MONTH[month - 1]!));
  if (!canMatch) throw wrong(expression, 'no month has such a day, so that no backup would ever be made');
  return times;
}

function parseField(text: string, field: Field, expression: string): Set<number> {
  const found = new Set<number>();
  for (const item of text.toLowerCase().split(',')) {
    const match = /^(?:(\*)|([a-z]+|\d{1,2})(?:-([a-z]+|\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(item);
    const [, star, from, until, step] = match ?? [];
    const first = star === undefined ? valueOf(from, field) : field.min;
    let last = until === undefined ? undefined : valueOf(until, field);
    // Sunday may end a range of days: sat-sun.
    if (last === 0 && field.max === 7 && first !== undefined && first > 0) last = 7;
    last ??= until !== undefined ? undefined : star === undefined && step === undefined ? first : lastOf(field);
    const by = step === undefined ? 1 : Number(step);
    if (match === null || first === undefined || last === undefined || last < first || by === 0)
      throw wrong(expression, `"${item}" is no ${field.name}`);
    for (let value = first; value <= last; value += by) found.add(value);
  }
  return found;
}

/** A star of weekdays ends with Saturday: seven would be a second Sunday, and would upset steps. */
const lastOf = (field: Field): number => (field.max === 7 ? 6 : field.max);

function valueOf(text: string | undefined, field: Field): number | undefined {
  if (text === undefined) return undefined;
  const named = field.names?.indexOf(text) ?? -1;
  const value = named >= 0 ? named + field.min : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= field.min && value <= field.max ? value : undefined;
}

function wrong(expression: string, why: string): HoldfastError {
  return new HoldfastError(
    'bad_request',
    `The schedule "${expression}" cannot be used: ${why}. The schedule in force stays as it is; correct the expression.`,
  );
}

/** Does the schedule hold on this date of the zone's calendar? `dayMs` is a wall time at midnight. */
function isDay(cron: CronTimes, dayMs: number): boolean {
  const day = new Date(dayMs);
  if (!cron.months.has(day.getUTCMonth() + 1)) return false;
  const byMonth = cron.daysOfMonth.has(day.getUTCDate());
  const byWeek = cron.weekdays.has(day.getUTCDay());
  return cron.isEveryDayOfMonth || cron.isEveryWeekday ? byMonth && byWeek : byMonth || byWeek;
}

/** Instants in [fromMs, untilMs) of all expressions together, strictly increasing. */
export function cronInstants(crons: readonly CronTimes[], timeZone: string, fromMs: number, untilMs: number): number[] {
  if (untilMs <= fromMs) return [];
  const found = new Set<number>();
  // A day before: a gap of a whole day (a zone that changes its side of the date line) moves a time that far.
  const firstDay = Math.floor(wallClockMs(fromMs, timeZone) / DAY_MS) - 1;
  const lastDay = Math.floor(wallClockMs(untilMs, timeZone) / DAY_MS);
  for (let day = firstDay; day <= lastDay; day++) {
    const dayMs = day * DAY_MS;
    const minutes = new Set(crons.filter((cron) => isDay(cron, dayMs)).flatMap((cron) => cron.minutesOfDay));
    if (minutes.size === 0) continue;
    const offset = offsetMs(dayMs - DAY_MS, timeZone);
    const isSteady = offset === offsetMs(dayMs + 2 * DAY_MS, timeZone);
    for (const minute of minutes) {
      const wallMs = dayMs + minute * MINUTE_MS;
      const atMs = isSteady ? wallMs - offset : instantOf(wallMs, timeZone);
      if (atMs >= fromMs && atMs < untilMs) found.add(atMs);
    }
  }
  return [...found].sort((a, b) => a - b);
}

/** The smallest distance in minutes between two times of day of the expressions, across midnight too; days are not told apart. */
export function closestMinutes(crons: readonly CronTimes[]): number {
  const minutes = [...new Set(crons.flatMap((cron) => cron.minutesOfDay))].sort((a, b) => a - b);
  if (minutes.length < 2) return 24 * 60;
  const wrapped = [...minutes.slice(1), minutes[0]! + 24 * 60];
  return Math.min(...wrapped.map((minute, at) => minute - minutes[at]!));
}
