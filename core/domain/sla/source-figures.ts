/** The figures of one source in one window, from its rows: of a month, or of a day. */
import type { OccurrenceOutcome } from '../outcome.ts';
import { type ContractVersion, type PolicyTargets, type SlaTier, targetParts, type TargetPart } from './contract.ts';
import { type PointTimes, promiseStartMs } from './data-age.ts';
import { type DrillResult, isDrilled, type RtoProof, rtoProof } from './drill-figures.ts';
import { exposureQuantileMs, peakExposure } from './exposure.ts';
import { type Interval, lengthMs, overlap, without } from './intervals.ts';
import { breaches } from './rpo.ts';
import { NO_OUTCOMES, type OutcomeCounts } from './schedule-rates.ts';

const MINUTE_MS = 60_000;
/** The age that is shown beside the highest one. */
const QUANTILE = 0.95;

export interface OccurrenceResult {
  readonly dueMs: number;
  readonly windowEndMs: number;
  /** Null: still open. */
  readonly outcome: OccurrenceOutcome | null;
  /** Of a partial one: what could not be read is within what the policy tolerates. */
  readonly isAccepted: boolean;
}

/** Everything that the figures of a source depend on. */
export interface SourceFacts {
  readonly sourceId: string;
  readonly deviceId: string;
  readonly policyId: string;
  readonly policy: PolicyTargets;
  readonly addedMs: number;
  /** When its first restore point was sealed, whatever became of it. */
  readonly firstSealedMs: number | null;
  /** When its device was taken out of service. */
  readonly endedMs: number | null;
  /** Usable ones: all that were sealed in the window, and of the older ones at least the newest. */
  readonly points: readonly PointTimes[];
  /** Due in the window. */
  readonly occurrences: readonly OccurrenceResult[];
  /** Of the window, and before it as far as the longest interval reaches. */
  readonly drills: readonly DrillResult[];
  /** Time that was excused, approved by somebody. */
  readonly excused: readonly Interval[];
}

/** A part of the window in which one version of a contract asked for one thing. */
export interface FigurePart extends Interval {
  readonly version: number | null;
  readonly tier: SlaTier;
  readonly credits: TargetPart['credits'];
  readonly windowMs: number;
  readonly violationMs: number;
}

export interface SourceFigures {
  readonly sourceId: string;
  readonly deviceId: string;
  /** From the beginning of the promise to the end of the window, or until now. */
  readonly window: Interval;
  /** Without what was excused. */
  readonly windowMs: number;
  readonly violationMs: number;
  /** Metric 2; null: nothing is left of the window. */
  readonly share: number | null;
  readonly excusedMs: number;
  /** What held at the end of the window. */
  readonly tier: SlaTier;
  readonly version: number | null;
  readonly parts: readonly FigurePart[];
  readonly breaches: readonly Interval[];
  /** Metric 3. */
  readonly peak: { readonly ageMs: number; readonly atMs: number } | null;
  readonly quantileMs: number | null;
  /** Metric 4. `expected`: with an outcome, or with a window that is over. */
  readonly expected: number;
  readonly counts: OutcomeCounts;
  readonly acceptedPartial: number;
  readonly restorePoints: number;
  /** Metric 6. */
  readonly drills: { readonly passed: number; readonly failed: number; readonly void: number };
  /** At the end of the window. */
  readonly isDrilled: boolean;
  readonly rto: RtoProof;
}

/**
 * The figures of a source in a window that ends now at the latest. Undefined: nothing was promised in it yet, or no more.
 */
export function sourceFigures(
  facts: SourceFacts,
  versions: readonly ContractVersion[],
  whole: Interval,
  nowMs: number,
): SourceFigures | undefined {
  const endMs = Math.min(whole.endMs, facts.endedMs ?? nowMs, nowMs);
  const [atAdding] = targetParts(versions, { startMs: facts.addedMs, endMs: facts.addedMs + 1 }, facts, facts.policy);
  const rpoAtAddingMs = atAdding!.tier.rpoMinutes * MINUTE_MS;
  const startMs = Math.max(whole.startMs, promiseStartMs({ ...facts, rpoMs: rpoAtAddingMs }));
  // At the very instant of the first point the window is empty, and still there is something to show.
  if (endMs < startMs || endMs < whole.startMs) return undefined;
  const window = { startMs, endMs };
  const excused = [...facts.excused, ...facts.occurrences.flatMap(excusedTime)];
  const targets = targetParts(versions, { startMs, endMs: Math.max(endMs, startMs + 1) }, facts, facts.policy);
  const measured = targets.flatMap((part) => {
    const stretch = overlap(part, window) ?? { startMs: part.startMs, endMs: part.startMs };
    const rpoMs = part.tier.rpoMinutes * MINUTE_MS;
    const found = breaches({ points: facts.points, window: stretch, excused, rpoMs });
    const windowMs = lengthMs(without(stretch, excused));
    return [{ ...part, ...stretch, windowMs, violationMs: lengthMs(found), found }];
  });
  const windowMs = measured.reduce((sum, part) => sum + part.windowMs, 0);
  const violationMs = measured.reduce((sum, part) => sum + part.violationMs, 0);
  const last = measured.at(-1)!;
  return {
    sourceId: facts.sourceId,
    deviceId: facts.deviceId,
    window,
    windowMs,
    violationMs,
    share: windowMs === 0 ? null : 1 - violationMs / windowMs,
    excusedMs: endMs - startMs - windowMs,
    tier: last.tier,
    version: last.version,
    parts: measured.map(({ found: _, ...part }) => part),
    breaches: measured.flatMap(({ found }) => found),
    peak: peakExposure(facts.points, window),
    quantileMs: exposureQuantileMs(facts.points, window, QUANTILE),
    restorePoints: facts.points.filter(({ commitMs }) => commitMs >= startMs && commitMs < endMs).length,
    ...counted(facts, { startMs: Math.max(whole.startMs, facts.addedMs), endMs }),
    isDrilled: isDrilled(facts.drills, last.tier.drill, endMs, last.tier.rpoMinutes * MINUTE_MS),
    rto: rtoProof(facts.drills, last.tier.rtoMinutes * MINUTE_MS, endMs),
  };
}

/** What was expected and drilled counts from the day the source was added; its first backup is expected at once. */
function counted(
  { occurrences, drills }: SourceFacts,
  span: Interval,
): Pick<SourceFigures, 'expected' | 'counts' | 'acceptedPartial' | 'drills'> {
  const due = occurrences.filter(({ dueMs }) => dueMs >= span.startMs && dueMs < span.endMs);
  const counts: Record<OccurrenceOutcome, number> = { ...NO_OUTCOMES };
  for (const { outcome } of due) if (outcome !== null) counts[outcome] += 1;
  const ended = drills.filter(({ finishedMs }) => finishedMs >= span.startMs && finishedMs < span.endMs);
  const drillCount = (state: DrillResult['state']): number => ended.filter((drill) => drill.state === state).length;
  return {
    // Open ones count once their window is over: until then nothing is known of them.
    expected: due.filter(({ outcome, windowEndMs }) => outcome !== null || windowEndMs < span.endMs).length,
    counts,
    acceptedPartial: due.filter(({ outcome, isAccepted }) => outcome === 'partial' && isAccepted).length,
    drills: { passed: drillCount('passed'), failed: drillCount('failed'), void: drillCount('void') },
  };
}

function excusedTime({ outcome, dueMs, windowEndMs }: OccurrenceResult): Interval[] {
  return outcome === 'excused' ? [{ startMs: dueMs, endMs: windowEndMs }] : [];
}
