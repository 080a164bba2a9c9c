import type { ReactNode } from 'react';
import type { CalendarDay, DrillCalendar, DueDrills } from '../../../../server/drills/plan-calendar.ts';
import { SCOPE_WORDS } from '../../../_ui/drill-words.ts';
import { WeekGrid } from '../../../_ui/week-grid.tsx';
import classes from './drill-calendar.module.css';

/** The next 28 days, Monday first, each with what is due on it. */
export function DrillCalendarGrid({ calendar }: { calendar: DrillCalendar }): ReactNode {
  return (
    <WeekGrid firstDay={calendar.days[0]?.day ?? ''}>
      {calendar.days.map((day, at) => (
        <li key={day.day} className={classes.day} data-due={day.due.length > 0 || undefined}>
          <Day day={day} isToday={at === 0} isNamed={at === 0 || day.day.endsWith('-01')} />
        </li>
      ))}
    </WeekGrid>
  );
}

function Day({ day, isToday, isNamed }: { day: CalendarDay; isToday: boolean; isNamed: boolean }): ReactNode {
  const atMs = Date.parse(`${day.day}T00:00:00Z`);
  const format = (options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', ...options }).format(atMs);
  return (
    <>
      <span className={classes.date}>
        <span aria-hidden="true">
          {isToday ? 'Today' : format(isNamed ? { day: 'numeric', month: 'short' } : { day: 'numeric' })}
        </span>
        <span className="hf-visually-hidden">{format({ day: 'numeric', month: 'long' })}</span>
      </span>
      {day.due.length === 0 ? (
        <span className="hf-visually-hidden">: nothing is due</span>
      ) : (
        <ul className={classes.due}>
          {day.due.map((due) => (
            <li key={`${due.level} ${due.scope}`} title={dueWords(due)} data-level={due.level}>
              <span aria-hidden="true">
                <b>{due.count}</b>
                <span className={classes.kind}>
                  {' '}
                  level {due.level}
                  {due.scope === 'full' && ', full'}
                </span>
              </span>
              <span className="hf-visually-hidden">{dueWords(due)}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function dueWords({ level, scope, count, deviceNames }: DueDrills): string {
  const more = count - deviceNames.length;
  return `${count} of level ${level}, ${SCOPE_WORDS[scope]}: ${deviceNames.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
