import { HoldfastError } from '../../core/base/errors.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { queueVerification } from './queue-verification.ts';

/**
 * A person wants the stored bytes of a restore point checked now: of the given one, or of a device's newest. A quarantined
 * point may be asked for too: when all of it is intact again, it is released.
 * @throws HoldfastError not_found, forbidden; conflict for one of which a part was given up for lost.
 */
export async function requestVerification(
  services: Services,
  scope: Scope,
  wanted: { readonly restorePointId: string } | { readonly deviceId: string },
): Promise<{ verificationId: string }> {
  requireStaff(scope);
  return await applyChange(services, scope, async (change) => {
    const point = await change.tx.restorePoint.findFirst({
      where: {
        tenantId: scope.tenantId,
        state: { not: 'expired' },
        ...('deviceId' in wanted ? { deviceId: wanted.deviceId, lostDamageId: null } : { id: wanted.restorePointId }),
      },
      orderBy: { captureAt: 'desc' },
    });
    if (point === null) throw new HoldfastError('not_found', 'There is no restore point to check yet.');
    if (point.lostDamageId !== null)
      throw new HoldfastError(
        'conflict',
        'A part of this restore point is lost for good, and that was accepted. No check can bring it back.',
      );
    const verificationId = await queueVerification(services, change, point);
    await change.audit(
      'verification.requested',
      { kind: 'restore_point', id: point.id },
      { verificationId, deviceId: point.deviceId },
    );
    return { verificationId };
  });
}
