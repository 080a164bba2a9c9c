import { HoldfastError } from '../../core/base/errors.ts';
import type { RestoreEndRequest } from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { endRestore } from './restore-requests.ts';

/** A machine says how a restore ended that was started at it. Told twice it is kept as first told. @throws HoldfastError not_found. */
export async function endMachineRestore(
  services: Services,
  scope: DeviceScope,
  grantId: string,
  { state, message, restored }: RestoreEndRequest,
): Promise<void> {
  requireDevice(scope);
  await applyChange(services, scope, async ({ tx, audit }) => {
    const { tenantId, deviceId } = scope;
    const grant = await tx.restoreGrant.findFirst({ where: { tenantId, deviceId, id: grantId }, select: { id: true } });
    if (grant === null)
      throw new HoldfastError('not_found', 'The service has no such restore for this machine. Nothing was changed.');
    const reason = state === 'delivered' ? undefined : message;
    await endRestore(services, tx, scope, grantId, { state, reason, bytes: restored?.bytes });
    await audit('restore.ended', { kind: 'restore_grant', id: grantId }, { state });
  });
}
