import Link from 'next/link';
import type { ReactNode } from 'react';
import { monthWords } from '../../core/domain/sla/sla-words.ts';
import classes from './month-picker.module.css';

/** The months of a page as links, the newest first. */
export function MonthPicker({
  path,
  months,
  month,
  query = {},
}: {
  path: string;
  months: readonly string[];
  month: string;
  /** What else stands in the address. */
  query?: Readonly<Record<string, string>>;
}): ReactNode {
  return (
    <nav className={classes.picker} aria-label="Months">
      {months.map((one) => (
        <Link
          key={one}
          href={`${path}?${new URLSearchParams({ month: one, ...query })}`}
          prefetch={false}
          aria-current={one === month ? 'page' : undefined}
        >
          {monthWords(one)}
        </Link>
      ))}
    </nav>
  );
}
