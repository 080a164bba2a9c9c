/** Metric 21 of docs/metrics.md: how restores that people asked for were served. */
import type { Interval } from './intervals.ts';
import { quantile } from './quantile.ts';
import { type Share, shareOf } from './share.ts';

/** How a restore can end, and `open` for one that has not. */
export const RESTORE_STATES = ['open', 'delivered', 'failed', 'abandoned', 'cancelled', 'unknown'] as const;
/**
 * delivered: all that was asked for is there. failed: it was said to have failed. abandoned: nothing was heard of it until its time was
 * over, so that it counts as failed. cancelled: whoever asked stopped it. unknown: an agent did it that cannot tell its ends.
 */
export type RestoreState = (typeof RESTORE_STATES)[number];

/** Who asked: a user of the customer, one of the provider, or whoever sat at the machine, of whom nothing more is known. */
export type RestoreAsker = 'customer' | 'provider' | 'machine';

/** One restore. Times in milliseconds since the epoch, all of the service's own clock. */
export interface RestoreTimes {
  readonly state: RestoreState;
  readonly asker: RestoreAsker;
  readonly requestedMs: number;
  /** When the first restored byte was handed over; null: none was. */
  readonly firstByteMs: number | null;
  /** Null while it is open. */
  readonly endedMs: number | null;
}

/** How long it took from the request on, in milliseconds; null with `of` 0. */
export interface WaitFigures {
  /** Restores that it was measured of. */
  readonly of: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

export interface RestoreFigures {
  /** Until the first byte, of those that were delivered. */
  readonly firstByte: WaitFigures;
  /** Until everything was there, of those that were delivered. */
  readonly delivered: WaitFigures;
  /** Of those whose asker is known to be a user: asked for by one of the customer. */
  readonly selfServed: Share;
  /** Asked for at the machine itself; in no share, for nobody knows by whom. */
  readonly atMachine: number;
  /** Failed or abandoned, of all that were decided. */
  readonly failed: Share;
  readonly abandoned: number;
  /** In none of the figures. */
  readonly cancelled: number;
  readonly unknown: number;
}

/** Those that ended within `span`, whenever they were asked for: what ended is decided, and stays so when the month closes. */
export function restoreFigures(restores: readonly RestoreTimes[], span: Interval): RestoreFigures {
  const ended = restores.filter(
    ({ state, endedMs }) => state !== 'open' && endedMs !== null && endedMs >= span.startMs && endedMs < span.endMs,
  );
  const count = (state: RestoreState): number => ended.filter((one) => one.state === state).length;
  const decided = ended.filter(({ state }) => state === 'delivered' || isFailed(state));
  const delivered = decided.filter(({ state }) => state === 'delivered');
  const known = decided.filter(({ asker }) => asker !== 'machine');
  return {
    firstByte: waitFigures(delivered.flatMap((one) => since(one, one.firstByteMs))),
    delivered: waitFigures(delivered.flatMap((one) => since(one, one.endedMs))),
    selfServed: shareOf(known.filter(({ asker }) => asker === 'customer').length, known.length),
    atMachine: decided.length - known.length,
    failed: shareOf(decided.length - delivered.length, decided.length),
    abandoned: count('abandoned'),
    cancelled: count('cancelled'),
    unknown: count('unknown'),
  };
}

export function isFailed(state: RestoreState): boolean {
  return state === 'failed' || state === 'abandoned';
}

/** A clock that was set back in between must not make a wait shorter than none. */
function since({ requestedMs }: RestoreTimes, atMs: number | null): number[] {
  return atMs === null ? [] : [Math.max(0, atMs - requestedMs)];
}

function waitFigures(waits: readonly number[]): WaitFigures {
  return { of: waits.length, p50Ms: quantile(waits, 0.5), p95Ms: quantile(waits, 0.95) };
}
