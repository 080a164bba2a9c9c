import { SCHEDULE_TIMES } from '../../core/domain/schedule.ts';
import { applyChange } from '../changes/apply-change.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';

const MESSAGE = 'The backup began and then fell silent: the machine stopped reporting before it was done.';

/** Ends runs whose agent has not said a word for too long; the alert follows from that. What they uploaded is kept for the next run. */
export async function stopSilentRuns(services: Services, claim: Claim): Promise<void> {
  const { tenantId } = claim.scope;
  const now = new Date(services.clock.nowMs());
  const silent = {
    tenantId,
    state: 'running',
    lastProgressAt: { lt: new Date(now.getTime() - SCHEDULE_TIMES.stuckAfterMs) },
  };
  const runs = await withScope(services, claim.scope, (tx) =>
    tx.backupRun.findMany({ where: silent, select: { id: true } }),
  );
  for (const run of runs)
    await applyChange(services, claim.scope, async (change) => {
      await claim.guard(change.tx);
      await change.audit('run.failed', { kind: 'backup_run', id: run.id }, { code: 'cancelled', silent: true });
      await change.tx.backupRun.updateMany({
        // Still silent: a word may have come since it was read.
        where: { ...silent, id: run.id },
        data: { state: 'aborted', outcome: 'failed', finishedAt: now, errorCode: 'cancelled', errorMessage: MESSAGE },
      });
    });
}
