import Link from 'next/link';
import type { ReactNode } from 'react';
import { daysOfMonth, dayOf } from '../../core/domain/calendar.ts';
import { formatDuration } from '../../core/domain/format.ts';
import { OCCURRENCE_OUTCOMES } from '../../core/domain/outcome.ts';
import type { DayLine, SlaMonthView } from '../../server/sla/view-sla-month.ts';
import classes from './sla-month.module.css';
import { OCCURRENCE_WORDS } from './state-words.ts';
import { WeekGrid } from './week-grid.tsx';

/** The days of a month, Monday first, each with its worst outcome and the highest age; each opens its rows. */
export function SlaCalendar({ view, rowsPath }: { view: SlaMonthView; rowsPath: string }): ReactNode {
  const days = daysOfMonth(view.month);
  const lines = new Map(view.days.map((line) => [line.day, line]));
  const today = dayOf(view.nowMs, view.customer.timeZone);
  return (
    <>
      <WeekGrid firstDay={`${view.month}-01`} className={classes.days}>
        {days.map((day) => {
          const line = lines.get(day);
          const number = Number(day.slice(8));
          return (
            <li key={day}>
              {line === undefined || line.day > today ? (
                <span>
                  <b>{number}</b>
                  <span className={classes.words}>{day > today ? 'to come' : 'nothing known'}</span>
                </span>
              ) : (
                <Link
                  href={`${rowsPath}?month=${view.month}&day=${day}`}
                  prefetch={false}
                  data-kind={kindOf(line)}
                  title={dayWords(line)}
                >
                  <b>{number}</b>
                  <span className={classes.words}>{dayWords(line)}</span>
                </Link>
              )}
            </li>
          );
        })}
      </WeekGrid>
      <p className={classes.legend}>
        A thick border: a backup failed or was missed. A thin one: late, partial or stuck. Hatched: excused. Each day
        opens the rows behind it.
      </p>
    </>
  );
}

function kindOf({ counts, violationMs }: DayLine): 'risk' | 'warn' | 'excused' | 'ok' | 'none' {
  if (counts.failed + counts.missed > 0) return 'risk';
  if (counts.late + counts.partial + counts.stuck > 0 || violationMs > 0) return 'warn';
  if (counts.excused > 0) return 'excused';
  return counts.ok > 0 ? 'ok' : 'none';
}

function dayWords({ counts, peakMs, violationMs, drillsPassed, drillsFailed }: DayLine): string {
  const outcomes = OCCURRENCE_OUTCOMES.filter((outcome) => counts[outcome] > 0);
  // What went well is said only where nothing else is.
  const told = outcomes.filter((outcome) => outcome !== 'ok' || outcomes.length === 1);
  const parts = told.map((outcome) => `${counts[outcome]} ${OCCURRENCE_WORDS[outcome].word}`);
  if (parts.length === 0) parts.push('nothing due');
  if (peakMs !== null) parts.push(`up to ${formatDuration(peakMs)} old`);
  if (violationMs > 0) parts.push(`${formatDuration(violationMs)} outside`);
  if (drillsPassed > 0) parts.push(`${drillsPassed} tested`);
  if (drillsFailed > 0) parts.push(`${drillsFailed} ${drillsFailed === 1 ? 'test' : 'tests'} failed`);
  return parts.join(', ');
}
