/** Metric 2 of docs/metrics.md: when the data was older than the target, and the share of time in which it was not. */
import { ageSegments, type PointTimes } from './data-age.ts';
import { type Interval, lengthMs, without } from './intervals.ts';

export interface RpoAttainment {
  /** The window without its excused parts. */
  readonly windowMs: number;
  /** How long the data was older than the target, or not protected at all. */
  readonly violationMs: number;
  /** 0 to 1; null when nothing is left of the window. */
  readonly share: number | null;
}

interface Question {
  readonly points: readonly PointTimes[];
  readonly window: Interval;
  readonly excused?: readonly Interval[];
  readonly rpoMs: number;
}

/**
 * Metric 2: the share of the window in which the data age was within `rpoMs`. Time before the first point is violation,
 * so a source that was never backed up has 0. Points may come in any order.
 */
export function rpoAttainment(question: Question): RpoAttainment {
  const windowMs = lengthMs(without(question.window, question.excused ?? []));
  const violationMs = lengthMs(breaches(question));
  return { windowMs, violationMs, share: windowMs === 0 ? null : 1 - violationMs / windowMs };
}

/** The stretches of the window, without what is excused, in which the data was older than the target, in order and apart. */
export function breaches({ points, window, excused = [], rpoMs }: Question): Interval[] {
  const found: Interval[] = [];
  for (const segment of ageSegments(points, window)) {
    const breachMs = segment.ageMs === null ? segment.startMs : segment.startMs + (rpoMs - segment.ageMs);
    const startMs = Math.max(segment.startMs, breachMs);
    if (startMs >= segment.endMs) continue;
    const last = found.at(-1);
    // A point that came and was already too old ends no breach.
    if (last !== undefined && last.endMs === startMs) found[found.length - 1] = { ...last, endMs: segment.endMs };
    else found.push({ startMs, endMs: segment.endMs });
  }
  return found.flatMap((breach) => without(breach, excused));
}
