import type { RunProgress } from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { assertOpen, findRun } from './find-run.ts';

/** @throws HoldfastError not_found, run_not_open: the agent then stops, for its run no longer counts. */
export async function recordProgress(
  services: Services,
  scope: DeviceScope,
  runId: string,
  progress: RunProgress,
): Promise<void> {
  requireDevice(scope);
  await withScope(services, scope, async (tx) => {
    assertOpen(await findRun(tx, scope, runId));
    await saveProgress(services, tx, scope, runId, progress);
  });
}

/** Progress is not audited: it changes nothing that anybody relies on. Ended runs keep their last one. */
export async function saveProgress(
  services: Services,
  tx: Tx,
  scope: DeviceScope,
  runId: string,
  progress: RunProgress,
): Promise<void> {
  await tx.backupRun.updateMany({
    where: { tenantId: scope.tenantId, deviceId: scope.deviceId, id: runId, state: 'running' },
    data: { progress, lastProgressAt: new Date(services.clock.nowMs()) },
  });
}
