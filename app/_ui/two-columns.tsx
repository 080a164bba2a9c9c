import type { ReactNode } from 'react';
import classes from './two-columns.module.css';

/** Two panels side by side, one under another where there is no room. */
export function TwoColumns({ main, side }: { main: ReactNode; side: ReactNode }): ReactNode {
  return (
    <div className={classes.columns}>
      <div>{main}</div>
      <div>{side}</div>
    </div>
  );
}
