import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { assertRestorable, GRANT_MS, RESTORE_LASTS_MS } from './request-restore-grant.ts';
import { openRestore } from './restore-requests.ts';

export interface RestoreWish {
  readonly restorePointId: string;
  /** Absolute paths inside the snapshot; none: everything. */
  readonly paths: readonly string[];
  /** Folder on the machine; what is there is never overwritten. */
  readonly targetPath: string;
}

/** Allows a device to restore one of its points, and tells it to. @throws HoldfastError forbidden, not_found, vault_quarantined. */
export async function grantRestore(
  services: Services,
  scope: Scope,
  wish: RestoreWish,
): Promise<{ commandId: string; expiresMs: number }> {
  requireStaff(scope);
  return await applyChange(services, scope, async ({ tx, audit }) => {
    const point = await tx.restorePoint.findFirst({ where: { tenantId: scope.tenantId, id: wish.restorePointId } });
    if (point === null) throw new HoldfastError('not_found', 'There is no such restore point.');
    assertRestorable(point.state);
    const owned = { customerId: point.customerId, deviceId: point.deviceId };
    const owner = { tenantId: scope.tenantId, ...owned };
    const grantId = newId(services.clock);
    const commandId = newId(services.clock);
    const expiresMs = services.clock.nowMs() + GRANT_MS;
    await tx.restoreGrant.create({
      data: {
        ...owner,
        id: grantId,
        vaultId: point.vaultId,
        restorePointId: point.id,
        grantedBy: scope.actor.id,
        expiresAt: new Date(expiresMs),
      },
    });
    await openRestore(services, tx, scope, {
      ...owned,
      id: grantId,
      restorePointId: point.id,
      way: 'machine',
      deadlineMs: services.clock.nowMs() + RESTORE_LASTS_MS,
      // Every agent answers an order, whatever its version.
      isEndTold: true,
    });
    await tx.agentCommand.create({
      data: {
        ...owner,
        id: commandId,
        kind: 'restore',
        payload: { grantId, snapshotId: point.snapshotId, paths: [...wish.paths], targetPath: wish.targetPath },
        state: 'pending',
        createdBy: scope.actor.id,
      },
    });
    await audit(
      'restore.granted',
      { kind: 'restore_point', id: point.id },
      { grantId, commandId, targetPath: wish.targetPath },
    );
    return { commandId, expiresMs };
  });
}
