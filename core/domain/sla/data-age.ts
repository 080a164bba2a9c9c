/** Metric 1 of docs/metrics.md: how old the newest usable data was, at an instant and over a window. Everything is milliseconds. */
import type { Interval } from './intervals.ts';

/** A usable restore point: sealed, neither quarantined nor expired, complete or accepted as partial. */
export interface PointTimes {
  /** The instant at which its data is consistent. */
  readonly captureMs: number;
  /** The instant from which it could be restored: when the server sealed it. Never before `captureMs` is believed. */
  readonly commitMs: number;
}

/** A stretch of the window in which the age grows evenly from `ageMs`; null: no point existed yet, the age is infinite. */
export interface AgeSegment extends Interval {
  readonly ageMs: number | null;
}

/** Metric 1. Null: there was no usable point at that time, the age is infinite. */
export function dataAgeMs(points: readonly PointTimes[], atMs: number): number | null {
  let newest: number | null = null;
  for (const point of points)
    if (point.commitMs <= atMs && (newest === null || point.captureMs > newest)) newest = point.captureMs;
  return newest === null ? null : atMs - newest;
}

/**
 * When the promise to a new source begins: when its first restore point was sealed, whatever became of that one, or one RPO
 * after it was added, whichever is first. Before, no data could have been older than the target allows.
 */
export function promiseStartMs(source: {
  readonly addedMs: number;
  readonly firstSealedMs: number | null;
  readonly rpoMs: number;
}): number {
  return Math.min(source.firstSealedMs ?? Infinity, source.addedMs + source.rpoMs);
}

/** The window cut into stretches between commits, with the running maximum of the captures (commits out of order). */
export function ageSegments(points: readonly PointTimes[], window: Interval): AgeSegment[] {
  if (window.endMs <= window.startMs) return [];
  const inOrder = [...points].sort((a, b) => a.commitMs - b.commitMs);
  const segments: AgeSegment[] = [];
  let newest: number | null = null;
  let startMs = window.startMs;
  for (const point of inOrder) {
    if (point.commitMs >= window.endMs) break;
    if (newest !== null && point.captureMs <= newest) continue;
    if (point.commitMs > startMs) {
      segments.push({ startMs, endMs: point.commitMs, ageMs: newest === null ? null : startMs - newest });
      startMs = point.commitMs;
    }
    newest = point.captureMs;
  }
  segments.push({ startMs, endMs: window.endMs, ageMs: newest === null ? null : startMs - newest });
  return segments;
}
