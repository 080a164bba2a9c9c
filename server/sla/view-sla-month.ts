/** A customer's month as its page shows it: for the customer, and for staff who look at it with their eyes. */
import { HoldfastError } from '../../core/base/errors.ts';
import { monthOf, monthWindow } from '../../core/domain/calendar.ts';
import type { OccurrenceOutcome } from '../../core/domain/outcome.ts';
import { type ContractVersion, versionAt } from '../../core/domain/sla/contract.ts';
import { type CustomerFigures, isBelow } from '../../core/domain/sla/customer-figures.ts';
import { burnsFast } from '../../core/domain/sla/error-budget.ts';
import { peakExposure } from '../../core/domain/sla/exposure.ts';
import type { Interval } from '../../core/domain/sla/intervals.ts';
import { type SourceFigures, sourceFigures } from '../../core/domain/sla/source-figures.ts';
import type { Standing } from '../../core/domain/sla/standing.ts';
import type { Scope } from '../access/scope.ts';
import type { CustomerDay } from '../db/generated/client.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { type ExcuseView, listExcuses } from './list-excuses.ts';
import { loadFacts, type NamedFacts } from './load-facts.ts';
import { loadVersions } from './load-versions.ts';
import { unpackSource } from './packed-figures.ts';
import { readFiguresJson, readStandingJson } from './read-figures.ts';

/** Breaches are shown one by one; of a month with more, the longest. */
export const BREACHES_SHOWN = 50;

export interface SourceLine {
  readonly sourceId: string;
  readonly deviceId: string;
  readonly name: string;
  readonly tierKey: string;
  readonly tierName: string;
  readonly rpoMs: number;
  readonly share: number | null;
  readonly isBelow: boolean;
  readonly peakMs: number | null;
  readonly restorePoints: number;
  readonly bad: number;
  readonly expected: number;
  readonly drills: { readonly passed: number; readonly failed: number };
  readonly rto: SourceFigures['rto'];
}

export interface BreachLine extends Interval {
  readonly sourceId: string;
  readonly name: string;
  /** The first expected backup that did not bring what it should; null: none is known. */
  readonly cause: { readonly outcome: OccurrenceOutcome; readonly reason: string | null } | null;
  /** The highest age of the data in it; null: there was no usable restore point at all. */
  readonly peakMs: number | null;
  /** It still goes on. */
  readonly isOpen: boolean;
}

export interface DayLine {
  readonly day: string;
  readonly counts: Readonly<Record<OccurrenceOutcome, number>>;
  readonly restorePoints: number;
  /** Promised and not excused, over all sources. */
  readonly windowMs: number;
  readonly violationMs: number;
  readonly excusedMs: number;
  readonly peakMs: number | null;
  readonly peakName: string | null;
  readonly drillsPassed: number;
  readonly drillsFailed: number;
}

export interface AmendmentLine {
  readonly id: string;
  readonly figure: string;
  readonly before: number | null;
  readonly after: number | null;
  readonly causes: readonly string[];
  readonly atMs: number;
}

export interface SlaMonthView {
  readonly nowMs: number;
  readonly customer: { readonly id: string; readonly name: string; readonly timeZone: string };
  readonly month: string;
  /** Newest first; those of which something is known, and this one. */
  readonly months: readonly string[];
  readonly isOver: boolean;
  readonly frozenMs: number | null;
  /** As its rows say now; null: nothing was computed yet. */
  readonly figures: CustomerFigures | null;
  readonly frozen: CustomerFigures | null;
  readonly standing: Standing | null;
  readonly days: readonly DayLine[];
  readonly sources: readonly SourceLine[];
  readonly breaches: readonly BreachLine[];
  readonly breachesTotal: number;
  /** Names of tiers whose error budget is being used up so fast that somebody has to look; of the month under way alone. */
  readonly burning: readonly string[];
  readonly excuses: readonly ExcuseView[];
  readonly amendments: readonly AmendmentLine[];
  readonly contract: ContractVersion | null;
  readonly devices: readonly { readonly id: string; readonly name: string }[];
}

