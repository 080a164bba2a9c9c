/** Metric 3 of docs/metrics.md: the most that could have been lost in a window, and the age that was rarely exceeded. */
import { ageSegments, type PointTimes } from './data-age.ts';
import type { Interval } from './intervals.ts';

/**
 * Metric 3: the highest data age of the window and when it was reached, over the time in which a point existed. Null: no
 * usable point in any part of the window. Excused time counts here: what could have been lost does not ask who approved.
 */
export function peakExposure(points: readonly PointTimes[], window: Interval): { ageMs: number; atMs: number } | null {
  let peak: { ageMs: number; atMs: number } | null = null;
  for (const segment of ageSegments(points, window)) {
    if (segment.ageMs === null) continue;
    const ageMs = segment.ageMs + (segment.endMs - segment.startMs);
    if (peak === null || ageMs > peak.ageMs) peak = { ageMs, atMs: segment.endMs };
  }
  return peak;
}

/**
 * The age that was not exceeded for the given share of the window (metric 3, 0.95). Null: infinite, for the data had no
 * point for more than the rest of the window; or the window is empty.
 */
export function exposureQuantileMs(points: readonly PointTimes[], window: Interval, share: number): number | null {
  const segments = ageSegments(points, window);
  const wantedMs = (window.endMs - window.startMs) * share;
  const finite = segments.filter((segment) => segment.ageMs !== null);
  // The time spent at an age of at most x grows evenly between the ages at which a segment begins or ends.
  const edges = finite.flatMap(({ ageMs, startMs, endMs }) => [ageMs!, ageMs! + (endMs - startMs)]);
  edges.sort((a, b) => a - b);
  const timeWithin = (x: number) =>
    finite.reduce((sum, s) => sum + Math.min(Math.max(x - s.ageMs!, 0), s.endMs - s.startMs), 0);
  let below = edges[0];
  if (below === undefined) return null;
  for (const edge of edges) {
    const reached = timeWithin(edge);
    if (reached >= wantedMs) {
      const before = timeWithin(below);
      return reached === before ? below : below + ((wantedMs - before) / (reached - before)) * (edge - below);
    }
    below = edge;
  }
  return null;
}
