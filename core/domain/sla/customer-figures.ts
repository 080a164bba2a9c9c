/** A customer's month, from those of its sources: never a mean alone, always with the worst one and how many are below target. */
import type { SlaTier } from './contract.ts';
import { creditPercent } from './contract.ts';
import { type RtoAttainment, rtoAttainment } from './drill-figures.ts';
import { errorBudget, type ErrorBudget } from './error-budget.ts';
import { type Interval, lengthMs } from './intervals.ts';
import { restoreFigures, type RestoreFigures, type RestoreTimes } from './restore-service.ts';
import { addCounts, NO_OUTCOMES, type OutcomeCounts, type ScheduleRates, scheduleRates } from './schedule-rates.ts';
import { type DatabaseDrill, semanticRpo, type SemanticRpo } from './semantic-rpo.ts';
import { type Share, shareOf } from './share.ts';
import type { SourceFigures } from './source-figures.ts';

/** What the sum needs of a source: all but its breaches, which are read again where they are shown. */
export type SummedSource = Omit<SourceFigures, 'breaches'>;

interface Named {
  readonly sourceId: string;
  readonly deviceId: string;
}

export interface TierFigures {
  readonly tier: SlaTier;
  /** The newest version of the contract that had it in this month; null: no contract. */
  readonly version: number | null;
  /** With time in it. */
  readonly sources: number;
  /** The mean over its sources; null: no time was measured. */
  readonly attainment: number | null;
  readonly belowTarget: number;
  readonly schedule: ScheduleRates;
  readonly drilled: Share;
  readonly rto: RtoAttainment;
  readonly budget: ErrorBudget;
  /** Percent of the month's fee. */
  readonly credit: number;
}

export interface CustomerFigures {
  readonly sources: number;
  /** Metric 2 over sources, weighted by their tiers. */
  readonly attainment: number | null;
  readonly belowTarget: number;
  readonly worst: (Named & { readonly share: number }) | null;
  readonly peak: (Named & { readonly ageMs: number; readonly atMs: number }) | null;
  /** The worst of the sources' 95th percentiles; null: of one it is infinite, or nothing was measured. */
  readonly quantileMs: number | null;
  readonly expected: number;
  readonly counts: OutcomeCounts;
  readonly acceptedPartial: number;
  readonly schedule: ScheduleRates;
  readonly restorePoints: number;
  readonly excusedMs: number;
  readonly drills: { readonly passed: number; readonly failed: number; readonly void: number };
  readonly drilled: Share;
  readonly rto: RtoAttainment;
  readonly tiers: readonly TierFigures[];
  /** The highest of the tiers'. */
  readonly credit: number;
  /** Null among them: a part of the month without a contract. */
  readonly versions: readonly (number | null)[];
  /** Metric 21; null: the month was computed before restores were kept. */
  readonly restores: RestoreFigures | null;
  /** Metric 11; null: the month was computed before it was summed. */
  readonly semantic: SemanticRpo | null;
}

/** What a month is computed from beside its sources. */
export interface MonthFacts {
  /** Asked for by anybody; those that ended in the month count. */
  readonly restores: readonly RestoreTimes[];
  readonly databaseDrills: readonly DatabaseDrill[];
}

/** `month`: the whole of it, whether it is over or not; budgets and credits are about it. */
export function customerFigures(sources: readonly SummedSource[], month: Interval, facts: MonthFacts): CustomerFigures {
  const measured = sources.filter(({ share }) => share !== null);
  const weights = measured.reduce((sum, { tier }) => sum + tier.weight, 0);
  const counts = sumCounts(sources);
  const acceptedPartial = sources.reduce((sum, one) => sum + one.acceptedPartial, 0);
  const tiers = tierFigures(sources, month);
  return {
    sources: sources.length,
    attainment: weights === 0 ? null : measured.reduce((sum, one) => sum + one.tier.weight * one.share!, 0) / weights,
    belowTarget: measured.filter(isBelow).length,
    worst: worstOf(measured),
    peak: peakOf(sources),
    quantileMs:
      sources.length === 0 || sources.some(({ quantileMs }) => quantileMs === null)
        ? null
        : Math.max(...sources.map(({ quantileMs }) => quantileMs!)),
    expected: sources.reduce((sum, one) => sum + one.expected, 0),
    counts,
    acceptedPartial,
    schedule: scheduleRates(counts, acceptedPartial),
    restorePoints: sources.reduce((sum, one) => sum + one.restorePoints, 0),
    excusedMs: sources.reduce((sum, one) => sum + one.excusedMs, 0),
    drills: {
      passed: sources.reduce((sum, one) => sum + one.drills.passed, 0),
      failed: sources.reduce((sum, one) => sum + one.drills.failed, 0),
      void: sources.reduce((sum, one) => sum + one.drills.void, 0),
    },
    drilled: drilledOf(sources),
    rto: rtoAttainment(sources.map(({ rto }) => rto)),
    tiers,
    credit: Math.max(0, ...tiers.map(({ credit }) => credit)),
    versions: [...new Set(sources.flatMap(({ parts }) => parts.map(({ version }) => version)))],
    restores: restoreFigures(facts.restores, month),
    semantic: semanticRpo(facts.databaseDrills, month),
  };
}

