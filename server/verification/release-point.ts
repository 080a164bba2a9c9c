/** The way out of the quarantine. */
import { policyDocument } from '../../core/domain/policy.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Prisma } from '../db/generated/client.ts';
import type { Services } from '../services.ts';
import { enqueueRollups } from '../sla/enqueue-rollups.ts';
import { isPointAcceptable } from './is-point-acceptable.ts';

const withContext = {
  device: { include: { policy: true, customer: true } },
  run: { select: { unread: true, unreadBytes: true, selectedBytes: true } },
} as const satisfies Prisma.RestorePointInclude;

export async function loadPoint({ tx }: Pick<Change, 'tx'>, tenantId: string, id: string) {
  return await tx.restorePoint.findUniqueOrThrow({ where: { tenantId_id: { tenantId, id } }, include: withContext });
}
export type Point = Awaited<ReturnType<typeof loadPoint>>;

/** Share of the selected bytes that a partial run may lack by the policy in force. */
export function toleranceOf({ device }: Point): number {
  return policyDocument.parse(device.policy.document).partialToleranceShare;
}

/**
 * A point that was locked away and is whole again counts again, and the months that it counts in are computed anew.
 * @returns false when it was not locked away, or is so for another reason.
 */
export async function releasePoint(services: Services, change: Change, point: Point): Promise<boolean> {
  if (point.state !== 'quarantined' || !(await isReleasable(change, point))) return false;
  await unlockPoint(services, change, point, isPointAcceptable(point, toleranceOf(point)));
  return true;
}

/** The lock alone; whoever calls it knows why the point may leave it, and whether it counts. */
export async function unlockPoint(services: Services, change: Change, point: Point, isUsable: boolean): Promise<void> {
  await change.tx.restorePoint.update({
    where: { tenantId_id: { tenantId: point.tenantId, id: point.id } },
    data: { state: 'sealed', quarantineReason: null, isUsable },
  });
  await change.audit(
    'restore_point.released',
    { kind: 'restore_point', id: point.id },
    { reason: point.quarantineReason },
  );
  await enqueueRollups(
    services,
    change,
    {
      tenantId: point.tenantId,
      customerId: point.customerId,
      sourceId: point.sourceId,
      timeZone: point.device.customer.timezone,
    },
    point.sealedAt.getTime(),
    'point_released',
  );
}

/**
 * Only what a verification locked away may a verification release: a failed restore test needs a passed one. And nothing
 * while an object that it needs is known to be bad in another way than the check that passed has looked at.
 */
async function isReleasable(change: Change, point: Point): Promise<boolean> {
  // Somebody has accepted that a part of it is gone: no check of what is left makes it whole.
  if (point.lostDamageId !== null || (await hasBadObject(change, point))) return false;
  const drill = await change.tx.drill.findFirst({
    where: { tenantId: point.tenantId, restorePointId: point.id, state: { in: ['passed', 'failed'] } },
    orderBy: { createdAt: 'desc' },
    select: { state: true },
  });
  return drill?.state !== 'failed';
}

/** Is one of the objects that it needs known to be damaged or missing? */
export async function hasBadObject({ tx }: Pick<Change, 'tx'>, point: Point): Promise<boolean> {
  const packKeys = point.packIds.map((id) => `data/${id.slice(0, 2)}/${id}`);
  const keys = [...packKeys, `snapshots/${point.snapshotId}`, 'config'];
  // One parameter for all keys: a point of half a terabyte has more packs than a statement takes parameters.
  const rows = await tx.$queryRaw<{ isBad: boolean }[]>`
    SELECT EXISTS (SELECT FROM stored_object WHERE tenant_id = ${point.tenantId}::uuid AND vault_id = ${point.vaultId}::uuid
      AND state IN ('damaged', 'missing')
      AND (key = ANY (${keys}::text[]) OR (kind = 'index' AND run_id = ${point.runId}::uuid))) AS "isBad"`;
  return rows[0]?.isBad === true;
}
