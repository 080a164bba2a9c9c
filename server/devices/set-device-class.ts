import { HoldfastError } from '../../core/base/errors.ts';
import type { DeviceClass } from '../../core/domain/alerts/rules.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

/** Says what a device is, so that the limits of its class hold for it; null: what its system and its policy let one think. Staff. */
export async function setDeviceClass(
  services: Services,
  scope: Scope,
  deviceId: string,
  deviceClass: DeviceClass | null,
): Promise<void> {
  requireStaff(scope);
  await applyChange(services, scope, async ({ tx, audit }) => {
    const changed = await tx.device.updateMany({
      where: { tenantId: scope.tenantId, id: deviceId, revokedAt: null },
      data: { class: deviceClass },
    });
    if (changed.count === 0) throw new HoldfastError('not_found', 'There is no such device.');
    await audit('device.classed', { kind: 'device', id: deviceId }, { class: deviceClass });
  });
}
