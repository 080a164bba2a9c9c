import { SCHEDULE_TIMES } from '../../core/domain/schedule.ts';
import { openAlert } from '../alerts/open-alert.ts';
import { applyChange } from '../changes/apply-change.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';

const MESSAGE = 'The backup began and then fell silent: the machine stopped reporting before it was done.';

/** Ends runs whose agent has not said a word for too long. What they uploaded is kept for the next run. */
export async function stopSilentRuns(services: Services, claim: Claim): Promise<void> {
  const { tenantId } = claim.scope;
  const now = new Date(services.clock.nowMs());
  const silent = {
    tenantId,
    state: 'running',
    lastProgressAt: { lt: new Date(now.getTime() - SCHEDULE_TIMES.stuckAfterMs) },
  };
  const runs = await withScope(services, claim.scope, (tx) =>
    tx.backupRun.findMany({ where: silent, select: { id: true, deviceId: true, customerId: true } }),
  );
  for (const run of runs)
    await applyChange(services, claim.scope, async (change) => {
      await claim.guard(change.tx);
      await change.audit('run.failed', { kind: 'backup_run', id: run.id }, { code: 'cancelled', silent: true });
      const stopped = await change.tx.backupRun.updateMany({
        // Still silent: a word may have come since it was read.
        where: { ...silent, id: run.id },
        data: { state: 'aborted', outcome: 'failed', finishedAt: now, errorCode: 'cancelled', errorMessage: MESSAGE },
      });
      if (stopped.count === 0) return;
      await openAlert(services, change, {
        tenantId,
        customerId: run.customerId,
        deviceId: run.deviceId,
        kind: 'run_failed',
        title: 'A backup fell silent',
        message: `${MESSAGE} Earlier backups are not affected. Check that the machine is on and reaches the service; the next backup goes on from what was sent.`,
      });
    });
}
