/** Every customer's month beside one another, and the provider's days: from the roll-ups alone, whatever the size of the fleet. */
import { monthOf, monthsBetween } from '../../core/domain/calendar.ts';
import { shareOf } from '../../core/domain/sla/share.ts';
import type { ServiceFigures } from '../../core/domain/sla/standing.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { barDays, buildHistory, type DayCount, HISTORY_DAYS } from '../fleet/history.ts';
import type { HistoryDay } from '../fleet/view.ts';
import type { Tx } from '../db/client.ts';
import type { CustomerDay } from '../db/generated/client.ts';
import { readFiguresJson } from './read-figures.ts';

const DAY_MS = 24 * 3_600_000;
/** Customers of whom the service itself did not do well are few; of more, the worst. */
const SERVICE_LINES = 20;
/** Customers of one page. */
export const CUSTOMERS_A_PAGE = 100;

/** Customers that a figure counts, and no others. */
export const FLEET_SLA_LISTS = ['below', 'credit'] as const;
export type FleetSlaList = (typeof FLEET_SLA_LISTS)[number];

export interface FleetSlaLine {
  readonly customerId: string;
  readonly name: string;
  readonly attainment: number | null;
  readonly worstShare: number | null;
  readonly sources: number;
  readonly belowTarget: number;
  readonly peakMs: number | null;
  readonly drilled: { readonly met: number; readonly of: number };
  readonly readiness: number | null;
  readonly credit: number;
  readonly isFrozen: boolean;
  readonly hasContract: boolean;
  /** The last 28 days by its own clock, whatever month is shown. */
  readonly history: readonly HistoryDay[];
}

export interface FleetSlaView {
  readonly nowMs: number;
  readonly month: string;
  readonly months: readonly string[];
  /** The worst first. */
  readonly customers: readonly FleetSlaLine[];
  readonly total: number;
  /** Of them those that the list is of. */
  readonly listed: number;
  /** Over all customers, not over those of the page. */
  readonly sums: {
    readonly sources: number;
    readonly belowTarget: number;
    readonly customersBelow: number;
    readonly credits: number;
    /** Customers of whom no source was measured. */
    readonly unmeasured: number;
  };
  /** What the service itself did in the month, over all customers. */
  readonly service: ServiceFigures;
  /** The customers of whom it did not do well, the longest silence first. */
  readonly serviceLines: readonly (ServiceFigures & { readonly customerId: string; readonly name: string })[];
  /** Of the month, by day: the share of time outside the target, and what was missed or failed. */
  readonly days: readonly {
    readonly day: string;
    readonly share: number | null;
    readonly bad: number;
    readonly expected: number;
  }[];
}

