/** Plain data for screens: numbers and strings, no database types. Times are milliseconds since the epoch. */
import type { OwnFieldKind, OwnValues } from '../../core/domain/fleet-filter/own-fields.ts';
import type { OccurrenceOutcome, ProtectionState } from '../../core/domain/outcome.ts';
import type { Protection } from '../../core/domain/protection.ts';

/** One calendar day of a device in its customer's zone. */
export interface HistoryDay {
  /** 2026-11-21 */
  readonly day: string;
  /** 21 Nov */
  readonly label: string;
  /** The worst outcome of what was expected; null when nothing was, or nothing is decided yet. */
  readonly worst: OccurrenceOutcome | null;
  readonly counts: Readonly<Record<OccurrenceOutcome, number>>;
  /** Restore points of backups that no schedule asked for. */
  readonly extraPoints: number;
  readonly drillsPassed: number;
  readonly drillsFailed: number;
}

export interface DeviceSummary {
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
  readonly customerId: string;
  readonly customerName: string;
  readonly timeZone: string;
  readonly protection: Protection;
  readonly rpoMs: number;
  /** When the data of the newest usable restore point was consistent; null: there is none. */
  readonly dataAtMs: number | null;
  /** End of the last drill that passed; null: never proven. */
  readonly proofAtMs: number | null;
  /** The highest level that the newest usable point passed. */
  readonly level: number | null;
  readonly lastRun: {
    readonly id: string;
    readonly state: string;
    readonly outcome: string | null;
    readonly startedMs: number;
    readonly finishedMs: number | null;
  } | null;
  readonly nextDueMs: number | null;
  readonly lastSeenMs: number | null;
  readonly openAlerts: number;
  /** A backup, a check or a drill is under way. */
  readonly isBusy: boolean;
  readonly history: readonly HistoryDay[];
}

export interface CustomerChoice {
  readonly id: string;
  readonly name: string;
}

/**
 * What was expected at one time, and what became of it: seconds since the epoch, the day's place in the bar (the last is
 * today), the outcome, and why. `open`: nothing is decided yet. `extra`: a backup that no schedule asked for. A tuple, for a
 * page holds thousands.
 */
export type BarCell = readonly [
  atSeconds: number,
  day: number,
  outcome: OccurrenceOutcome | 'open' | 'extra',
  reason: string | null,
];

export interface BarDrill {
  readonly id: string;
  readonly atMs: number;
  readonly day: number;
  readonly state: 'passed' | 'failed';
  readonly level: number;
}

/** The last 28 days of a device in its customer's zone: one cell for each expected backup. */
export interface OccurrenceBar {
  /** 25 Oct, 26 Oct, … */
  readonly days: readonly string[];
  readonly cells: readonly BarCell[];
  readonly drills: readonly BarDrill[];
}

/** A device in the fleet list. */
export interface FleetRow extends Omit<DeviceSummary, 'history'> {
  readonly os: string;
  readonly agentVersion: string;
  readonly policyName: string;
  readonly tags: readonly string[];
  readonly custody: 'escrowed' | 'customer_held' | null;
  /** Of the last proven restore; estimated from a sample unless it was measured on all of the data. */
  readonly rtoMs: number | null;
  readonly isRtoEstimated: boolean;
  readonly sizeBytes: number | null;
  readonly addedBytes: number | null;
  readonly lastOutcome: OccurrenceOutcome | null;
  readonly alertTitle: string | null;
  /** Names of those who have its open alerts. */
  readonly owners: readonly string[];
  readonly badObjects: number;
  readonly isSuspectedClone: boolean;
  readonly enrolledMs: number;
  readonly note: string | null;
  /** Of the provider's own columns, by their keys. */
  readonly own: OwnValues;
  readonly bar: OccurrenceBar;
}

export interface FleetPage {
  /** The instant that the ages and lights of all pages are told by. */
  readonly nowMs: number;
  readonly rows: readonly FleetRow[];
  /** For the page after this one; null: there is none. */
  readonly next: string | null;
}

export interface FacetWord {
  /** As it stands in a filter. */
  readonly word: string;
  readonly label: string;
  /** Devices that the rest of the filter lets through. */
  readonly count: number;
}

export interface FleetFacets {
  /** Devices that the whole filter lets through. */
  readonly total: number;
  readonly fields: Readonly<Record<FacetField, readonly FacetWord[]>>;
}

export type FacetField = 'status' | 'last' | 'customer' | 'policy' | 'tag' | 'os';

/** The whole fleet, whatever is filtered: what the opening sentence speaks of. */
export interface FleetTotals {
  readonly nowMs: number;
  readonly devices: number;
  readonly customers: number;
  readonly states: Readonly<Partial<Record<ProtectionState, number>>>;
  readonly busy: number;
  /** The most urgent one that is not proven. */
  readonly first: { readonly name: string; readonly protection: Protection; readonly proofAtMs: number | null } | null;
  /** The oldest among proven devices; null when one of them has none, or there is none. */
  readonly oldestProofMs: number | null;
}

export interface FleetViewLine {
  readonly id: string;
  readonly name: string;
  readonly filter: string;
  readonly columns: readonly string[];
  readonly density: string;
  readonly dayRule: string;
  readonly isShared: boolean;
  readonly isOwn: boolean;
}

/** Names that a filter may use, for suggestions. */
export interface FleetNames {
  readonly customer: readonly string[];
  readonly policy: readonly string[];
  readonly tag: readonly string[];
  readonly os: readonly string[];
  readonly own: readonly OwnField[];
}

/** A column that the provider has defined. */
export interface OwnField {
  readonly id: string;
  readonly key: string;
  readonly label: string;
  readonly kind: OwnFieldKind;
  readonly choices: readonly string[];
}
