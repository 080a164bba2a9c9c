import type { ReactNode } from 'react';
import { formatDuration } from '../../core/domain/format.ts';
import classes from './rto-bar.module.css';

/** How long a restore took, against the target: the line is the target, what is hatched is estimated. The words say the same. */
export function RtoBar({
  tookMs,
  targetMs,
  isEstimated,
}: {
  tookMs: number;
  targetMs: number | null;
  isEstimated: boolean;
}): ReactNode {
  const estimated = isEstimated ? ', estimated' : '';
  if (targetMs === null) return `${formatDuration(tookMs)}${estimated}`;
  const wholeMs = Math.max(tookMs, targetMs);
  return (
    <span className={classes.bar}>
      <span>
        {formatDuration(tookMs)} of {formatDuration(targetMs)}
        {estimated}
        {tookMs > targetMs && <b>, too long</b>}
      </span>
      <span
        className={classes.track}
        data-kind={isEstimated ? 'estimated' : tookMs > targetMs ? 'over' : 'within'}
        aria-hidden="true"
      >
        {/* A second of four hours is still something that was measured. */}
        <span className={classes.fill} style={{ width: `${Math.max(1, (tookMs / wholeMs) * 100)}%` }} />
        <span className={classes.target} style={{ left: `${(targetMs / wholeMs) * 100}%` }} />
      </span>
    </span>
  );
}