/** @throws HoldfastError forbidden. */
export async function viewFleetSla(
  services: Services,
  scope: Scope,
  {
    month,
    page,
    only = null,
  }: { readonly month: string | null; readonly page: number; readonly only?: FleetSlaList | null },
): Promise<FleetSlaView> {
  requireStaff(scope);
  const { tenantId } = scope;
  const nowMs = services.clock.nowMs();
  const present = monthOf(nowMs, 'UTC');
  const wanted = month ?? present;
  return await withScope(services, scope, async (tx) => {
    const where = {
      ...{ tenantId, month: wanted },
      ...(only === 'below' ? { belowTarget: { gt: 0 } } : {}),
      ...(only === 'credit' ? { credit: { gt: 0 } } : {}),
    };
    const rows = await tx.customerMonth.findMany({
      where,
      orderBy: [{ belowTarget: 'desc' }, { worstShare: { sort: 'asc', nulls: 'last' } }, { customerId: 'asc' }],
      skip: (page - 1) * CUSTOMERS_A_PAGE,
      take: CUSTOMERS_A_PAGE,
      include: { customer: { select: { name: true, timezone: true } } },
      // Pages of JSON that nothing here shows.
      omit: { frozen: true, standing: true },
    });
    const historyOf = await loadHistories(tx, tenantId, rows, nowMs);
    const [sums] = await tx.$queryRaw<
      {
        total: number;
        sources: number;
        below: number;
        customersBelow: number;
        credits: number;
        unmeasured: number;
        silentMs: number;
        breaches: number;
        undetected: number;
        latencyMs: number | null;
        falseGreen: number;
        drills: number;
        lines: (ServiceFigures & { customerId: string })[];
      }[]
    >`
      -- The JSON of a month is long: it is opened once.
      WITH of_month AS MATERIALIZED (SELECT customer_id, sources, below_target, credit, attainment, standing -> 'service' AS own
        FROM customer_month WHERE tenant_id = ${tenantId}::uuid AND month = ${wanted})
      SELECT count(*)::int AS total, coalesce(sum(sources), 0)::int AS sources, coalesce(sum(below_target), 0)::int AS below,
        (count(*) FILTER (WHERE below_target > 0))::int AS "customersBelow", (count(*) FILTER (WHERE credit > 0))::int AS credits,
        (count(*) FILTER (WHERE attainment IS NULL))::int AS unmeasured,
        coalesce(sum((own ->> 'silentMs')::float8), 0) AS "silentMs",
        coalesce(sum((own ->> 'breaches')::int), 0)::int AS breaches,
        coalesce(sum((own ->> 'undetected')::int), 0)::int AS undetected,
        max((own ->> 'latencyMs')::float8) AS "latencyMs",
        coalesce(sum((own #>> '{falseGreen,met}')::int), 0)::int AS "falseGreen",
        coalesce(sum((own #>> '{falseGreen,of}')::int), 0)::int AS drills,
        (SELECT coalesce(jsonb_agg(own || jsonb_build_object('customerId', customer_id)), '[]') FROM (SELECT customer_id, own FROM of_month
          WHERE (own ->> 'silentMs')::float8 > 0 OR (own ->> 'undetected')::int > 0 OR (own #>> '{falseGreen,met}')::int > 0
          ORDER BY (own ->> 'silentMs')::float8 DESC, (own #>> '{falseGreen,met}')::int DESC, customer_id
          LIMIT ${SERVICE_LINES}) worst) AS lines
      FROM of_month`;
    const named = await tx.customer.findMany({
      where: { tenantId, id: { in: sums!.lines.map(({ customerId }) => customerId) } },
      select: { id: true, name: true },
    });
    const nameOf = new Map(named.map(({ id, name }) => [id, name]));
    const days = await tx.tenantDay.findMany({
      where: { tenantId, day: { gte: `${wanted}-01`, lte: `${wanted}-31` } },
      orderBy: { day: 'asc' },
    });
    return {
      nowMs,
      month: wanted,
      months: monthsBetween(nowMs - 330 * DAY_MS, nowMs, 'UTC', 12).reverse(),
      customers: rows.map((row) => {
        const figures = readFiguresJson(row.figures);
        return {
          customerId: row.customerId,
          name: row.customer.name,
          attainment: row.attainment,
          worstShare: row.worstShare,
          sources: row.sources,
          belowTarget: row.belowTarget,
          peakMs: figures.peak?.ageMs ?? null,
          drilled: figures.drilled,
          readiness: row.readiness,
          credit: row.credit,
          isFrozen: row.frozenAt !== null,
          hasContract: figures.versions.some((version) => version !== null),
          history: historyOf(row.customerId),
        };
      }),
      total: sums!.total,
      listed: only === null ? sums!.total : only === 'below' ? sums!.customersBelow : sums!.credits,
      sums: {
        sources: sums!.sources,
        belowTarget: sums!.below,
        customersBelow: sums!.customersBelow,
        credits: sums!.credits,
        unmeasured: sums!.unmeasured,
      },
      service: {
        silentMs: sums!.silentMs,
        breaches: sums!.breaches,
        undetected: sums!.undetected,
        // Of single breaches the roll-ups know nothing: the customer where it took longest speaks for all.
        latencyMs: sums!.latencyMs,
        falseGreen: shareOf(sums!.falseGreen, sums!.drills),
      },
      serviceLines: sums!.lines.map((line) => ({ ...line, name: nameOf.get(line.customerId) ?? 'A removed customer' })),
      days: days.map((row) => ({
        day: row.day,
        share: row.windowSeconds === 0n ? null : 1 - Number(row.violationSeconds) / Number(row.windowSeconds),
        bad: row.missed + row.failed + row.stuck,
        expected: row.expected - row.excused,
      })),
    };
  });
}

/** From the days of the roll-ups: 28 narrow rows a customer of the page. */
async function loadHistories(
  tx: Tx,
  tenantId: string,
  customers: readonly { readonly customerId: string; readonly customer: { readonly timezone: string } }[],
  nowMs: number,
): Promise<(customerId: string) => HistoryDay[]> {
  const days = await tx.customerDay.findMany({
    where: {
      tenantId,
      customerId: { in: customers.map(({ customerId }) => customerId) },
      // A day more than the bar has: the clocks of customers lie up to a day apart.
      day: { gte: new Date(nowMs - (HISTORY_DAYS + 1) * DAY_MS).toISOString().slice(0, 10) },
    },
  });
  const countsOf = new Map(
    [...Map.groupBy(days, ({ customerId }) => customerId)].map(([id, own]) => [id, own.flatMap(dayCounts)]),
  );
  const zoneOf = new Map(customers.map(({ customerId, customer }) => [customerId, customer.timezone]));
  return (id) => buildHistory(countsOf.get(id) ?? [], barDays(nowMs, zoneOf.get(id) ?? 'UTC'));
}

function dayCounts(row: CustomerDay): DayCount[] {
  const counts: readonly DayCount[] = [
    ...(['ok', 'late', 'partial', 'failed', 'missed', 'stuck', 'excused'] as const).map((kind) => ({
      ...{ day: row.day, kind },
      count: row[kind],
    })),
    { day: row.day, kind: 'drill_passed', count: row.drillsPassed },
    { day: row.day, kind: 'drill_failed', count: row.drillsFailed },
  ];
  return counts.filter(({ count }) => count > 0);
}
