import { newId } from '../../core/base/ids.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

export interface PointPlace {
  readonly tenantId: string;
  readonly customerId: string;
  readonly deviceId: string;
  readonly vaultId: string;
  readonly id: string;
}

/** Has the bytes of a restore point checked (level 1). One that waits or runs already serves. @returns the verification's id. */
export async function queueVerification(services: Services, change: Change, point: PointPlace): Promise<string> {
  const { tx, enqueue } = change;
  const open = await tx.verification.findFirst({
    where: { tenantId: point.tenantId, restorePointId: point.id, state: { in: ['queued', 'running'] } },
    select: { id: true },
  });
  if (open !== null) return open.id;
  const id = newId(services.clock);
  const { tenantId, customerId, deviceId, vaultId } = point;
  await tx.verification.create({
    data: {
      tenantId,
      id,
      customerId,
      deviceId,
      vaultId,
      restorePointId: point.id,
      level: 1,
      state: 'queued',
      createdAt: new Date(services.clock.nowMs()),
    },
  });
  await enqueue('verify', { verificationId: id }, { dedupeKey: id, customerId });
  return id;
}
