import { monthOf, monthWindow } from '../../core/domain/calendar.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import { enqueueIntent } from '../jobs/intents.ts';
import type { SweptSource } from '../schedule/swept-sources.ts';
import type { Services } from '../services.ts';

/** The month under way grows older by itself: it is computed again so often. */
const STALE_AFTER_MS = 15 * 60_000;

/** Orders the months that are out of date: the present one by age, and the one before it until it was computed to its end. */
export async function sweepRollups(services: Services, claim: Claim, sources: readonly SweptSource[]): Promise<void> {
  const { tenantId } = claim.scope;
  const nowMs = services.clock.nowMs();
  const owed = await withScope(services, claim.scope, async (tx) => {
    const rows = await tx.sourceMonth.findMany({
      where: { tenantId, windowEnd: { gt: new Date(nowMs - 70 * 24 * 3_600_000) } },
      select: { sourceId: true, month: true, windowEnd: true, computedAt: true },
    });
    const known = new Map(rows.map((row) => [`${row.sourceId}/${row.month}`, row]));
    return sources.flatMap((source) => owedMonths(source, known, nowMs));
  });
  if (owed.length === 0) return;
  await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    for (const { sourceId, month, customerId } of owed)
      await enqueueIntent(
        tx,
        claim.scope,
        'rollup',
        { sourceId, month },
        { dedupeKey: `${sourceId}/${month}`, customerId, priority: 30 },
      );
  });
}

function owedMonths(
  source: SweptSource,
  known: ReadonlyMap<string, { readonly windowEnd: Date; readonly computedAt: Date }>,
  nowMs: number,
): { sourceId: string; month: string; customerId: string }[] {
  const { sourceId, customerId, timeZone } = source;
  const present = monthOf(nowMs, timeZone);
  const previous = monthOf(monthWindow(present, timeZone).startMs - 1, timeZone);
  const isOwed = (month: string): boolean => {
    const { startMs, endMs } = monthWindow(month, timeZone);
    if (endMs <= source.createdMs || startMs > nowMs) return false;
    const row = known.get(`${sourceId}/${month}`);
    if (row === undefined) return true;
    return nowMs < endMs ? nowMs - row.computedAt.getTime() > STALE_AFTER_MS : row.windowEnd.getTime() < endMs;
  };
  return [previous, present].filter(isOwed).map((month) => ({ sourceId, month, customerId }));
}
