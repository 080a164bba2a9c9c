/**
 * What is true at an instant and cannot be computed again later, for its rows are written over: what is stored and how it was
 * last found. Kept with a month as it stood at its end.
 */
import type { Share } from './share.ts';
import type { DeviceCoverage } from './copies.ts';
import type { CoverageFigures } from './data-coverage.ts';
import type { Lamp } from './lamps.ts';
import type { Readiness } from './readiness.ts';

export interface Standing {
  readonly atMs: number;
  readonly readiness: Readiness;
  readonly lamps: readonly Lamp[];
  readonly coverage: DeviceCoverage;
  /** Metric 5, of bytes and of database servers; null: measured before machines told what they hold. */
  readonly held: CoverageFigures | null;
  /** Metric 10, level 1, within its days. */
  readonly integrity: {
    readonly storedBytes: number;
    readonly verifiedBytes: number;
    readonly share: number | null;
    /** How long the byte has waited that was read least recently; null: nothing is stored. */
    readonly oldestMs: number | null;
    /** It waited no longer than the contract's strictest tier allows; null without a contract, or without bytes. */
    readonly isInTime: boolean | null;
  };
  /** Metric 13. */
  readonly retention: Share & { readonly horizonMs: number | null };
  /** Metric 8, for level 3, of the source where it is highest; null: of one no point was ever proven. */
  readonly verifiedAgeMs: number | null;
  readonly proofAgeMs: number | null;
  /** Metric 22, of the drills of the month. */
  readonly evidence: Share;
  readonly service: ServiceFigures;
}

/** Metrics 15 and 16, of the month so far: what the service did itself. */
export interface ServiceFigures {
  /** Time in which data was too old and nobody was told. */
  readonly silentMs: number;
  readonly breaches: number;
  /** Breaches that ended, or still go on, without an alert. */
  readonly undetected: number;
  /** How long after a breach began an alert was open, of nineteen in twenty of the others; null: there was none. */
  readonly latencyMs: number | null;
  /** Drills that failed under a green light, of all drills. */
  readonly falseGreen: Share;
}
