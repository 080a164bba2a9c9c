import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

/** Asks a device to back up now; it hears of it with its next heartbeat. Asked twice, one command waits. */
export async function requestBackup(
  services: Services,
  scope: Scope,
  deviceId: string,
): Promise<{ commandId: string }> {
  requireStaff(scope);
  return await applyChange(services, scope, async ({ tx, audit }) => {
    const device = await tx.device.findFirst({ where: { tenantId: scope.tenantId, id: deviceId, revokedAt: null } });
    if (device === null) throw new HoldfastError('not_found', 'There is no such device.');
    const waiting = await tx.agentCommand.findFirst({
      where: { tenantId: scope.tenantId, deviceId, kind: 'backup_now', state: 'pending' },
    });
    const commandId = waiting?.id ?? newId(services.clock);
    if (waiting === null) {
      await tx.agentCommand.create({
        data: {
          tenantId: scope.tenantId,
          id: commandId,
          customerId: device.customerId,
          deviceId,
          kind: 'backup_now',
          payload: {},
          state: 'pending',
          createdBy: scope.actor.id,
        },
      });
    }
    await audit('backup.requested', { kind: 'device', id: deviceId }, { commandId });
    return { commandId };
  });
}
