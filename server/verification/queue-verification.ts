import { newId } from '../../core/base/ids.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

export interface VaultPlace {
  readonly tenantId: string;
  readonly customerId: string;
  readonly deviceId: string;
  readonly vaultId: string;
}

export interface PointPlace extends VaultPlace {
  readonly id: string;
}

/**
 * Has the bytes of a restore point checked (level 1): all of them, or those that are due. One that waits or runs already
 * serves, unless it reads less than is wanted. @returns the verification's id.
 */
export async function queueVerification(
  services: Services,
  change: Change,
  point: PointPlace,
  { readsAll = true }: { readonly readsAll?: boolean } = {},
): Promise<string> {
  const open = await change.tx.verification.findFirst({
    where: {
      tenantId: point.tenantId,
      restorePointId: point.id,
      state: { in: ['queued', 'running'] },
      ...(readsAll ? { readsAll } : {}),
    },
    select: { id: true },
  });
  if (open !== null) return open.id;
  return await addVerification(services, change, point, {
    purpose: 'point',
    level: 1,
    readsAll,
    restorePointId: point.id,
  });
}

/** The caller has made sure that none like it is open. @returns its id. */
export async function addVerification(
  services: Services,
  { tx, enqueue }: Change,
  { tenantId, customerId, deviceId, vaultId }: VaultPlace,
  kind: {
    readonly purpose: 'point' | 'rolling' | 'trace' | 'repair';
    readonly level: 0 | 1 | 2;
    readonly readsAll?: boolean;
    readonly restorePointId?: string;
    readonly damageId?: string;
  },
): Promise<string> {
  const id = newId(services.clock);
  await tx.verification.create({
    data: {
      tenantId,
      id,
      customerId,
      deviceId,
      vaultId,
      ...kind,
      state: 'queued',
      createdAt: new Date(services.clock.nowMs()),
    },
  });
  await enqueue('verify', { verificationId: id }, { dedupeKey: id, customerId });
  return id;
}
