import type { ReactNode } from 'react';
import { elapsedRtoMs, RTO_PARTS, type RtoTimings, technicalRtoMs } from '../../../../core/domain/rto-parts.ts';
import type { DrillDetailView } from '../../../../server/drills/queries.ts';
import { RTO_PART_WORDS } from '../../../_ui/drill-words.ts';
import { formatDuration, formatElapsed } from '../../../../core/domain/format.ts';
import classes from './rto-bars.module.css';

/** How long each part of the recovery took, on one scale; the two sums; and what everything would take, marked as an estimate. */
export function RtoBars({ view }: { view: DrillDetailView }): ReactNode {
  const timings = view.timings as RtoTimings; // parts that the list does not know are not shown
  const known = RTO_PARTS.flatMap((part) => ((timings[part] ?? 0) < 0.5 ? [] : [{ part, ms: timings[part]! }]));
  if (known.length === 0) return <p className="hf-quiet">Measured when the drill has ended.</p>;
  const longest = Math.max(...known.map(({ ms }) => ms), 1);
  const technical = technicalRtoMs(timings);
  const elapsed = elapsedRtoMs(timings);
  const isFull = view.drill.scope === 'full';
  return (
    <>
      <dl className={classes.bars}>
        {known.map(({ part, ms }) => (
          <div key={part} className={classes.bar} data-part={part}>
            <dt>{RTO_PART_WORDS[part]}</dt>
            <dd>
              <span className={classes.track} aria-hidden="true">
                <span style={{ width: `${(ms / longest) * 100}%` }} />
              </span>
              <span className="hf-num">{formatElapsed(ms)}</span>
            </dd>
          </div>
        ))}
        <div className={classes.total}>
          <dt>The work itself</dt>
          <dd className="hf-num">{technical === undefined ? '–' : formatElapsed(technical)}</dd>
        </div>
        <div className={classes.total} data-strong>
          <dt>Together, with the wait</dt>
          <dd className="hf-num">{elapsed === undefined ? '–' : formatElapsed(elapsed)}</dd>
        </div>
        {timings.total !== undefined && (
          <div className={classes.total}>
            <dt>The whole drill, its sandbox with it</dt>
            <dd className="hf-num">{formatElapsed(timings.total)}</dd>
          </div>
        )}
        {view.rtoEstimatedMs !== null && (
          <div className={classes.total}>
            <dt>
              Everything <span className={classes.estimated}>estimated</span>
            </dt>
            <dd className="hf-num">about {formatElapsed(view.rtoEstimatedMs)}</dd>
          </div>
        )}
      </dl>
      <p className={classes.note}>
        {isFull
          ? 'Measured on everything in the restore point.'
          : 'Measured on the sample; what everything takes is an estimate, from the pace that nine of ten samples reach.'}{' '}
        Target: {formatDuration(view.rtoTargetMs)}.
      </p>
    </>
  );
}
