/**
 * What a customer's monthly report says: facts and texts, before anybody has drawn them. The page in the portal, the PDF and
 * the exports are made of the same one, so that they cannot disagree. Times are milliseconds since the epoch, shares 0 to 1,
 * null means "not measured", which is printed as such and never as 100 %.
 */
import type { OccurrenceOutcome } from '../outcome.ts';
import type { ReadinessPart } from '../sla/readiness.ts';
import type { SemanticRpo } from '../sla/semantic-rpo.ts';
import type { RestoreAsker, RestoreFigures, RestoreState } from '../sla/restore-service.ts';

/** How a provider, or one of its customers, wants its paper to look. */
export interface ReportBrand {
  /** Who signs: the provider's name. */
  readonly name: string;
  /** #rrggbb */
  readonly accent: string;
  /** PNG or JPEG, checked when it was stored. */
  readonly logo?: Uint8Array;
  /** One line at the foot of each page: address, phone. */
  readonly footer: string;
}

/** A figure against what was promised. `met` null: nothing was promised, or nothing was measured. */
export interface ReportFigure {
  readonly title: string;
  readonly value: string;
  /** "of 8,930 hours", "1,204 of 1,206 backups": what the value was computed from. */
  readonly base: string;
  readonly target: string | null;
  readonly met: boolean | null;
}

/** `outside`: before the promise began, or in the future. */
export type ReportDayState = 'within' | 'breach' | 'excused' | 'outside' | 'unknown';

export interface ReportDay {
  readonly day: string;
  readonly state: ReportDayState;
  /** The highest age that any data had on the day. */
  readonly worstAgeMs: number | null;
  readonly outcomes: Readonly<Partial<Record<OccurrenceOutcome, number>>>;
  readonly drillsPassed: number;
  readonly drillsFailed: number;
}

export interface ReportTier {
  readonly name: string;
  readonly sources: number;
  readonly rpoMs: number;
  readonly rtoMs: number;
  readonly rpoShare: number | null;
  readonly rpoTarget: number;
  readonly successShare: number | null;
  readonly successTarget: number;
  readonly expected: number;
  readonly drilled: number;
  readonly drillLevel: number;
  readonly rtoAttained: number | null;
  readonly worstSource: { readonly name: string; readonly rpoShare: number } | null;
  readonly belowTarget: number;
  readonly creditPercent: number;
}

export interface ReportBreach {
  readonly system: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly isOpen: boolean;
  readonly worstAgeMs: number | null;
  readonly cause: string;
  readonly remedy: string;
}

export interface ReportDrill {
  readonly id: string;
  readonly system: string;
  readonly level: number;
  readonly endedMs: number;
  readonly result: 'passed' | 'failed' | 'void';
  /** Null: neither measured nor estimated. */
  readonly rtoMs: number | null;
  readonly isEstimated: boolean;
  readonly rtoTargetMs: number | null;
  /** How much older than the backup the newest entry of its databases was; null: no database, or no time in it. */
  readonly behindMs: number | null;
  /** What was looked at, or why it failed, in a few words. */
  readonly note: string;
  /** Hash of the signed record. */
  readonly evidenceHash: string | null;
}

export interface ReportSystem {
  readonly device: string;
  readonly source: string;
  readonly tier: string;
  readonly rpoShare: number | null;
  readonly worstAgeMs: number | null;
  readonly restorePoints: number;
  readonly protectedBytes: number;
  /** The deepest level that a restore test of the month, or before it, has proven. */
  readonly provenLevel: number | null;
  readonly provenMs: number | null;
}

export interface ReportExcuse {
  readonly system: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly reason: string;
  readonly approvedBy: string;
}

/** A restore that somebody asked for. */
export interface ReportRestore {
  readonly id: string;
  readonly device: string;
  readonly askedMs: number;
  readonly asker: RestoreAsker;
  readonly way: 'download' | 'machine';
  readonly firstByteMs: number | null;
  readonly endedMs: number | null;
  readonly state: RestoreState;
  /** Null: not known. */
  readonly bytes: number | null;
  /** Why it was not delivered. */
  readonly reason: string | null;
}

export interface ReportAmendment {
  readonly atMs: number;
  readonly figure: string;
  readonly before: string;
  readonly after: string;
  readonly cause: string;
}

export interface MonthReport {
  readonly brand: ReportBrand;
  readonly customer: string;
  readonly timeZone: string;
  /** 2026-10 */
  readonly month: string;
  readonly issuedMs: number;
  /** Not closed yet: a preview, and every page says so. */
  readonly isPreview: boolean;
  /** The month in one sentence of plain words. */
  readonly sentence: string;
  /** A second sentence: what was proven. */
  readonly proof: string;
  readonly readiness: {
    readonly score: number | null;
    readonly parts: Readonly<Record<ReadinessPart, number | null>>;
  };
  /** Four of them stand on the first page. */
  readonly figures: readonly ReportFigure[];
  readonly days: readonly ReportDay[];
  readonly contract: string | null;
  readonly tiers: readonly ReportTier[];
  /** Of a month with very many, the longest; the newest first. */
  readonly breaches: readonly ReportBreach[];
  readonly breachesTotal: number;
  readonly excuses: readonly ReportExcuse[];
  readonly amendments: readonly ReportAmendment[];
  readonly drills: readonly ReportDrill[];
  /** `figures` null: the month was computed before restores were kept. Those that ended in it, the newest first. */
  readonly restores: { readonly figures: RestoreFigures | null; readonly rows: readonly ReportRestore[] };
  /** How old the newest entries were inside the restored databases; null: the month was computed before this was summed. */
  readonly semantic: SemanticRpo | null;
  readonly systems: readonly ReportSystem[];
  /** The last twelve months or fewer, oldest first. */
  readonly storage: readonly {
    readonly month: string;
    readonly storedBytes: number;
    readonly protectedBytes: number;
  }[];
  readonly evidence: {
    readonly records: number;
    readonly lastHash: string | null;
    readonly keyId: string | null;
    /** Where anybody can check the records, without an account. */
    readonly checkUrl: string;
  };
  readonly contacts: readonly { readonly name: string; readonly how: string }[];
}
