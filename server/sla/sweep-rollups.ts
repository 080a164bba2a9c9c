import { monthOf, monthWindow } from '../../core/domain/calendar.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import { enqueueIntent } from '../jobs/intents.ts';
import type { SweptSource } from '../schedule/swept-sources.ts';
import type { Services } from '../services.ts';
import { rollUpTenantDays } from './roll-up-days.ts';

/** The month under way grows older by itself: it is computed again so often. */
const STALE_AFTER_MS = 15 * 60_000;
const DAY_MS = 24 * 3_600_000;
/** Days of customers that may change without a mark that is seen here: those of the months that are open. */
const DAYS_BACK = 70;

interface Owed {
  readonly customerId: string;
  readonly month: string;
}

/**
 * Orders the months that are out of date: what is marked, the present one by age, and the one before it until it is frozen.
 * Then adds up the provider's days where one of a customer's is newer.
 */
export async function sweepRollups(services: Services, claim: Claim, sources: readonly SweptSource[]): Promise<void> {
  const { tenantId } = claim.scope;
  const nowMs = services.clock.nowMs();
  const owed = await withScope(services, claim.scope, async (tx) => {
    const rows = await tx.customerMonth.findMany({
      where: { tenantId, windowEnd: { gt: new Date(nowMs - DAYS_BACK * DAY_MS) } },
      select: { customerId: true, month: true, windowEnd: true, frozenAt: true },
    });
    const known = new Map(rows.map((row) => [`${row.customerId}/${row.month}`, row]));
    const marked = await tx.slaDirty.groupBy({ by: ['customerId', 'month'], where: { tenantId } });
    return new Map(
      [...marked, ...customersOf(sources).flatMap((customer) => owedMonths(customer, known, nowMs))].map((one) => [
        `${one.customerId}/${one.month}`,
        one,
      ]),
    );
  });
  await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    for (const [dedupeKey, { customerId, month }] of owed)
      await enqueueIntent(tx, claim.scope, 'rollup', { customerId, month }, { dedupeKey, customerId, priority: 30 });
    await rollUpTenantDays(tx, tenantId, new Date(nowMs - DAYS_BACK * DAY_MS).toISOString().slice(0, 10), nowMs);
  });
}

interface SweptCustomer {
  readonly customerId: string;
  readonly timeZone: string;
  readonly sinceMs: number;
}

function customersOf(sources: readonly SweptSource[]): SweptCustomer[] {
  return [...Map.groupBy(sources, ({ customerId }) => customerId)].map(([customerId, mine]) => ({
    customerId,
    timeZone: mine[0]!.timeZone,
    sinceMs: Math.min(...mine.map(({ createdMs }) => createdMs)),
  }));
}

function owedMonths(
  { customerId, timeZone, sinceMs }: SweptCustomer,
  known: ReadonlyMap<string, { readonly windowEnd: Date; readonly frozenAt: Date | null }>,
  nowMs: number,
): Owed[] {
  const present = monthOf(nowMs, timeZone);
  const previous = monthOf(monthWindow(present, timeZone).startMs - 1, timeZone);
  const isOwed = (month: string): boolean => {
    const { startMs, endMs } = monthWindow(month, timeZone);
    if (endMs <= sinceMs || startMs > nowMs) return false;
    const row = known.get(`${customerId}/${month}`);
    if (row === undefined) return true;
    return nowMs < endMs ? nowMs - row.windowEnd.getTime() > STALE_AFTER_MS : row.frozenAt === null;
  };
  return [previous, present].filter(isOwed).map((month) => ({ customerId, month }));
}
