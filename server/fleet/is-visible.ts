import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

export type VisibleKind = 'customer' | 'device' | 'run' | 'restorePoint' | 'drill' | 'alert';

/** Does this thing exist inside the scope? A revoked device is no longer shown. */
export async function isVisible(services: Services, scope: Scope, kind: VisibleKind, id: string): Promise<boolean> {
  const where = { tenantId: scope.tenantId, id };
  const found = await withScope(services, scope, async (tx) => {
    switch (kind) {
      case 'customer':
        return await tx.customer.count({ where });
      case 'device':
        return await tx.device.count({ where: { ...where, revokedAt: null } });
      case 'run':
        return await tx.backupRun.count({ where });
      case 'restorePoint':
        return await tx.restorePoint.count({ where });
      case 'drill':
        return await tx.drill.count({ where });
      case 'alert':
        return await tx.alert.count({ where });
    }
  });
  return found === 1;
}
