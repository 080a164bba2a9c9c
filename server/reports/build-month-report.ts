/**
 * The report of a customer's month, from what the month's page shows and the rows beside it: no figure is computed here. Of a
 * closed month the figures are those that hold now, and each correction since the close is listed with what it was before.
 */
import { daysOfMonth, dayOf, monthWindow } from '../../core/domain/calendar.ts';
import { formatCount, formatCountOf, formatDay, formatDuration } from '../../core/domain/format.ts';
import type {
  MonthReport,
  ReportDay,
  ReportDrill,
  ReportFigure,
  ReportRestore,
  ReportSystem,
  ReportTier,
} from '../../core/domain/reports/month-report.ts';
import { proofSentence } from '../../core/domain/reports/report-words.ts';
import type { ContractVersion } from '../../core/domain/sla/contract.ts';
import type { CustomerFigures } from '../../core/domain/sla/customer-figures.ts';
import { percentText } from '../../core/domain/sla/percent-text.ts';
import { breachWords, causeWords, figureName, figureValue, monthSentence } from '../../core/domain/sla/sla-words.ts';
import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { loadRestoreLines, type RestoreLine } from '../sla/load-restores.ts';
import { loadVersions } from '../sla/load-versions.ts';
import { type SlaMonthView, viewSlaMonth } from '../sla/view-sla-month.ts';
import { loadBrand } from './load-brand.ts';
import {
  loadReportDrills,
  loadReportEvidence,
  loadReportSources,
  loadStorageTrend,
  type ReportSourceRow,
} from './load-report-rows.ts';

/** Of one customer and month: many more than people ask for. */
const RESTORES_MAX = 10_000;

/** @throws HoldfastError not_found for a foreign customer as for none. */
export async function buildMonthReport(
  services: Services,
  scope: Scope,
  customerId: string,
  month: string,
): Promise<MonthReport> {
  const { tenantId } = scope;
  const view = await viewSlaMonth(services, scope, customerId, month);
  const place = { tenantId, customerId, month, whole: monthWindow(month, view.customer.timeZone) };
  const rows = await withScope(services, scope, async (tx) => {
    const versions = (await loadVersions(tx, tenantId, [customerId])).get(customerId) ?? [];
    return {
      drills: await loadReportDrills(tx, place, versions),
      sources: await loadReportSources(tx, place),
      restores: await loadRestoreLines(tx, { tenantId, customerId }, place.whole, { skip: 0, take: RESTORES_MAX }),
      storage: await loadStorageTrend(tx, place),
      evidence: await loadReportEvidence(tx, place),
      brand: await loadBrand(tx, { tenantId, customerId }),
    };
  });
  const { figures, standing } = view;
  const tierNames = new Map(figures?.tiers.map(({ tier }) => [tier.key, tier.name]) ?? []);
  const { contact, paper: _, ...brand } = rows.brand;
  return {
    brand,
    customer: view.customer.name,
    timeZone: view.customer.timeZone,
    month,
    issuedMs: issuedMs(view),
    isPreview: view.frozenMs === null,
    sentence: monthSentence(view),
    proof: proofSentence(rows.drills, figures?.drilled ?? { met: 0, of: 0 }),
    readiness: standing?.readiness ?? {
      score: null,
      parts: { rpo: null, drills: null, integrity: null, immutability: null, coverage: null },
    },
    figures: reportFigures(view, rows.drills),
    days: reportDays(view),
    contract: view.contract === null ? null : contractWords(view.contract, view.customer.timeZone),
    tiers: reportTiers(view),
    breaches: view.breaches.map((breach) => ({
      system: breach.name,
      startMs: breach.startMs,
      endMs: breach.endMs,
      isOpen: breach.isOpen,
      worstAgeMs: breach.peakMs,
      ...breachWords(breach),
    })),
    breachesTotal: view.breachesTotal,
    excuses: view.excuses
      .filter(({ state }) => state === 'approved')
      .map(({ deviceName, startMs, endMs, reason, decidedBy }) => ({
        ...{ system: deviceName ?? 'All systems', startMs, endMs, reason, approvedBy: decidedBy ?? '' },
      })),
    amendments: [...view.amendments].reverse().map(({ atMs, figure, before, after, causes }) => ({
      atMs,
      figure: figureName(figure, tierNames),
      before: figureValue(figure, before),
      after: figureValue(figure, after),
      cause: causeWords(causes),
    })),
    drills: rows.drills,
    restores: { figures: figures?.restores ?? null, rows: rows.restores.flatMap(restoreOf) },
    semantic: figures?.semantic ?? null,
    systems: view.sources.map((line) => systemOf(line, rows.sources.get(line.sourceId))),
    storage: rows.storage,
    evidence: { ...rows.evidence, checkUrl: checkUrl(services) },
    contacts: contact === '' ? [] : [{ name: 'In an emergency', how: contact }],
  };
}

