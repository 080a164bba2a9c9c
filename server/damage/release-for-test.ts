/** Points that are whole again (the machine sent the data anew, or the storage was mended), and that a restore test had locked away. */
import { z } from 'zod';
import { isHoldfastError } from '../../core/base/errors.ts';
import type { DrillScope } from '../../core/domain/drill-plans.ts';
import type { Change } from '../changes/apply-change.ts';
import { queueDrill } from '../drills/queue-drill.ts';
import type { Services } from '../services.ts';
import { hasBadObject, type Point, unlockPoint } from '../verification/release-point.ts';

const mismatches = z.array(z.object({ problem: z.string() }));

/**
 * Opens the lock, and has the same files restored once more: until that test has passed, the point counts for nothing. A test
 * that got other contents than the machine saw is not answered by any repair, and keeps its lock.
 * @returns false where the point stays locked away.
 */
export async function releaseForTest(services: Services, change: Change, point: Point): Promise<boolean> {
  const { tx } = change;
  const { tenantId, customerId, deviceId, sourceId, vaultId, id } = point;
  if (point.state !== 'quarantined' || point.lostDamageId !== null || (await hasBadObject(change, point))) return false;
  const failed = await tx.drill.findMany({
    where: { tenantId, restorePointId: id, state: 'failed' },
    orderBy: { createdAt: 'desc' },
    select: { level: true, scope: true, seed: true, mismatches: true },
  });
  const [last] = failed;
  const isOfBytes = failed.every((drill) => {
    const found = mismatches.safeParse(drill.mismatches);
    return found.success && found.data.every(({ problem }) => problem === 'damaged');
  });
  if (last === undefined || !isOfBytes) return false;
  await unlockPoint(services, change, point, false);
  const drill = { level: last.level, scope: last.scope as DrillScope, seed: last.seed }; // held by a CHECK constraint
  try {
    await queueDrill(
      services,
      change,
      { tenantId, customerId, deviceId, sourceId, vaultId, id },
      { ...drill, pointChoice: 'chosen', trigger: 'after_seal', requestedBy: null },
    );
  } catch (error) {
    // A machine that cannot make the test now: a person can ask for it later.
    if (!isHoldfastError(error, 'bad_request')) throw error;
  }
  return true;
}
