/** Stretches of time, half open, [startMs, endMs), in milliseconds; and what is left of one when others are taken out. */

export interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

export function lengthMs(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, { startMs, endMs }) => sum + Math.max(0, endMs - startMs), 0);
}

/** What two stretches share; undefined when it is nothing. */
export function overlap(a: Interval, b: Interval): Interval | undefined {
  const startMs = Math.max(a.startMs, b.startMs);
  const endMs = Math.min(a.endMs, b.endMs);
  return startMs < endMs ? { startMs, endMs } : undefined;
}

/** The window minus the union of the others, in order. */
export function without(window: Interval, others: readonly Interval[]): Interval[] {
  const parts: Interval[] = [];
  let startMs = window.startMs;
  for (const gap of [...others].sort((a, b) => a.startMs - b.startMs)) {
    if (gap.endMs <= startMs || gap.startMs >= window.endMs || gap.endMs <= gap.startMs) continue;
    if (gap.startMs > startMs) parts.push({ startMs, endMs: gap.startMs });
    startMs = Math.max(startMs, gap.endMs);
  }
  if (startMs < window.endMs) parts.push({ startMs, endMs: window.endMs });
  return parts;
}