/** The instant at which the month said what it says now: the same facts make the same report, whenever it is drawn. */
function issuedMs({ frozenMs, amendments, nowMs }: Pick<SlaMonthView, 'frozenMs' | 'amendments' | 'nowMs'>) {
  return frozenMs === null ? nowMs : Math.max(frozenMs, ...amendments.map(({ atMs }) => atMs));
}

function checkUrl({ env }: Pick<Services, 'env'>): string {
  return env.NEXTAUTH_URL === undefined
    ? 'the page /verify of the portal'
    : new URL('/verify', env.NEXTAUTH_URL).toString();
}

function contractWords({ version, validFromMs }: ContractVersion, timeZone: string): string {
  const day = new Intl.DateTimeFormat('en-GB', { timeZone, day: 'numeric', month: 'long', year: 'numeric' });
  return `version ${version}, from ${day.format(validFromMs)}`;
}

function reportFigures(view: SlaMonthView, drills: readonly ReportDrill[]): ReportFigure[] {
  const { figures } = view;
  return [ageFigure(view), lossFigure(view), backupFigure(figures), drillFigure(figures, drills)];
}

const nothing = (title: string, base: string): ReportFigure => ({
  ...{ title, value: 'Not measured', base, target: null, met: null },
});

/** One promise if all tiers make the same one; else each is in the table of tiers. */
function agreed(shares: readonly number[], hasContract: boolean, decimals: number): string {
  const [first] = shares;
  const words = hasContract ? 'agreed' : 'policy';
  if (first === undefined || shares.some((share) => share !== first)) return `${words} by tier`;
  return `${words}: ${percentText(first, decimals)}`;
}

/** Of no tier at all nothing can be said. */
const reached = <T>(tiers: readonly T[], test: (tier: T) => boolean): boolean | null =>
  tiers.length === 0 ? null : tiers.every(test);

const hasContract = (figures: CustomerFigures): boolean => figures.versions.some((version) => version !== null);

function ageFigure({ figures, sources }: SlaMonthView): ReportFigure {
  const title = 'Data young enough';
  if (figures === null || figures.attainment === null || figures.worst === null)
    return nothing(title, 'no system was measured');
  const worst = sources.find(({ sourceId }) => sourceId === figures.worst?.sourceId);
  return {
    title,
    value: percentText(figures.attainment, 2),
    base:
      figures.worst.share >= 1
        ? `of the time, ${formatCountOf(figures.sources, 'system')}`
        : `of the time; worst ${percentText(figures.worst.share, 2)}, ${worst?.name ?? 'a system'}`,
    target: agreed(
      figures.tiers.map(({ tier }) => tier.rpoShare),
      hasContract(figures),
      2,
    ),
    met: reached(figures.tiers, ({ attainment, tier }) => attainment === null || attainment >= tier.rpoShare),
  };
}

function lossFigure({ figures, sources, customer }: SlaMonthView): ReportFigure {
  const title = 'Most that could be lost';
  if (figures === null || figures.peak === null) return nothing(title, 'no system had a backup');
  const { ageMs, atMs, sourceId } = figures.peak;
  const source = sources.find((one) => one.sourceId === sourceId);
  return {
    title,
    value: formatDuration(ageMs),
    base: `on ${formatDay(atMs, customer.timeZone)}, ${source?.name ?? 'a removed system'}`,
    target:
      source === undefined ? null : `${hasContract(figures) ? 'agreed' : 'policy'}: ${formatDuration(source.rpoMs)}`,
    met: source === undefined ? null : ageMs <= source.rpoMs,
  };
}

