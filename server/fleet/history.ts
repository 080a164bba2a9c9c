import { OCCURRENCE_OUTCOMES, type OccurrenceOutcome } from '../../core/domain/outcome.ts';
import type { HistoryDay } from './view.ts';

export const HISTORY_DAYS = 28;
const DAY_MS = 24 * 3600_000;

/** The worst decides how a day is drawn. Excused and on time are both fine; an excuse is shown only where nothing else is. */
const WORST_FIRST: readonly OccurrenceOutcome[] = ['failed', 'missed', 'stuck', 'partial', 'late', 'ok', 'excused'];

export interface DayCount {
  readonly day: string;
  /** An occurrence outcome, `extra` for a point that no schedule asked for, or how a drill ended. */
  readonly kind: OccurrenceOutcome | 'extra' | 'drill_passed' | 'drill_failed';
  readonly count: number;
}

/** The calendar day of an instant in a zone, 2026-11-21. */
export function dayOf(atMs: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(atMs);
}

/** The last 28 calendar days in the zone, the oldest first and today last, with what the counts say of each. */
export function buildHistory(counts: readonly DayCount[], nowMs: number, timeZone: string): HistoryDay[] {
  const byDay = new Map<string, DayCount[]>();
  for (const count of counts) byDay.set(count.day, [...(byDay.get(count.day) ?? []), count]);
  return lastDays(nowMs, timeZone).map((day) => toHistoryDay(day, byDay.get(day) ?? []));
}

function toHistoryDay(day: string, found: readonly DayCount[]): HistoryDay {
  const countOf = (kind: DayCount['kind']): number =>
    found.reduce((sum, one) => (one.kind === kind ? sum + one.count : sum), 0);
  const counts = Object.fromEntries(OCCURRENCE_OUTCOMES.map((outcome) => [outcome, countOf(outcome)]));
  return {
    day,
    label: new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short' }).format(
      Date.parse(`${day}T00:00:00Z`),
    ),
    worst: WORST_FIRST.find((outcome) => countOf(outcome) > 0) ?? null,
    counts: counts as HistoryDay['counts'], // built from the closed list of outcomes one line above
    extraPoints: countOf('extra'),
    drillsPassed: countOf('drill_passed'),
    drillsFailed: countOf('drill_failed'),
  };
}

function lastDays(nowMs: number, timeZone: string): string[] {
  // Calendar arithmetic on the day itself: stepping by 24 hours would repeat or skip a day when the clocks change.
  const todayMs = Date.parse(`${dayOf(nowMs, timeZone)}T00:00:00Z`);
  return Array.from({ length: HISTORY_DAYS }, (_, at) =>
    new Date(todayMs - (HISTORY_DAYS - 1 - at) * DAY_MS).toISOString().slice(0, 10),
  );
}
