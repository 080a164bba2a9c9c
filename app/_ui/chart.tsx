import type { ReactNode } from 'react';
import classes from './chart.module.css';

/** The chart library draws in the browser only and is the heaviest script of the portal: its place is kept until it is there. */
export function ChartPlace({ height, children }: { height: number; children?: ReactNode }): ReactNode {
  return (
    <div className={classes.place} style={{ height }}>
      {children}
    </div>
  );
}

/** What a chart shows, for those who read numbers or cannot see it. */
export function ChartTable({ children }: { children: ReactNode }): ReactNode {
  return (
    <details className={classes.table}>
      <summary>As a table</summary>
      {children}
    </details>
  );
}
