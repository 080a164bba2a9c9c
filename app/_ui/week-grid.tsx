import type { CSSProperties, ReactNode } from 'react';
import { weekdayOf } from '../../core/domain/calendar.ts';
import classes from './week-grid.module.css';

const WEEKDAYS = ['Mo', 'Tu', 'We', 'Th', 'Fr', 'Sa', 'Su'];

/** Days in weeks that begin with Monday: list items, the first of them in the column of its weekday. */
export function WeekGrid({
  firstDay,
  className = '',
  children,
}: {
  firstDay: string;
  className?: string | undefined;
  children: ReactNode;
}): ReactNode {
  const first = { '--first-column': weekdayOf(firstDay) + 1 } as CSSProperties; // React passes variables of CSS on
  return (
    <div className={className}>
      <div className={classes.weekdays} aria-hidden="true">
        {WEEKDAYS.map((name) => (
          <span key={name}>{name}</span>
        ))}
      </div>
      <ol className={classes.days} style={first}>
        {children}
      </ol>
    </div>
  );
}
