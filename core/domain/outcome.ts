/** The closed vocabularies of what happened; the database stores these words as they are. See docs/metrics.md. */

export const RUN_STATES = ['running', 'committed', 'sealed', 'failed', 'aborted'] as const;
/** running: the agent works; committed: the manifest arrived, the server checks it; sealed: every object was checked. */
export type RunState = (typeof RUN_STATES)[number];

/** How complete a sealed run is. Only sealed runs carry one of the first two; `failed` runs never count. */
export const RUN_OUTCOMES = ['ok', 'partial', 'failed'] as const;
export type RunOutcome = (typeof RUN_OUTCOMES)[number];

export const OCCURRENCE_OUTCOMES = ['ok', 'late', 'partial', 'failed', 'missed', 'excused', 'stuck'] as const;
export type OccurrenceOutcome = (typeof OCCURRENCE_OUTCOMES)[number];

/** As they are said in a sentence. */
export const OUTCOME_NAMES: Readonly<Record<OccurrenceOutcome, string>> = {
  ok: 'on time',
  late: 'late',
  partial: 'partial',
  failed: 'failed',
  missed: 'missed',
  excused: 'excused',
  stuck: 'stuck',
};

export const RESTORE_POINT_STATES = ['sealed', 'quarantined', 'expired'] as const;
export type RestorePointState = (typeof RESTORE_POINT_STATES)[number];

export const CHECK_STATES = ['queued', 'running', 'passed', 'failed', 'void'] as const;
/** void: the infrastructure, not the data, stopped it; listed, never counted as passed. */
export type CheckState = (typeof CHECK_STATES)[number];

/** retired: its contents were stored anew elsewhere; what is left of it is kept as evidence and no reader needs it. */
export const OBJECT_STATES = ['leased', 'committed', 'sealed', 'damaged', 'missing', 'retired'] as const;
export type ObjectState = (typeof OBJECT_STATES)[number];

/**
 * What a light shows. `proven` alone is green: a drill of level 3 or more passed within the policy's interval.
 * The order is that of urgency, worst first; `unknown` is what is shown when nothing is known, never green.
 */
export const PROTECTION_STATES = [
  'damaged',
  'failed',
  'stuck',
  'missed',
  'late',
  'partial',
  'unknown',
  'protected',
  'proven',
] as const;
export type ProtectionState = (typeof PROTECTION_STATES)[number];
