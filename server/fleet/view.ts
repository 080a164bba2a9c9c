/** Plain data for screens: numbers and strings, no database types. Times are milliseconds since the epoch. */
import type { OccurrenceOutcome } from '../../core/domain/outcome.ts';
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

export interface FleetView {
  readonly nowMs: number;
  /** After the filter, the most urgent first. */
  readonly devices: readonly DeviceSummary[];
  /** Before the filter: the opening sentence speaks of these. */
  readonly all: readonly DeviceSummary[];
  readonly customers: readonly CustomerChoice[];
}
