import Link from 'next/link';
import type { ReactNode } from 'react';
import classes from './metric-tile.module.css';
import type { Tone } from './state-words.ts';

/** One figure with its name, what it is measured against, and (optional) how much of the target is used. */
export function MetricTile({
  name,
  value,
  note,
  tone,
  share,
  href,
}: {
  name: string;
  value: ReactNode;
  note?: ReactNode;
  tone?: Tone;
  /** Used part of the target; more than 1 is beyond it. */
  share?: number;
  /** What the figure was computed from. */
  href?: string;
}): ReactNode {
  return (
    <div className={classes.tile} data-tone={tone}>
      <dt className={classes.name}>{name}</dt>
      <dd className={classes.value}>
        {href === undefined ? (
          value
        ) : (
          <Link href={href} prefetch={false}>
            {value}
            <span className="hf-visually-hidden">, {name}: what it is made of</span>
          </Link>
        )}
      </dd>
      {share !== undefined && (
        <div className={classes.track} aria-hidden="true">
          <div className={classes.fill} style={{ width: `${Math.min(100, Math.max(0, share * 100))}%` }} />
        </div>
      )}
      {note !== undefined && <dd className={classes.note}>{note}</dd>}
    </div>
  );
}

export function MetricRow({ children }: { children: ReactNode }): ReactNode {
  return <dl className={classes.row}>{children}</dl>;
}
