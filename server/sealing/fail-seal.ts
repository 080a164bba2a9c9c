import type { ErrorCode } from '../../core/base/errors.ts';
import { errorCause } from '../../core/domain/alerts/causes.ts';
import { openAlert } from '../alerts/open-alert.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Claim } from '../jobs/claims.ts';
import { resolveOccurrences } from '../schedule/resolve-occurrences.ts';
import type { Services } from '../services.ts';

export interface SealProblem {
  readonly key: string;
  readonly problem: 'missing' | 'damaged';
  readonly note: string;
}

/**
 * The committed run does not become a restore point. What was sealed before keeps its state: only objects that were never
 * sealed are marked. Repeatable; a run that is not waiting for its seal stays what it is.
 */
export async function failSeal(
  services: Services,
  claim: Claim,
  runId: string,
  failure: { readonly code: ErrorCode; readonly message: string; readonly problems: readonly SealProblem[] },
): Promise<void> {
  const { scope } = claim;
  const now = new Date(services.clock.nowMs());
  await applyChange(services, scope, async (change) => {
    const { tx } = change;
    await claim.guard(tx);
    const run = await tx.backupRun.findUniqueOrThrow({
      where: { tenantId_id: { tenantId: scope.tenantId, id: runId } },
    });
    const failed = await tx.backupRun.updateMany({
      where: { tenantId: scope.tenantId, id: runId, state: 'committed' },
      data: {
        state: 'failed',
        outcome: 'failed',
        errorCode: failure.code,
        errorMessage: failure.message,
        finishedAt: now,
      },
    });
    await change.audit(
      'run.failed',
      { kind: 'backup_run', id: runId },
      { code: failure.code, problems: failure.problems.slice(0, 20) },
    );
    if (failed.count === 0) return;
    for (const { key, problem, note } of failure.problems)
      await tx.storedObject.updateMany({
        where: { tenantId: scope.tenantId, vaultId: run.vaultId, key, sealedAt: null },
        data: { state: problem, problem: note },
      });
    await openAlert(services, change, {
      tenantId: scope.tenantId,
      customerId: run.customerId,
      deviceId: run.deviceId,
      kind: 'run_failed',
      cause: errorCause(failure.code, failure.message),
      title: 'A backup was not accepted',
      message: `${failure.message} The machine tries again with its next backup; start one from the device’s page to see at once whether it succeeds.`,
    });
    await resolveOccurrences(services, tx, { tenantId: scope.tenantId, sourceId: run.sourceId });
  });
}
