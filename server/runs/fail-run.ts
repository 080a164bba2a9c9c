import type { RunFailRequest, RunView } from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { findRun, toRunView } from './find-run.ts';

/** The agent could not finish its run. Repeatable; a run that is sealed or committed stays what it is. */
export async function failRun(
  services: Services,
  scope: DeviceScope,
  runId: string,
  request: RunFailRequest,
): Promise<RunView> {
  requireDevice(scope);
  return await applyChange(services, scope, async ({ tx, audit }) => {
    await findRun(tx, scope, runId);
    const isStopped = request.code === 'cancelled';
    await tx.backupRun.updateMany({
      where: { tenantId: scope.tenantId, deviceId: scope.deviceId, id: runId, state: 'running' },
      data: {
        state: isStopped ? 'aborted' : 'failed',
        outcome: 'failed',
        errorCode: request.code,
        errorMessage: request.message,
        unread: request.unread,
        unreadCount: request.unread.length,
        finishedAt: new Date(services.clock.nowMs()),
      },
    });
    await audit('run.failed', { kind: 'backup_run', id: runId }, { code: request.code });
    return toRunView(await findRun(tx, scope, runId));
  });
}