/** @throws HoldfastError not_found for a foreign customer as for none. `month` null: the present one. */
export async function viewSlaMonth(
  services: Services,
  scope: Scope,
  customerId: string,
  month: string | null,
): Promise<SlaMonthView> {
  const nowMs = services.clock.nowMs();
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const customer = await tx.customer.findFirst({ where: { tenantId, id: customerId } });
    if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
    const timeZone = customer.timezone;
    const wanted = month ?? monthOf(nowMs, timeZone);
    const whole = monthWindow(wanted, timeZone);
    const where = { tenantId, customerId };
    const row = await tx.customerMonth.findUnique({
      where: { tenantId_customerId_month: { tenantId, customerId, month: wanted } },
    });
    const known = await tx.customerMonth.findMany({
      where,
      select: { month: true },
      orderBy: { month: 'desc' },
      take: 36,
    });
    const devices = await tx.device.findMany({
      where,
      select: { id: true, name: true, revokedAt: true, sources: { select: { id: true, name: true } } },
      orderBy: [{ name: 'asc' }, { id: 'asc' }],
    });
    const nameOf = new Map(
      devices.flatMap(({ name, sources }) =>
        sources.map((source) => [source.id, sources.length === 1 ? name : `${name}, ${source.name}`]),
      ),
    );
    const versions = (await loadVersions(tx, tenantId, [customerId])).get(customerId) ?? [];
    const sources = await listSources(tx, { tenantId, customerId, month: wanted }, versions, nameOf);
    const figures = row === null ? null : readFiguresJson(row.figures);
    const place = { tenantId, customerId, whole, versions, figures, nowMs };
    const breaches = await listBreaches(tx, place, sources, nameOf);
    const days = await tx.customerDay.findMany({
      where: { ...where, day: { gte: `${wanted}-01`, lte: `${wanted}-31` } },
      orderBy: { day: 'asc' },
    });
    const amendments = await tx.slaAmendment.findMany({
      where: { ...where, month: wanted },
      orderBy: { at: 'desc' },
      take: 100,
    });
    return {
      nowMs,
      customer: { id: customer.id, name: customer.name, timeZone },
      month: wanted,
      months: [...new Set([monthOf(nowMs, timeZone), wanted, ...known.map((one) => one.month)])].sort().reverse(),
      isOver: nowMs >= whole.endMs,
      frozenMs: row?.frozenAt?.getTime() ?? null,
      figures,
      frozen: row?.frozen == null ? null : readFiguresJson(row.frozen),
      standing: readStandingJson(row?.standing ?? null),
      days: days.map((day) => toDayLine(day, nameOf)),
      sources: sources.map(({ line }) => line),
      ...breaches,
      excuses: await listExcuses(tx, where, whole),
      amendments: amendments.map(({ id, figure, before, after, cause, at }) => ({
        ...{ id, figure, before, after, causes: cause.split(','), atMs: at.getTime() },
      })),
      contract: versionAt(versions, Math.min(nowMs, whole.endMs - 1)) ?? null,
      devices: devices.filter(({ revokedAt }) => revokedAt === null).map(({ id, name }) => ({ id, name })),
    };
  });
}

async function listSources(
  tx: Tx,
  where: { readonly tenantId: string; readonly customerId: string; readonly month: string },
  versions: readonly ContractVersion[],
  nameOf: ReadonlyMap<string, string>,
): Promise<{ readonly line: SourceLine; readonly violationMs: number }[]> {
  const rows = await tx.sourceMonth.findMany({ where, select: { figures: true } });
  return rows
    .flatMap(({ figures }) => {
      if (figures === null) return [];
      const source = unpackSource(figures, versions);
      const line: SourceLine = {
        sourceId: source.sourceId,
        deviceId: source.deviceId,
        name: nameOf.get(source.sourceId) ?? 'A removed device',
        tierKey: source.tier.key,
        tierName: source.tier.name,
        rpoMs: source.tier.rpoMinutes * 60_000,
        share: source.share,
        isBelow: isBelow(source),
        peakMs: source.peak?.ageMs ?? null,
        restorePoints: source.restorePoints,
        bad: source.counts.missed + source.counts.failed + source.counts.stuck,
        expected: source.expected,
        drills: source.drills,
        rto: source.rto,
      };
      return [{ line, violationMs: source.violationMs }];
    })
    .sort((a, b) => (a.line.share ?? 1) - (b.line.share ?? 1) || a.line.name.localeCompare(b.line.name));
}

