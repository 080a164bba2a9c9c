/** Metrics 5, 12 and 13 of docs/metrics.md: who is covered, how far a copy is behind, and what is kept for how long. */
import { type Share, shareOf } from './share.ts';

const DAY_MS = 24 * 3_600_000;

/**
 * Metric 5: devices with a usable point that is younger than twice its target. Among the inventory where one is known; where
 * none is, `of` counts the devices that are enrolled, and `isMeasured` is false: machines that nobody enrolled are unseen.
 */
export interface DeviceCoverage extends Share {
  readonly isMeasured: boolean;
}

export function deviceCoverage(
  devices: readonly { readonly ageMs: number | null; readonly rpoMs: number }[],
  inventory: number | null,
): DeviceCoverage {
  const covered = devices.filter(({ ageMs, rpoMs }) => ageMs !== null && ageMs < 2 * rpoMs).length;
  // An inventory that is smaller than what is enrolled is wrong, and may not make more than all of it covered.
  const of = Math.max(inventory ?? 0, devices.length);
  return { ...shareOf(covered, of), isMeasured: inventory !== null };
}

/** Metric 12: how much older the newest point of a copy is. Null: the copy holds nothing, or there is nothing to copy. */
export function copyLagMs(primary: readonly number[], copy: readonly number[]): number | null {
  if (primary.length === 0 || copy.length === 0) return null;
  return Math.max(0, Math.max(...primary) - Math.max(...copy));
}

export interface KeptPoint {
  readonly captureMs: number;
  /** Usable and not expired. */
  readonly isKept: boolean;
  /** Until when the store refuses to delete it, for everybody; null: it does not. */
  readonly lockedUntilMs: number | null;
}

/**
 * Metric 13: of the points of the last days that must still exist, how many do. Points that never came are the business of
 * the other figures.
 */
export function retentionAttainment(points: readonly KeptPoint[], retentionDays: number, nowMs: number): Share {
  const due = required(points, retentionDays, nowMs);
  return shareOf(due.filter(({ isKept }) => isKept).length, due.length);
}

/** Metric 13: for how long nobody can delete any of them. Null: there are none; 0: one of them can be deleted now. */
export function deleteProofHorizonMs(
  points: readonly KeptPoint[],
  retentionDays: number,
  nowMs: number,
): number | null {
  const due = required(points, retentionDays, nowMs);
  if (due.length === 0) return null;
  return Math.max(0, Math.min(...due.map(({ lockedUntilMs }) => (lockedUntilMs ?? nowMs) - nowMs)));
}

function required(points: readonly KeptPoint[], retentionDays: number, nowMs: number): KeptPoint[] {
  return points.filter(({ captureMs }) => captureMs > nowMs - retentionDays * DAY_MS && captureMs <= nowMs);
}
