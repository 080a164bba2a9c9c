/**
 * The figures of docs/metrics.md, 1 to 4 and 6, as pure functions of restore points and outcomes. Nowhere else in the
 * product is one of them computed. Times and lengths are milliseconds; windows are half open, [startMs, endMs).
 */
import type { OccurrenceOutcome } from './outcome.ts';

export interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

/** A usable restore point: sealed, neither quarantined nor expired, complete or accepted as partial. */
export interface PointTimes {
  /** The instant at which its data is consistent. */
  readonly captureMs: number;
  /** The instant from which it could be restored: when the server sealed it. Never before `captureMs` is believed. */
  readonly commitMs: number;
}

/** A stretch of the window in which the age grows evenly from `ageMs`; null: no point existed yet, the age is infinite. */
interface AgeSegment extends Interval {
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

export interface RpoAttainment {
  /** The window without its excused parts. */
  readonly windowMs: number;
  /** How long the data was older than the target, or not protected at all. */
  readonly violationMs: number;
  /** 0 to 1; null when nothing is left of the window. */
  readonly share: number | null;
}

/**
 * Metric 2: the share of the window in which the data age was within `rpoMs`. Time before the first point is violation,
 * so a source that was never backed up has 0. Points may come in any order.
 */
export function rpoAttainment(input: {
  readonly points: readonly PointTimes[];
  readonly window: Interval;
  readonly excused?: readonly Interval[];
  readonly rpoMs: number;
}): RpoAttainment {
  let windowMs = 0;
  let violationMs = 0;
  for (const part of withoutExcused(input.window, input.excused ?? [])) {
    windowMs += part.endMs - part.startMs;
    for (const segment of ageSegments(input.points, part)) {
      const breachMs = segment.ageMs === null ? segment.startMs : segment.startMs + (input.rpoMs - segment.ageMs);
      violationMs += Math.max(0, segment.endMs - Math.max(segment.startMs, breachMs));
    }
  }
  return { windowMs, violationMs, share: windowMs === 0 ? null : 1 - violationMs / windowMs };
}

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

export type OutcomeCounts = Readonly<Record<OccurrenceOutcome, number>>;

export interface ScheduleRates {
  /** Expected and not excused: the denominator, to be printed beside every rate. */
  readonly counted: number;
  readonly success: number | null;
  readonly onTime: number | null;
  readonly missed: number | null;
}

/** Metric 4. `acceptedPartial` of the partial outcomes were within the policy's tolerance. */
export function scheduleRates(counts: OutcomeCounts, acceptedPartial: number): ScheduleRates {
  const counted = counts.ok + counts.late + counts.partial + counts.failed + counts.missed + counts.stuck;
  if (counted === 0) return { counted, success: null, onTime: null, missed: null };
  return {
    counted,
    success: (counts.ok + counts.late + Math.min(acceptedPartial, counts.partial)) / counted,
    onTime: counts.ok / counted,
    missed: counts.missed / counted,
  };
}

/** Metric 6: passed among those that reached a verdict; null when none did. Void drills are listed, never counted. */
export function drillPassRate(passed: number, failed: number): number | null {
  return passed + failed === 0 ? null : passed / (passed + failed);
}

export interface PartialFacts {
  readonly unreadBytes: number;
  readonly selectedBytes: number;
  /** As many of them as are kept; each with the bytes that are missing because of it. */
  readonly unread: readonly { readonly reason: string; readonly bytes: number }[];
}

/** Nothing of these is lost that a restore could bring back: the entry is gone, or holds no data (a socket). */
const HARMLESS_UNREAD = new Set(['vanished', 'unsupported_type']);

/**
 * May a backup with unread items count? Its unread bytes must be at most the tolerated share of the selected ones, and each
 * loss must have been measured: a folder that could not be opened counts 0 bytes and may hide everything.
 */
export function isPartialAccepted(facts: PartialFacts, toleranceShare: number): boolean {
  if (facts.selectedBytes <= 0) return false;
  const isUnmeasured = facts.unread.some((item) => item.bytes === 0 && !HARMLESS_UNREAD.has(item.reason));
  return !isUnmeasured && facts.unreadBytes / facts.selectedBytes <= toleranceShare;
}

/**
 * A share as a percentage for people, always rounded down: 99.96 % of a month must not read as 100 %. `decimals` at most 4.
 */
export function percentText(share: number, decimals = 1): string {
  const scale = 10 ** decimals;
  // One part in 10^9 is added against binary fractions: 0.29 * 1000 is 289.99999999999994.
  const floored = Math.floor(share * 100 * scale + 1e-7) / scale;
  const capped = share < 1 ? Math.min(floored, (100 * scale - 1) / scale) : 100;
  return `${Math.max(0, capped).toFixed(capped === 100 || capped <= 0 ? 0 : decimals)} %`;
}

/** The window cut into stretches between commits, with the running maximum of the captures (commits out of order). */
function ageSegments(points: readonly PointTimes[], window: Interval): AgeSegment[] {
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

/** The window minus the union of the excused intervals, in order. */
function withoutExcused(window: Interval, excused: readonly Interval[]): Interval[] {
  const parts: Interval[] = [];
  let startMs = window.startMs;
  for (const gap of [...excused].sort((a, b) => a.startMs - b.startMs)) {
    if (gap.endMs <= startMs || gap.startMs >= window.endMs || gap.endMs <= gap.startMs) continue;
    if (gap.startMs > startMs) parts.push({ startMs, endMs: gap.startMs });
    startMs = Math.max(startMs, gap.endMs);
  }
  if (startMs < window.endMs) parts.push({ startMs, endMs: window.endMs });
  return parts;
}
