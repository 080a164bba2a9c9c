import { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import type { commandResultRequest } from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import { recordRepairAnswer } from '../damage/record-repair-answer.ts';
import { endRestore } from '../restores/restore-requests.ts';
import type { Services } from '../services.ts';

/** What grant-restore.ts wrote, and nothing else writes there. */
const restorePayload = z.object({ grantId: z.uuid() });

type CommandResult = z.infer<typeof commandResultRequest>;

/** What became of a command. Told twice it is kept as first told. @throws HoldfastError not_found. */
export async function finishCommand(
  services: Services,
  scope: DeviceScope,
  commandId: string,
  result: CommandResult,
): Promise<void> {
  requireDevice(scope);
  await applyChange(services, scope, async (change) => {
    const { tx, audit } = change;
    const command = await tx.agentCommand.findFirst({
      where: { tenantId: scope.tenantId, deviceId: scope.deviceId, id: commandId },
    });
    if (command === null) throw new HoldfastError('not_found', 'The service has no such command for this machine.');
    const finished = await tx.agentCommand.updateMany({
      where: { tenantId: scope.tenantId, id: commandId, finishedAt: null },
      data: { state: result.state, message: result.message, finishedAt: new Date(services.clock.nowMs()) },
    });
    if (finished.count > 0 && command.kind === 'repair') await recordRepairAnswer(services, change, command, result);
    if (finished.count > 0 && command.kind === 'restore') {
      const { grantId } = restorePayload.parse(command.payload);
      const state = result.state === 'done' ? 'delivered' : 'failed';
      const reason = state === 'failed' ? result.message : undefined;
      await endRestore(services, tx, scope, grantId, { state, reason, bytes: result.restored?.bytes });
    }
    await audit('command.finished', { kind: 'agent_command', id: commandId }, { state: result.state });
  });
}
