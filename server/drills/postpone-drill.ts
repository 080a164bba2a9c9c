import { SCHEDULE_TIMES } from '../../core/domain/schedule.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import { enqueueIntent } from '../jobs/intents.ts';
import type { Services } from '../services.ts';

/** Before a drill that gave way looks again whether the device's backup is over. */
const LOOK_AGAIN_MS = 60_000;
/** A drill gives way to backups for so long; then it is made beside them, or devices that back up all day were never tested. */
export const GIVES_WAY_MS = 6 * 3_600_000;

/** Does the drill's device back up right now, and has the drill not waited too long already? */
export async function mustGiveWay(services: Services, claim: Claim, drillId: string): Promise<boolean> {
  const { tenantId } = claim.scope;
  const nowMs = services.clock.nowMs();
  return await withScope(services, claim.scope, async (tx) => {
    const drill = await tx.drill.findFirst({
      where: { tenantId, id: drillId, state: { in: ['queued', 'running'] } },
      select: { deviceId: true, createdAt: true },
    });
    if (drill === null || nowMs - drill.createdAt.getTime() > GIVES_WAY_MS) return false;
    const running = await tx.backupRun.findFirst({
      where: {
        ...{ tenantId, deviceId: drill.deviceId, state: 'running' },
        // One that fell silent holds nothing up.
        lastProgressAt: { gt: new Date(nowMs - SCHEDULE_TIMES.stuckAfterMs) },
      },
      select: { id: true },
    });
    return running !== null;
  });
}

/** Puts the drill back into the queue for a minute. What it had begun is begun anew. Repeatable. */
export async function postponeDrill(services: Services, claim: Claim, drillId: string): Promise<void> {
  const { scope } = claim;
  const mine = { tenantId: scope.tenantId, id: drillId };
  await withScope(services, scope, async (tx) => {
    await claim.guard(tx);
    const drill = await tx.drill.findFirst({ where: { ...mine, state: { in: ['queued', 'running'] } } });
    if (drill === null) return;
    await tx.drill.updateMany({
      where: mine,
      data: { state: 'queued', startedAt: null, steps: [], filesDone: 0, bytesDone: 0n },
    });
    // A fresh intent beside the one in hand, which ends as done: nothing failed, and no attempt is used up.
    const runAfter = new Date(Date.now() + LOOK_AGAIN_MS);
    await enqueueIntent(
      tx,
      scope,
      'drill',
      { drillId },
      { dedupeKey: drillId, customerId: drill.customerId, runAfter },
    );
  });
}
