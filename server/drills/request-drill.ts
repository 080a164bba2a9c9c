import { HoldfastError } from '../../core/base/errors.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { queueDrill } from './queue-drill.ts';

/**
 * A person wants a restore tested now: of the given point, or of a device's newest usable one.
 * @throws HoldfastError not_found, forbidden; vault_quarantined for a point that is locked away; bad_request where the
 * customer alone holds the keys.
 */
export async function requestDrill(
  services: Services,
  scope: Scope,
  wanted: { readonly restorePointId: string } | { readonly deviceId: string },
): Promise<{ drillId: string }> {
  requireStaff(scope);
  return await applyChange(services, scope, async (change) => {
    const point = await change.tx.restorePoint.findFirst({
      where: {
        tenantId: scope.tenantId,
        ...('deviceId' in wanted
          ? { deviceId: wanted.deviceId, state: 'sealed', isUsable: true }
          : { id: wanted.restorePointId }),
      },
      orderBy: { captureAt: 'desc' },
      include: { vault: { select: { drillPasswordSealed: true } } },
    });
    if (point === null) throw new HoldfastError('not_found', 'There is no restore point to test yet.');
    if (point.state !== 'sealed')
      throw new HoldfastError(
        'vault_quarantined',
        'This restore point is locked away, so it is not tested. Check it first.',
      );
    if (point.vault.drillPasswordSealed === null)
      throw new HoldfastError(
        'bad_request',
        'Only the customer holds the keys of this vault, so the service cannot restore from it.',
      );
    const drillId = await queueDrill(services, change, point, 'manual', scope.actor.id);
    await change.audit(
      'drill.requested',
      { kind: 'restore_point', id: point.id },
      { drillId, deviceId: point.deviceId },
    );
    return { drillId };
  });
}