/** Was a source longer outside its target than its tier allows? */
export function isBelow(source: Pick<SummedSource, 'share' | 'tier'>): boolean {
  return source.share !== null && source.share < source.tier.rpoShare;
}

function worstOf(measured: readonly SummedSource[]): CustomerFigures['worst'] {
  const worst = measured.reduce<SummedSource | undefined>(
    (a, b) => (a === undefined || b.share! < a.share! ? b : a),
    undefined,
  );
  return worst === undefined ? null : { sourceId: worst.sourceId, deviceId: worst.deviceId, share: worst.share! };
}

function peakOf(sources: readonly SummedSource[]): CustomerFigures['peak'] {
  const highest = sources.reduce<SummedSource | undefined>(
    (a, b) => (b.peak !== null && (a === undefined || b.peak.ageMs > a.peak!.ageMs) ? b : a),
    undefined,
  );
  return highest === undefined ? null : { sourceId: highest.sourceId, deviceId: highest.deviceId, ...highest.peak! };
}

function sumCounts(sources: readonly SummedSource[]): OutcomeCounts {
  return sources.reduce((sum, { counts }) => addCounts(sum, counts), NO_OUTCOMES);
}

function drilledOf(sources: readonly SummedSource[]): Share {
  return shareOf(sources.filter((source) => source.isDrilled).length, sources.length);
}

/** A source belongs to the tier that it has at the end; time and credits belong to the tier that it had then. */
function tierFigures(sources: readonly SummedSource[], month: Interval): TierFigures[] {
  const parts = sources.flatMap((source) => source.parts.map((part) => ({ ...part, sourceId: source.sourceId })));
  const byTier = Map.groupBy(parts, ({ tier }) => tier.key);
  return [...byTier].map(([key, all]) => {
    const newest = all.reduce((a, b) => ((b.version ?? 0) > (a.version ?? 0) ? b : a));
    const shares = [...Map.groupBy(all, ({ sourceId }) => sourceId).values()].map(shareOfParts);
    const measured = shares.filter((share) => share !== null);
    const mine = sources.filter(({ tier }) => tier.key === key);
    const counts = sumCounts(mine);
    const excusedMs = all.reduce((sum, part) => sum + (lengthMs([part]) - part.windowMs), 0);
    const violationMs = all.reduce((sum, { violationMs: ms }) => sum + ms, 0);
    const wholeMs = shares.length * lengthMs([month]) - excusedMs;
    return {
      tier: newest.tier,
      version: newest.version,
      sources: shares.length,
      attainment: mean(measured),
      belowTarget: measured.filter((share) => share < newest.tier.rpoShare).length,
      schedule: scheduleRates(
        counts,
        mine.reduce((sum, one) => sum + one.acceptedPartial, 0),
      ),
      drilled: drilledOf(mine),
      rto: rtoAttainment(mine.map(({ rto }) => rto)),
      budget: errorBudget(newest.tier.rpoShare, wholeMs, violationMs),
      credit: creditOf(all, month),
    };
  });
}

/** Each version's own steps, for the part of the month in which it held. */
function creditOf(parts: readonly (SummedSource['parts'][number] & { readonly sourceId: string })[], month: Interval) {
  let percent = 0;
  for (const all of Map.groupBy(parts, ({ version }) => version).values()) {
    const bySource = [...Map.groupBy(all, ({ sourceId }) => sourceId).values()];
    const shares = bySource.map(shareOfParts).filter((one) => one !== null);
    const share = Math.min(1, Math.max(...bySource.map(lengthMs)) / lengthMs([month]));
    percent += creditPercent(all[0]!.credits, mean(shares)) * share;
  }
  // Hundredths of a percent; what is owed is not cut.
  return Math.round(percent * 100) / 100;
}

function shareOfParts(parts: readonly { readonly windowMs: number; readonly violationMs: number }[]): number | null {
  const windowMs = parts.reduce((sum, part) => sum + part.windowMs, 0);
  return windowMs === 0 ? null : 1 - parts.reduce((sum, part) => sum + part.violationMs, 0) / windowMs;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
