import type { ReactNode } from 'react';
import { Age } from './age.client.tsx';
import { formatExact, formatShort } from '../../core/domain/format.ts';

/** The clock and the zone of a page: every time on it is told by these. */
export interface PageClock {
  readonly nowMs: number;
  readonly timeZone: string;
}

/** A relative time whose exact form, in the customer's zone, is in the tooltip. */
export function Moment({
  atMs,
  clock,
  form = 'relative',
  empty = 'never',
}: {
  atMs: number | null;
  clock: PageClock;
  form?: 'relative' | 'length';
  empty?: string;
}): ReactNode {
  const exact = atMs === null ? null : formatExact(atMs, clock.timeZone);
  return <Age atMs={atMs} nowMs={clock.nowMs} exact={exact} form={form} empty={empty} />;
}

/** "21 Nov, 14:05" with the exact time in the tooltip; for lists where the age says less than the hour. */
export function ShortTime({ atMs, clock }: { atMs: number; clock: PageClock }): ReactNode {
  return (
    <time dateTime={new Date(atMs).toISOString()} title={formatExact(atMs, clock.timeZone)} className="hf-num">
      {formatShort(atMs, clock.timeZone)}
    </time>
  );
}
