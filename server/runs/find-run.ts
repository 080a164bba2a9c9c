import { HoldfastError } from '../../core/base/errors.ts';
import type { RunView } from '../../core/protocol/messages.ts';
import type { DeviceScope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import type { BackupRun } from '../db/generated/client.ts';

/** A run of this very device. @throws HoldfastError not_found, also for a run of another device. */
export async function findRun(tx: Tx, scope: DeviceScope, runId: string): Promise<BackupRun> {
  const run = await tx.backupRun.findFirst({
    where: { tenantId: scope.tenantId, deviceId: scope.deviceId, id: runId },
  });
  if (run === null) throw new HoldfastError('not_found', 'The service has no such run for this machine.');
  return run;
}

/** @throws HoldfastError run_not_open. */
export function assertOpen(run: Pick<BackupRun, 'state'>): void {
  if (run.state === 'running') return;
  throw new HoldfastError(
    'run_not_open',
    'This backup run has ended on the service’s side. Start a new one; what was uploaded is not sent again.',
  );
}

export function toRunView(run: BackupRun): RunView {
  return {
    runId: run.id,
    state: run.state as RunView['state'], // the column is bound to these words by a CHECK
    outcome: run.outcome as RunView['outcome'],
    snapshotId: run.snapshotId,
    message: run.errorMessage,
  };
}
