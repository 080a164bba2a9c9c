import type { ReactNode } from 'react';
import { formatElapsed } from '../../../_ui/format.ts';
import classes from './timing-bars.module.css';

const PARTS: readonly (readonly [string, string])[] = [
  ['queue', 'Waiting for a worker'],
  ['locate', 'Opening the repository'],
  ['transfer', 'Restoring'],
  ['checks', 'Comparing'],
];

/** How long each part took, as bars of one scale with their values beside them. */
export function TimingBars({ timings }: { timings: Readonly<Record<string, number>> }): ReactNode {
  const known = PARTS.flatMap(([key, name]) => (timings[key] === undefined ? [] : [{ key, name, ms: timings[key] }]));
  if (known.length === 0) return <p className="hf-quiet">Measured when the drill has ended.</p>;
  const longest = Math.max(...known.map((part) => part.ms), 1);
  return (
    <dl className={classes.bars}>
      {known.map((part) => (
        <div key={part.key} className={classes.bar}>
          <dt>{part.name}</dt>
          <dd>
            <span className={classes.track} aria-hidden="true">
              <span style={{ width: `${(part.ms / longest) * 100}%` }} />
            </span>
            <span className="hf-num">{formatElapsed(part.ms)}</span>
          </dd>
        </div>
      ))}
      {timings['total'] !== undefined && (
        <div className={classes.total}>
          <dt>Together</dt>
          <dd className="hf-num">{formatElapsed(timings['total'])}</dd>
        </div>
      )}
    </dl>
  );
}
