/**
 * Computes a customer's month from its rows and writes it over what was there (docs/metrics.md): the sources that were marked,
 * or all of them, the days from the first one that changed, and the month itself. The month under way ends now.
 */
import { dayOf, monthWindow } from '../../core/domain/calendar.ts';
import type { ContractVersion } from '../../core/domain/sla/contract.ts';
import { customerFigures } from '../../core/domain/sla/customer-figures.ts';
import type { Interval } from '../../core/domain/sla/intervals.ts';
import { sourceFigures } from '../../core/domain/sla/source-figures.ts';
import type { CustomerMonth } from '../db/generated/client.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { amendMonth, freezeMonth, isClosable } from './freeze-month.ts';
import { loadFacts } from './load-facts.ts';
import { loadMonthFacts } from './load-month-facts.ts';
import { loadStanding, STANDING_EVERY_MS } from './load-standing.ts';
import { loadVersions } from './load-versions.ts';
import { unpackSource } from './packed-figures.ts';
import { rollUpDays } from './roll-up-days.ts';
import { readFiguresJson, readStandingJson } from './read-figures.ts';
import { watchBurn } from './watch-burn.ts';
import { writeSourceMonths } from './write-source-months.ts';

interface Mark {
  readonly sourceId: string | null;
  readonly fromDay: string;
  readonly cause: string;
}

/** Reading the year of a large customer again takes a while on a busy database. */
const TIMEOUT_MS = 120_000;

