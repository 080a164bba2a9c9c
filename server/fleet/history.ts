import { dayOf } from '../../core/domain/calendar.ts';
import type { OccurrenceOutcome } from '../../core/domain/outcome.ts';
import type { HistoryDay } from './view.ts';

export const HISTORY_DAYS = 28;
const DAY_MS = 24 * 3600_000;

/** The worst decides how a day is drawn. Excused and on time are both fine; an excuse is shown only where nothing else is. */
const WORST_FIRST: readonly OccurrenceOutcome[] = ['failed', 'missed', 'stuck', 'partial', 'late', 'ok', 'excused'];

const NOTHING: Readonly<Record<DayCount['kind'], number>> = {
  ...{ ok: 0, late: 0, partial: 0, failed: 0, missed: 0, excused: 0, stuck: 0 },
  ...{ extra: 0, drill_passed: 0, drill_failed: 0 },
};

export interface DayCount {
  readonly day: string;
  /** An occurrence outcome, `extra` for a point that no schedule asked for, or how a drill ended. */
  readonly kind: OccurrenceOutcome | 'extra' | 'drill_passed' | 'drill_failed';
  readonly count: number;
}

/** A day of the bar and how people write it. */
export interface BarDay {
  readonly day: string;
  readonly label: string;
}

/** The last 28 calendar days in the zone, the oldest first and today last. */
export function barDays(nowMs: number, timeZone: string): BarDay[] {
  return lastDays(nowMs, timeZone).map((day) => ({ day, label: dayLabel(day) }));
}

/** Each of the days (of `barDays`, made once for all devices of a zone), with what the counts say of it. */
export function buildHistory(counts: readonly DayCount[], days: readonly BarDay[]): HistoryDay[] {
  const byDay = Map.groupBy(counts, ({ day }) => day);
  return days.map((day) => toHistoryDay(day, byDay.get(day.day) ?? []));
}

function toHistoryDay({ day, label }: BarDay, found: readonly DayCount[]): HistoryDay {
  const sums = { ...NOTHING };
  for (const { kind, count } of found) sums[kind] += count;
  const { extra: extraPoints, drill_passed: drillsPassed, drill_failed: drillsFailed, ...counts } = sums;
  return {
    ...{ day, label, counts, extraPoints, drillsPassed, drillsFailed },
    worst: found.length === 0 ? null : (WORST_FIRST.find((outcome) => sums[outcome] > 0) ?? null),
  };
}

const LABEL = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short' });

/** 21 Nov, of 2026-11-21. */
export function dayLabel(day: string): string {
  return LABEL.format(Date.parse(`${day}T00:00:00Z`));
}

export function lastDays(nowMs: number, timeZone: string): string[] {
  // Calendar arithmetic on the day itself: stepping by 24 hours would repeat or skip a day when the clocks change.
  const todayMs = Date.parse(`${dayOf(nowMs, timeZone)}T00:00:00Z`);
  return Array.from({ length: HISTORY_DAYS }, (_, at) =>
    new Date(todayMs - (HISTORY_DAYS - 1 - at) * DAY_MS).toISOString().slice(0, 10),
  );
}
