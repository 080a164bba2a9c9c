import { HoldfastError } from '../../core/base/errors.ts';
import type { KitDrillResponse } from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { createOutsideDrill } from './order-agent-drill.ts';

/**
 * Somebody at the machine wants to prove that its recovery kit is enough. The sample is drawn here; the restore is made without
 * the service, which hears of the hashes afterwards. @throws HoldfastError not_found without a usable point.
 */
export async function orderKitDrill(services: Services, scope: DeviceScope): Promise<KitDrillResponse> {
  requireDevice(scope);
  return await applyChange(services, scope, async (change) => {
    const point = await change.tx.restorePoint.findFirst({
      where: { tenantId: scope.tenantId, deviceId: scope.deviceId, state: 'sealed', isUsable: true },
      orderBy: { captureAt: 'desc' },
    });
    if (point === null)
      throw new HoldfastError('not_found', 'This machine has no usable restore point yet. Run a backup first.');
    const { id, snapshotId, paths } = await createOutsideDrill(services, change, point, 'kit', {
      trigger: 'manual',
      requestedBy: null,
      pointChoice: 'latest',
    });
    await change.audit('drill.requested', { kind: 'restore_point', id: point.id }, { drillId: id, runner: 'kit' });
    return { drillId: id, snapshotId, paths };
  });
}
