import type { ReactNode } from 'react';
import classes from './progress-line.module.css';

/** A bar with words: what is going on, how far it is, and (where known) how much that is. `share` null means "not known yet". */
export function ProgressLine({
  label,
  share,
  words,
}: {
  label: string;
  share: number | null;
  words: ReactNode;
}): ReactNode {
  const percent = share === null ? null : Math.floor(Math.min(1, Math.max(0, share)) * 100);
  return (
    <div className={classes.progress}>
      <div className={classes.head}>
        <span className={classes.label}>{label}</span>
        <span className={classes.words}>{words}</span>
      </div>
      <div
        className={classes.track}
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent ?? undefined}
        data-open={percent === null || undefined}
      >
        <div className={classes.fill} style={percent === null ? undefined : { width: `${percent}%` }} />
      </div>
    </div>
  );
}
