/** Metric 4 of docs/metrics.md: what became of the backups that were expected. */
import { OCCURRENCE_OUTCOMES, type OccurrenceOutcome } from '../outcome.ts';

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

export const NO_OUTCOMES: OutcomeCounts = { ok: 0, late: 0, partial: 0, failed: 0, missed: 0, excused: 0, stuck: 0 };

export function addCounts(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  return Object.fromEntries(OCCURRENCE_OUTCOMES.map((outcome) => [outcome, a[outcome] + b[outcome]])) as OutcomeCounts;
}
