import { HoldfastError } from '../../core/base/errors.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

/** What became of a command. Told twice it is kept as first told. @throws HoldfastError not_found. */
export async function finishCommand(
  services: Services,
  scope: DeviceScope,
  commandId: string,
  result: { readonly state: 'done' | 'failed'; readonly message: string },
): Promise<void> {
  requireDevice(scope);
  await applyChange(services, scope, async ({ tx, audit }) => {
    const command = await tx.agentCommand.findFirst({
      where: { tenantId: scope.tenantId, deviceId: scope.deviceId, id: commandId },
    });
    if (command === null) throw new HoldfastError('not_found', 'The service has no such command for this machine.');
    await tx.agentCommand.updateMany({
      where: { tenantId: scope.tenantId, id: commandId, finishedAt: null },
      data: { state: result.state, message: result.message, finishedAt: new Date(services.clock.nowMs()) },
    });
    await audit('command.finished', { kind: 'agent_command', id: commandId }, { state: result.state });
  });
}
