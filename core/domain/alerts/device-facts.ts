/** What is known of one device at one instant, as far as rules look at it. Times are milliseconds since the epoch. */
import type { OccurrenceOutcome } from '../outcome.ts';
import type { DescribedDevice } from './rule-scope.ts';
import type { DeviceClass } from './rules.ts';

export interface EndedRun {
  readonly state: 'sealed' | 'failed' | 'aborted';
  /** An aborted run that fell silent is `failed`; one that was stopped on purpose has none. */
  readonly outcome: 'ok' | 'partial' | 'failed' | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

export interface AskedDrill {
  readonly level: number;
  readonly everyHours: number;
  /** When the newest drill that reached the level ended; null: none did. */
  readonly passedMs: number | null;
}

export interface SourceFacts {
  readonly sourceId: string;
  readonly addedMs: number;
  /** The instant of the newest usable restore point that was sealed; null: there is none. */
  readonly usableMs: number | null;
  /** There is a sealed point, usable or not. */
  readonly hasPoint: boolean;
  /** When the first point was sealed; null: never. */
  readonly firstSealedMs: number | null;
  /** Of what was expected and is decided, the newest first; as many as a rule may ask for. */
  readonly outcomes: readonly OccurrenceOutcome[];
  readonly lastRun: EndedRun | null;
  readonly drills: readonly AskedDrill[];
  /** Points that the policy no longer keeps and that are still there; null: none, or the policy keeps everything. */
  readonly overdue: OverduePoints | null;
}

export interface OverduePoints {
  /** Since when the first of them is not kept: the instant at which the point was sealed that took its place. */
  readonly sinceMs: number;
  readonly points: number;
  /** When a point of the source was last let go; null: none ever was. */
  readonly lastGoneMs: number | null;
}

export interface DeviceFacts {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly customerId: string;
  readonly policyId: string;
  readonly deviceClass: DeviceClass;
  readonly device: DescribedDevice;
  readonly enrolledMs: number;
  readonly lastSeenMs: number | null;
  readonly rpoMs: number;
  /** The longest pause between two backups that the schedule has. */
  readonly longestPauseMs: number;
  readonly pausedUntilMs: number | null;
  /** When the vault was last compared with its ledger, or else when its first point was sealed; null: nothing is stored yet. */
  readonly checkedMs: number | null;
  readonly sources: readonly SourceFacts[];
}

/** Outcomes that a sweep reads of each source. No rule may ask for more. */
export const OUTCOMES_READ = 12;
