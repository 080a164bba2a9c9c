/** Metrics 15, 16 and 22 of docs/metrics.md: what the service did itself. Were people told, was the light right, is the proof whole? */
import { type Interval, lengthMs, overlap, without } from './intervals.ts';
import { type Share, shareOf } from './share.ts';

/** Metric 15: time outside the target during which no alert was open for it. `alerts` may overlap. */
export function silentFailureMs(breaches: readonly Interval[], alerts: readonly Interval[]): number {
  return lengthMs(breaches.flatMap((breach) => without(breach, alerts)));
}

/**
 * Metric 15: how long after each breach began an alert was open for it; one that was open already was there at once. Null:
 * none was opened before it ended.
 */
export function detectionLatencies(breaches: readonly Interval[], alerts: readonly Interval[]): (number | null)[] {
  return breaches.map((breach) => {
    const starts = alerts.flatMap((alert) => overlap(alert, breach)?.startMs ?? []);
    return starts.length === 0 ? null : Math.min(...starts) - breach.startMs;
  });
}

export interface JudgedDrill {
  readonly state: 'passed' | 'failed';
  /** What failed was the data, or what was done to it; not the infrastructure of the test. */
  readonly isDataReason: boolean;
  /** The source's light was green at some time within the 24 hours before the drill began. */
  readonly wasGreen: boolean;
}

const GREEN_SPAN_MS = 24 * 3_600_000;

/**
 * Had a drill proven the source when this one began, or within the day before? Read from drills alone: a point that was locked away
 * since would hide that the light stood on it. `freshMs`: for how long a proof keeps the light green.
 */
export function wasGreen(
  earlier: readonly { readonly state: 'passed' | 'failed' | 'void'; readonly finishedMs: number }[],
  beganMs: number,
  freshMs: number,
): boolean {
  const judged = earlier.filter(({ state, finishedMs }) => state !== 'void' && finishedMs <= beganMs);
  return judged.some(({ state, finishedMs }) => {
    if (state !== 'passed') return false;
    const failures = judged.filter((one) => one.state === 'failed' && one.finishedMs > finishedMs);
    const endMs = Math.min(finishedMs + freshMs, ...failures.map((one) => one.finishedMs));
    return endMs > beganMs - GREEN_SPAN_MS;
  });
}

/** Metric 16: of all drills, those that failed although a light had said that the data restores. */
export function falseGreenRate(drills: readonly JudgedDrill[]): Share {
  return shareOf(drills.filter(isFalseGreen).length, drills.length);
}

export function isFalseGreen({ state, isDataReason, wasGreen }: JudgedDrill): boolean {
  return state === 'failed' && isDataReason && wasGreen;
}

/** Metric 22: what insurers ask of a record of a drill. */
export const EVIDENCE_FIELDS = [
  'date',
  'systems',
  'scope',
  'point',
  'rpo',
  'rtoParts',
  'level',
  'checks',
  'result',
  'performer',
  'approver',
  'remediation',
  'hash',
  'signature',
  'anchor',
] as const;
export type EvidenceField = (typeof EVIDENCE_FIELDS)[number];

/** Which fields of a record are there. `remediation` is asked for after a failure alone. */
export type EvidencePresence = Readonly<Record<Exclude<EvidenceField, 'remediation'>, boolean>> & {
  readonly remediation: boolean | 'not_needed';
};

/** Metric 22: records with everything, and of each field how many lack it. */
export function evidenceCompleteness(
  records: readonly EvidencePresence[],
): Share & { readonly lacking: Readonly<Partial<Record<EvidenceField, number>>> } {
  const lacking: Partial<Record<EvidenceField, number>> = {};
  let whole = 0;
  for (const record of records) {
    const missing = EVIDENCE_FIELDS.filter((field) => record[field] === false);
    if (missing.length === 0) whole += 1;
    for (const field of missing) lacking[field] = (lacking[field] ?? 0) + 1;
  }
  return { ...shareOf(whole, records.length), lacking };
}