/** Read again from the rows of those sources alone that had any. */
async function listBreaches(
  tx: Tx,
  place: {
    readonly tenantId: string;
    readonly customerId: string;
    readonly whole: Interval;
    readonly versions: readonly ContractVersion[];
    readonly figures: CustomerFigures | null;
    readonly nowMs: number;
  },
  sources: readonly { readonly line: SourceLine; readonly violationMs: number }[],
  nameOf: ReadonlyMap<string, string>,
): Promise<Pick<SlaMonthView, 'breaches' | 'breachesTotal' | 'burning'>> {
  const sourceIds = sources.filter(({ violationMs }) => violationMs > 0).map(({ line }) => line.sourceId);
  if (sourceIds.length === 0) return { breaches: [], breachesTotal: 0, burning: [] };
  const { tenantId, customerId, whole, versions, nowMs } = place;
  const facts = await loadFacts(
    tx,
    { tenantId, customerIds: [customerId], sourceIds, isLookingBack: false },
    { startMs: whole.startMs, endMs: Math.min(whole.endMs, nowMs) },
  );
  const all = facts.flatMap((one) => {
    const figures = sourceFigures(one, versions, whole, nowMs);
    return (figures?.breaches ?? []).map((breach) => ({
      ...breach,
      sourceId: one.sourceId,
      tierKey: figures!.tier.key,
      name: nameOf.get(one.sourceId) ?? one.deviceName,
      peakMs: peakExposure(one.points, breach)?.ageMs ?? null,
      cause: causeOf(one, breach, figures!.tier.rpoMinutes * 60_000),
      isOpen: breach.endMs === figures!.window.endMs && nowMs < whole.endMs,
    }));
  });
  const longest = [...all].sort((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs)).slice(0, BREACHES_SHOWN);
  const reasons = await selectReasons(tx, tenantId, longest);
  const burning = (place.figures?.tiers ?? []).filter(({ tier, budget }) =>
    burnsFast(
      all.filter(({ tierKey }) => tierKey === tier.key),
      budget.budgetMs,
      nowMs,
    ),
  );
  return {
    burning: nowMs < whole.endMs ? burning.map(({ tier }) => tier.name) : [],
    breachesTotal: all.length,
    breaches: longest
      .sort((a, b) => b.startMs - a.startMs)
      .map(({ cause, tierKey: _, ...breach }) => ({
        ...breach,
        cause:
          cause === null
            ? null
            : { outcome: cause.outcome, reason: reasons.get(`${breach.sourceId}/${cause.dueMs}`) ?? null },
      })),
  };
}

/** The first bad one among what was expected from one target before the breach until its end. */
function causeOf({ occurrences }: NamedFacts, breach: Interval, rpoMs: number) {
  const bad = occurrences.find(
    ({ dueMs, outcome }) =>
      dueMs >= breach.startMs - rpoMs &&
      dueMs < breach.endMs &&
      outcome !== null &&
      outcome !== 'ok' &&
      outcome !== 'excused',
  );
  return bad === undefined ? null : { outcome: bad.outcome!, dueMs: bad.dueMs };
}

async function selectReasons(
  tx: Tx,
  tenantId: string,
  breaches: readonly { readonly sourceId: string; readonly cause: { readonly dueMs: number } | null }[],
): Promise<Map<string, string | null>> {
  const rows = await tx.expectedOccurrence.findMany({
    where: {
      tenantId,
      OR: breaches.flatMap(({ sourceId, cause }) =>
        cause === null ? [] : [{ sourceId, dueAt: { gte: new Date(cause.dueMs), lt: new Date(cause.dueMs + 1) } }],
      ),
    },
    select: { sourceId: true, dueAt: true, reason: true },
  });
  return new Map(rows.map(({ sourceId, dueAt, reason }) => [`${sourceId}/${dueAt.getTime()}`, reason]));
}

function toDayLine(row: CustomerDay, nameOf: ReadonlyMap<string, string>): DayLine {
  const { day, ok, late, partial, failed, missed, stuck, excused } = row;
  return {
    day,
    counts: { ok, late, partial, failed, missed, stuck, excused },
    restorePoints: row.restorePoints,
    windowMs: Number(row.windowSeconds) * 1000,
    violationMs: Number(row.violationSeconds) * 1000,
    excusedMs: Number(row.excusedSeconds) * 1000,
    peakMs: row.peakExposureSeconds === null ? null : Number(row.peakExposureSeconds) * 1000,
    peakName: row.peakSourceId === null ? null : (nameOf.get(row.peakSourceId) ?? null),
    drillsPassed: row.drillsPassed,
    drillsFailed: row.drillsFailed,
  };
}
