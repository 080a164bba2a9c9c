/** A share that knows what it was computed from: no figure is shown without its count (docs/metrics.md). */

export interface Share {
  /** How many things fulfil it. */
  readonly met: number;
  /** Of how many. 0: there is nothing to say, and `share` is null. */
  readonly of: number;
  readonly share: number | null;
}

export function shareOf(met: number, of: number): Share {
  return { met, of, share: of === 0 ? null : met / of };
}