function backupFigure(figures: CustomerFigures | null): ReportFigure {
  const title = 'Backups made';
  if (figures === null || figures.schedule.success === null) return nothing(title, 'none was expected');
  const { counts, acceptedPartial, schedule, tiers } = figures;
  const made = counts.ok + counts.late + Math.min(acceptedPartial, counts.partial);
  return {
    title,
    value: percentText(schedule.success!, 1),
    base: `${formatCount(made)} of ${formatCount(schedule.counted)} expected`,
    target: agreed(
      tiers.map(({ tier }) => tier.successShare),
      hasContract(figures),
      1,
    ),
    met: reached(tiers, ({ schedule: { success }, tier }) => success === null || success >= tier.successShare),
  };
}

function drillFigure(figures: CustomerFigures | null, drills: readonly ReportDrill[]): ReportFigure {
  const passed = drills.filter(({ result }) => result === 'passed');
  const verdicts = drills.filter(({ result }) => result !== 'void').length;
  const drilled = figures?.drilled ?? { met: 0, of: 0 };
  const deepest = Math.max(0, ...passed.map(({ level }) => level));
  return {
    title: 'Restore tests',
    value: verdicts === 0 ? 'None' : `${formatCount(passed.length)} of ${formatCount(verdicts)}`,
    base: verdicts === 0 ? 'in this month' : deepest === 0 ? 'passed' : `passed, deepest level ${deepest}`,
    target: drilled.of === 0 ? null : `in time: ${formatCount(drilled.met)} of ${formatCount(drilled.of)}`,
    met: drilled.of === 0 ? null : drilled.met === drilled.of,
  };
}

function reportDays({ days, month, nowMs, customer }: SlaMonthView): ReportDay[] {
  const known = new Map(days.map((day) => [day.day, day]));
  const first = days.find(({ windowMs, excusedMs }) => windowMs + excusedMs > 0)?.day;
  const today = dayOf(nowMs, customer.timeZone);
  return daysOfMonth(month).map((day): ReportDay => {
    const line = known.get(day);
    // A day of the past without a row, after the promise began, is a hole in what we know; the others were never promised.
    if (line === undefined) {
      const state = first !== undefined && day > first && day < today ? 'unknown' : 'outside';
      return { day, state, worstAgeMs: null, outcomes: {}, drillsPassed: 0, drillsFailed: 0 };
    }
    const { violationMs, windowMs, excusedMs, peakMs, counts, drillsPassed, drillsFailed } = line;
    const state =
      violationMs > 0 ? 'breach' : excusedMs > 0 ? 'excused' : windowMs > 0 ? ('within' as const) : 'outside';
    return { day, state, worstAgeMs: peakMs, outcomes: counts, drillsPassed, drillsFailed };
  });
}

function reportTiers({ figures, sources }: SlaMonthView): ReportTier[] {
  return (figures?.tiers ?? []).map(
    ({ tier, sources: count, attainment, belowTarget, schedule, drilled, rto, credit }) => {
      // The lines are sorted, the worst first; those without a share come last.
      const worst = sources.find(({ tierKey, share }) => tierKey === tier.key && share !== null);
      return {
        name: tier.name,
        sources: count,
        rpoMs: tier.rpoMinutes * 60_000,
        rtoMs: tier.rtoMinutes * 60_000,
        rpoShare: attainment,
        rpoTarget: tier.rpoShare,
        successShare: schedule.success,
        successTarget: tier.successShare,
        expected: schedule.counted,
        drilled: drilled.met,
        drillLevel: tier.drill.level,
        rtoAttained: rto.share,
        worstSource: worst?.share == null ? null : { name: worst.name, rpoShare: worst.share },
        belowTarget,
        creditPercent: credit,
      };
    },
  );
}

/** What is still under way belongs to the month in which it ends. */
function restoreOf({ deviceName, requestedMs, ...line }: RestoreLine): ReportRestore[] {
  const { id, asker, way, firstByteMs, endedMs, state, bytes, reason } = line;
  if (state === 'open') return [];
  return [{ id, device: deviceName, askedMs: requestedMs, asker, way, firstByteMs, endedMs, state, bytes, reason }];
}

function systemOf(line: SlaMonthView['sources'][number], row: ReportSourceRow | undefined): ReportSystem {
  return {
    device: row?.device ?? line.name,
    source: row?.source ?? '',
    tier: line.tierName,
    rpoShare: line.share,
    worstAgeMs: line.peakMs,
    restorePoints: line.restorePoints,
    protectedBytes: row?.protectedBytes ?? 0,
    provenLevel: row?.provenLevel ?? null,
    provenMs: row?.provenMs ?? null,
  };
}
