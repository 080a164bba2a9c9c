import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import type { RestoreGrantRequest } from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { openRestore } from './restore-requests.ts';

export const GRANT_MS = 8 * 60 * 60_000;
/** What was read until the permission ended may still be written and checked; after that nothing more is to be expected. */
export const RESTORE_LASTS_MS = GRANT_MS + 60 * 60_000;

/** A device asks to restore its own data; its policy decides. @throws HoldfastError grant_required, not_found, vault_quarantined. */
export async function requestRestoreGrant(
  services: Services,
  scope: DeviceScope,
  { snapshotId, purpose }: RestoreGrantRequest,
): Promise<{ grantId: string; expiresMs: number }> {
  requireDevice(scope);
  return await applyChange(services, scope, async ({ tx, audit }) => {
    const device = await tx.device.findFirstOrThrow({
      where: { tenantId: scope.tenantId, id: scope.deviceId },
      include: { policy: true },
    });
    if (!policyDocument.parse(device.policy.document).selfRestore) {
      throw new HoldfastError(
        'grant_required',
        'This machine may not restore by itself. Ask your provider to allow a restore on the device’s page; it then starts by itself.',
      );
    }
    const point = await tx.restorePoint.findFirst({
      where: { tenantId: scope.tenantId, deviceId: scope.deviceId, snapshotId },
    });
    if (point === null) throw new HoldfastError('not_found', 'This machine has no such restore point.');
    assertRestorable(point.state);
    const grantId = newId(services.clock);
    const expiresMs = services.clock.nowMs() + GRANT_MS;
    await tx.restoreGrant.create({
      data: {
        tenantId: scope.tenantId,
        id: grantId,
        customerId: scope.customerId,
        deviceId: scope.deviceId,
        vaultId: point.vaultId,
        restorePointId: point.id,
        expiresAt: new Date(expiresMs),
      },
    });
    // Somebody who only looks what would be restored waits for nothing.
    if (purpose !== 'preview')
      await openRestore(services, tx, scope, {
        id: grantId,
        customerId: scope.customerId,
        deviceId: scope.deviceId,
        restorePointId: point.id,
        way: 'machine',
        deadlineMs: services.clock.nowMs() + RESTORE_LASTS_MS,
        isEndTold: purpose === 'restore',
      });
    await audit('restore.granted', { kind: 'restore_point', id: point.id }, { grantId, by: 'policy' });
    return { grantId, expiresMs };
  });
}

/** @throws HoldfastError vault_quarantined, not_found. */
export function assertRestorable(state: string): void {
  if (state === 'quarantined') {
    throw new HoldfastError(
      'vault_quarantined',
      'This restore point is in quarantine because damage was found in it. Choose another one; your provider can help to restore what is intact.',
    );
  }
  if (state !== 'sealed') throw new HoldfastError('not_found', 'This restore point has expired.');
}
