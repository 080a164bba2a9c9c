import { newId } from '../../core/base/ids.ts';
import { planOccurrences } from '../../core/domain/schedule.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import type { SweptSource } from './swept-sources.ts';

/**
 * Writes what is expected of every source until at least a day ahead, and takes back what an earlier policy expected. Reads
 * in two statements for all sources together, and writes only where the plan differs.
 */
export async function planAllOccurrences(
  services: Services,
  claim: Claim,
  sources: readonly SweptSource[],
): Promise<void> {
  const { tenantId } = claim.scope;
  const nowMs = services.clock.nowMs();
  const now = new Date(nowMs);
  const { future, lastDue } = await withScope(services, claim.scope, async (tx) => ({
    future: await tx.expectedOccurrence.findMany({
      where: { tenantId, dueAt: { gt: now } },
      select: { id: true, sourceId: true, dueAt: true, windowEnd: true },
    }),
    lastDue: await tx.expectedOccurrence.groupBy({
      by: ['sourceId'],
      where: { tenantId, dueAt: { lte: now } },
      _max: { dueAt: true },
    }),
  }));
  const futureOf = Map.groupBy(future, ({ sourceId }) => sourceId);
  const lastDueOf = new Map(lastDue.map((group) => [group.sourceId, group._max.dueAt?.getTime() ?? null]));
  for (const source of sources) {
    const plan = planOccurrences({
      schedule: source.policy.schedule,
      pausedUntilMs: source.policy.pausedUntilMs,
      deviceId: source.deviceId,
      nowMs,
      sinceMs: source.createdMs,
      lastDueMs: lastDueOf.get(source.sourceId) ?? null,
      future: (futureOf.get(source.sourceId) ?? []).map(({ id, dueAt, windowEnd }) => ({
        id,
        dueMs: dueAt.getTime(),
        windowEndMs: windowEnd.getTime(),
      })),
    });
    if (plan.create.length === 0 && plan.removeIds.length === 0) continue;
    const { customerId, deviceId, sourceId } = source;
    await withScope(services, claim.scope, async (tx) => {
      await claim.guard(tx);
      // Removal first: the time may come back with another window. One that a run already names stays.
      await tx.expectedOccurrence.deleteMany({
        where: { tenantId, id: { in: [...plan.removeIds] }, outcome: null, runs: { none: {} } },
      });
      await tx.expectedOccurrence.createMany({
        data: plan.create.map(({ dueMs, windowEndMs }) => ({
          tenantId,
          id: newId(services.clock),
          customerId,
          deviceId,
          sourceId,
          dueAt: new Date(dueMs),
          windowEnd: new Date(windowEndMs),
        })),
        skipDuplicates: true,
      });
    });
  }
}
