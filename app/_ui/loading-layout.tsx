import type { ReactNode } from 'react';
import classes from './loading-layout.module.css';

/** The layout of a screen before its figures: headline, tiles, rows. */
export function LoadingLayout({ tiles = 0, rows = 6 }: { tiles?: number; rows?: number }): ReactNode {
  return (
    <div role="status" aria-label="Loading">
      <div className={classes.line} style={{ width: 96 }} />
      <div className={classes.headline} />
      {tiles > 0 && (
        <div className={classes.tiles}>
          {Array.from({ length: tiles }, (_, at) => (
            <div key={at} className={classes.tile} />
          ))}
        </div>
      )}
      <div className={classes.rows}>
        {Array.from({ length: rows }, (_, at) => (
          <div key={at} className={classes.row} />
        ))}
      </div>
    </div>
  );
}