export async function rollUpMonth(
  services: Services,
  claim: Pick<Claim, 'scope' | 'guard'>,
  { customerId, month }: { readonly customerId: string; readonly month: string },
): Promise<void> {
  const { tenantId } = claim.scope;
  const nowMs = services.clock.nowMs();
  const computed = await withScope(
    services,
    claim.scope,
    async (tx) => {
      await claim.guard(tx);
      const customer = await tx.customer.findUnique({ where: { tenantId_id: { tenantId, id: customerId } } });
      if (customer === null) return undefined;
      // Two at once would each write what it read before the other's.
      await tx.$queryRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`${customerId}/${month}`}, 0))::text`;
      const marks = await takeMarks(tx, { tenantId, customerId, month });
      const whole = monthWindow(month, customer.timezone);
      if (whole.startMs > nowMs) return undefined;
      const known = await tx.customerMonth.findUnique({
        where: { tenantId_customerId_month: { tenantId, customerId, month } },
      });
      const place = { tenantId, customerId, month, timeZone: customer.timezone, whole };
      const span = spanOf(known, marks, place, nowMs);
      const versions = (await loadVersions(tx, tenantId, [customerId])).get(customerId) ?? [];
      await writeSources(tx, place, span.sourceIds, versions, nowMs);
      await rollUpDays(tx, { tenantId, customerIds: [customerId] }, span.days, nowMs);
      const { figures: after, brokenIds } = await writeMonth(services, tx, place, {
        known,
        versions,
        isWhole: span.sourceIds === null,
        nowMs,
      });
      if (known?.frozenAt != null) {
        await amendMonth(services, tx, claim.scope, place, {
          before: readFiguresJson(known.figures),
          after,
          causes: marks.map(({ cause }) => cause),
        });
      } else if (await isClosable(tx, place, nowMs)) await freezeMonth(services, tx, claim.scope, place);
      return { place, versions, figures: after, brokenIds };
    },
    { timeoutMs: TIMEOUT_MS },
  );
  if (computed !== undefined) await watchBurn(services, claim, computed);
}

export interface MonthPlace {
  readonly tenantId: string;
  readonly customerId: string;
  readonly month: string;
  readonly timeZone: string;
  readonly whole: Interval;
}

/** What is marked after this is there for the next one: it was written by something that this one may not have seen. */
async function takeMarks(
  tx: Tx,
  place: { readonly tenantId: string; readonly customerId: string; readonly month: string },
): Promise<Mark[]> {
  return await tx.$queryRaw<Mark[]>`
    DELETE FROM sla_dirty WHERE tenant_id = ${place.tenantId}::uuid AND customer_id = ${place.customerId}::uuid
      AND month = ${place.month} RETURNING source_id AS "sourceId", from_day AS "fromDay", cause`;
}

/** The sources that are read again (null: all), and the days. Without a mark time itself has passed: all of them grew older. */
function spanOf(
  known: CustomerMonth | null,
  marks: readonly Mark[],
  { timeZone, whole }: MonthPlace,
  nowMs: number,
): { readonly sourceIds: readonly string[] | null; readonly days: { from: string; until: string } } {
  const until = dayOf(Math.min(nowMs, whole.endMs - 1), timeZone);
  const first = dayOf(whole.startMs, timeZone);
  const isEnded = known !== null && known.windowEnd.getTime() >= whole.endMs;
  const isAll = known === null || marks.length === 0 || (!isEnded && nowMs >= whole.endMs) || marks.some(isOfAll);
  const computedDay = known === null ? first : dayOf(Math.min(known.windowEnd.getTime(), whole.endMs - 1), timeZone);
  const from = [...marks.map(({ fromDay }) => fromDay), ...(isAll ? [computedDay] : [])].sort()[0] ?? first;
  return {
    sourceIds: isAll ? null : [...new Set(marks.flatMap(({ sourceId }) => sourceId ?? []))],
    days: { from: from < first ? first : from, until },
  };
}

const isOfAll = ({ sourceId }: Mark): boolean => sourceId === null;

async function writeSources(
  tx: Tx,
  { tenantId, customerId, month, whole }: MonthPlace,
  sourceIds: readonly string[] | null,
  versions: readonly ContractVersion[],
  nowMs: number,
): Promise<void> {
  const wish = { tenantId, customerIds: [customerId], sourceIds, isLookingBack: true };
  const facts = await loadFacts(tx, wish, { startMs: whole.startMs, endMs: Math.min(whole.endMs, nowMs) });
  const figures = facts.flatMap((one) => {
    const { breaches: _, ...summed } = sourceFigures(one, versions, whole, nowMs) ?? { breaches: undefined };
    return 'sourceId' in summed ? [summed] : [];
  });
  await writeSourceMonths(tx, { tenantId, customerId, month, computedMs: nowMs }, figures);
}

async function writeMonth(
  services: Services,
  tx: Tx,
  place: MonthPlace,
  {
    known,
    versions,
    isWhole,
    nowMs,
  }: {
    readonly known: CustomerMonth | null;
    readonly versions: readonly ContractVersion[];
    readonly isWhole: boolean;
    readonly nowMs: number;
  },
) {
  const { tenantId, customerId, month, whole } = place;
  const rows = await tx.sourceMonth.findMany({ where: { tenantId, customerId, month }, select: { figures: true } });
  const sources = rows.flatMap(({ figures }) => (figures === null ? [] : [unpackSource(figures, versions)]));
  const figures = customerFigures(sources, whole, await loadMonthFacts(tx, place, nowMs));
  const standingMs = readStandingJson(known?.standing)?.atMs ?? 0;
  const isStandingDue = known?.frozenAt == null && nowMs - standingMs >= STANDING_EVERY_MS;
  const standing = isStandingDue ? await loadStanding(services, tx, place, { versions, figures, nowMs }) : undefined;
  const row = {
    ...(isWhole || known === null ? { windowEnd: new Date(Math.min(nowMs, whole.endMs)) } : {}),
    figures: { ...figures } as object,
    ...(standing === undefined ? {} : { standing: { ...standing } as object, readiness: standing.readiness.score }),
    attainment: figures.attainment,
    worstShare: figures.worst?.share ?? null,
    sources: figures.sources,
    belowTarget: figures.belowTarget,
    credit: figures.credit,
    computedAt: new Date(nowMs),
  };
  await tx.customerMonth.upsert({
    where: { tenantId_customerId_month: { tenantId, customerId, month } },
    create: { tenantId, customerId, month, windowEnd: new Date(Math.min(nowMs, whole.endMs)), ...row },
    update: row,
    select: { month: true },
  });
  return {
    figures,
    brokenIds: sources.filter(({ violationMs }) => violationMs > 0).map(({ sourceId }) => sourceId),
  };
}
