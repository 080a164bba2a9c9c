import type { PointTimes } from '../../core/domain/sla/data-age.ts';

export interface AgePoint {
  readonly atMs: number;
  readonly ageMs: number;
}

/**
 * The data age over [sinceMs, nowMs] as corner points of a saw: it grows evenly and falls when a restore point is sealed to
 * the age of that point. Points in any order; time before the first one is left out, because there was no age.
 */
export function ageSeries(points: readonly PointTimes[], sinceMs: number, nowMs: number): AgePoint[] {
  const corners: AgePoint[] = [];
  let newestMs: number | null = null;
  for (const point of [...points].sort((a, b) => a.commitMs - b.commitMs)) {
    if (point.commitMs > nowMs) break;
    if (newestMs !== null && point.captureMs <= newestMs) continue;
    if (point.commitMs > sinceMs) {
      if (newestMs !== null) {
        if (corners.length === 0) corners.push({ atMs: sinceMs, ageMs: sinceMs - newestMs });
        corners.push({ atMs: point.commitMs, ageMs: point.commitMs - newestMs });
      }
      corners.push({ atMs: point.commitMs, ageMs: point.commitMs - point.captureMs });
    }
    newestMs = point.captureMs;
  }
  if (newestMs === null) return [];
  if (corners.length === 0) corners.push({ atMs: sinceMs, ageMs: sinceMs - newestMs });
  corners.push({ atMs: nowMs, ageMs: nowMs - newestMs });
  return corners;
}

const STEPS_MINUTES = [
  1 / 60,
  1 / 30,
  1 / 12,
  0.25,
  0.5,
  1,
  2,
  5,
  10,
  15,
  30,
  60,
  120,
  180,
  360,
  720,
  1440,
  2880,
  7200,
  14_400,
  43_200,
];

/** Round ages for the axis, from 0, four steps at most. */
export function ageTicks(topMs: number): number[] {
  const stepMs = (STEPS_MINUTES.find((minutes) => topMs / (minutes * 60_000) <= 4) ?? topMs / 240_000) * 60_000;
  return Array.from({ length: Math.floor(topMs / stepMs) + 1 }, (_, at) => at * stepMs);
}
