import type { ReactNode } from 'react';
import type { OccurrenceOutcome } from '../../core/domain/outcome.ts';
import { dayOf, daysOfMonth } from '../../core/domain/calendar.ts';
import type { DeviceSummary } from '../../server/fleet/view.ts';
import classes from './month-calendar.module.css';
import { OCCURRENCE_WORDS } from './state-words.ts';
import { WeekGrid } from './week-grid.tsx';

const WORST_FIRST: readonly OccurrenceOutcome[] = ['failed', 'missed', 'stuck', 'partial', 'late', 'ok', 'excused'];

interface Day {
  readonly day: string;
  readonly number: number;
  readonly kind: OccurrenceOutcome | 'extra' | 'none' | 'future' | 'unknown';
  readonly drills: number;
  readonly words: string;
}

/** The days of a month, Monday first, each with the worst that happened to any device on it. */
export function MonthCalendar({
  month,
  devices,
  nowMs,
  timeZone,
}: {
  month: string;
  devices: readonly DeviceSummary[];
  nowMs: number;
  timeZone: string;
}): ReactNode {
  const days = monthDays(month, devices, dayOf(nowMs, timeZone));
  return (
    <>
      <WeekGrid firstDay={`${month}-01`} className={classes.month}>
        {days.map((day) => (
          <li key={day.day} className={classes.day} data-kind={day.kind} title={day.words}>
            <span aria-hidden="true">{day.number}</span>
            <span className={classes.mark} data-drill={day.drills > 0 || undefined} aria-hidden="true" />
            <span className="hf-visually-hidden">{day.words}</span>
          </li>
        ))}
      </WeekGrid>
      <ul className={classes.legend}>
        <li data-kind="ok">made as expected</li>
        <li data-kind="late">late or partial</li>
        <li data-kind="missed">failed or missed</li>
        <li data-kind="drill">restore drill passed</li>
      </ul>
    </>
  );
}

function monthDays(month: string, devices: readonly DeviceSummary[], today: string): Day[] {
  return daysOfMonth(month).map((day) => toDay(day, Number(day.slice(8)), devices, today));
}

function toDay(day: string, number: number, devices: readonly DeviceSummary[], today: string): Day {
  if (day > today) return { day, number, kind: 'future', drills: 0, words: `${number}: still to come` };
  const found = devices.flatMap((device) => device.history.filter((one) => one.day === day));
  // The bar reaches back 28 days: the first days of a longer month are told by the table beside the calendar.
  if (devices.length > 0 && found.length === 0) {
    return { day, number, kind: 'unknown', drills: 0, words: `${number}: more than 28 days ago` };
  }
  const count = (outcome: OccurrenceOutcome): number => found.reduce((sum, one) => sum + one.counts[outcome], 0);
  const drills = found.reduce((sum, one) => sum + one.drillsPassed, 0);
  const extra = found.reduce((sum, one) => sum + one.extraPoints, 0);
  const worst = WORST_FIRST.find((outcome) => count(outcome) > 0);
  const parts = WORST_FIRST.filter((outcome) => count(outcome) > 0).map(
    (outcome) => `${count(outcome)} ${OCCURRENCE_WORDS[outcome].word}`,
  );
  if (extra > 0) parts.push(`${extra} on request`);
  if (drills > 0) parts.push(`${drills} ${drills === 1 ? 'drill' : 'drills'} passed`);
  return {
    day,
    number,
    kind: worst ?? (extra > 0 ? 'extra' : 'none'),
    drills,
    words: `${number}: ${parts.length === 0 ? 'nothing was expected' : parts.join(', ')}`,
  };
}
