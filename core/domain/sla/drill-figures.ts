/** Metrics 6, 7 and 8 of docs/metrics.md: what drills have shown of a source, and how long ago. */
import { elapsedRtoMs, type RtoTimings, technicalRtoMs } from '../rto-parts.ts';
import type { PointTimes } from './data-age.ts';
import { type Share, shareOf } from './share.ts';

const DAY_MS = 24 * 3_600_000;

export interface DrillResult {
  readonly id: string;
  readonly finishedMs: number;
  readonly state: 'passed' | 'failed' | 'void';
  /** What it has really reached (drill-checks.ts); of no meaning when it did not pass. */
  readonly level: number;
  readonly scope: 'sample' | 'full';
  readonly timings: RtoTimings;
  /** Of a full restore, from a sample; null for a full drill. */
  readonly estimatedMs: number | null;
  /** Capture of the point that was restored. */
  readonly captureMs: number;
}

/** Metric 6: passed among those that reached a verdict. Void drills are listed, never counted. */
export function drillPassRate(passed: number, failed: number): Share {
  return shareOf(passed, passed + failed);
}

/** Was a drill of the required depth passed within the interval that ends at `atMs`? `graceMs`: until a new point can be tested. */
export function isDrilled(
  drills: readonly DrillResult[],
  required: { readonly level: number; readonly everyDays: number },
  atMs: number,
  graceMs: number,
): boolean {
  const fromMs = atMs - required.everyDays * DAY_MS - graceMs;
  return drills.some(
    ({ state, level, finishedMs }) =>
      state === 'passed' && level >= required.level && finishedMs > fromMs && finishedMs <= atMs,
  );
}

/** measured: the newest full drill. estimated: there are samples alone, and what they let expect is never counted. */
export type RtoProof =
  | {
      readonly kind: 'measured';
      readonly drillId: string;
      readonly elapsedMs: number;
      readonly technicalMs: number;
      readonly isAttained: boolean;
    }
  | { readonly kind: 'estimated'; readonly drillId: string; readonly estimatedMs: number }
  | { readonly kind: 'unproven' };

/** Metric 7 of one source: its newest passed full drill up to `atMs`, else the estimate of its newest passed sample. */
export function rtoProof(drills: readonly DrillResult[], targetMs: number, atMs: number): RtoProof {
  const passed = drills
    .filter(({ state, finishedMs }) => state === 'passed' && finishedMs <= atMs)
    .sort((a, b) => b.finishedMs - a.finishedMs);
  for (const { id, scope, timings } of passed) {
    const elapsedMs = elapsedRtoMs(timings);
    const technicalMs = technicalRtoMs(timings);
    if (scope !== 'full' || elapsedMs === undefined || technicalMs === undefined) continue;
    return { kind: 'measured', drillId: id, elapsedMs, technicalMs, isAttained: elapsedMs <= targetMs };
  }
  const sample = passed.find(({ estimatedMs }) => estimatedMs !== null);
  return sample?.estimatedMs == null
    ? { kind: 'unproven' }
    : { kind: 'estimated', drillId: sample.id, estimatedMs: sample.estimatedMs };
}

export interface RtoAttainment extends Share {
  readonly estimated: number;
  readonly unproven: number;
  /** Of the measured ones. */
  readonly longestElapsedMs: number | null;
  readonly longestTechnicalMs: number | null;
}

/** Metric 7 of several sources: those within the target among those that were measured. The others stand apart. */
export function rtoAttainment(proofs: readonly RtoProof[]): RtoAttainment {
  const measured = proofs.filter((proof) => proof.kind === 'measured');
  const longest = (values: readonly number[]): number | null => (values.length === 0 ? null : Math.max(...values));
  return {
    ...shareOf(measured.filter(({ isAttained }) => isAttained).length, measured.length),
    estimated: proofs.filter(({ kind }) => kind === 'estimated').length,
    unproven: proofs.filter(({ kind }) => kind === 'unproven').length,
    longestElapsedMs: longest(measured.map(({ elapsedMs }) => elapsedMs)),
    longestTechnicalMs: longest(measured.map(({ technicalMs }) => technicalMs)),
  };
}

/** Metric 8: how old the data would be if only points counted that passed a level. Null: none did. */
export function verifiedAgeMs(
  points: readonly (Pick<PointTimes, 'captureMs'> & { readonly levelPassed: number | null })[],
  level: number,
  nowMs: number,
): number | null {
  const proven = points.filter(({ levelPassed }) => (levelPassed ?? 0) >= level).map(({ captureMs }) => captureMs);
  return proven.length === 0 ? null : nowMs - Math.max(...proven);
}

/** Metric 8: how stale the proof is. Null: no drill ever passed. */
export function proofAgeMs(drills: readonly Pick<DrillResult, 'state' | 'finishedMs'>[], nowMs: number): number | null {
  const ends = drills.filter(({ state }) => state === 'passed').map(({ finishedMs }) => finishedMs);
  return ends.length === 0 ? null : nowMs - Math.max(...ends);
}
