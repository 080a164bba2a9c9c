import { PROOF_LEVEL } from '../../core/domain/protection.ts';
import { openAlert, resolveAlert } from '../alerts/open-alert.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { enqueueRollups } from '../sla/enqueue-rollups.ts';
import { quarantinePoint } from '../verification/quarantine-points.ts';
import { queueVerification } from '../verification/queue-verification.ts';
import type { DrillWork } from './begin-drill.ts';
import type { DrillStep } from './drill-steps.ts';

export interface DrillMismatch {
  readonly path: string;
  /** SHA-256 that the machine took when it read the file. */
  readonly expected: string;
  readonly actual: string | null;
  readonly problem: 'missing' | 'size' | 'content' | 'damaged';
}

export interface DrillVerdict {
  readonly state: 'passed' | 'failed' | 'void';
  /** Null when it passed: else what happened, for people. */
  readonly message: string | null;
  readonly steps: readonly DrillStep[];
  readonly filesDone: number;
  readonly filesMatched: number;
  readonly bytesDone: number;
  readonly mismatches: readonly DrillMismatch[];
  /** Milliseconds by part. */
  readonly timings: Readonly<Record<string, number>>;
  /** How the restoring process was confined. */
  readonly confinement: readonly string[];
}

const MISMATCHES_KEPT = 1000;

/** Records the verdict, the evidence and what follows, in one transaction. Repeatable: the first verdict stands. */
export async function finishDrill(
  services: Services,
  claim: Claim,
  work: DrillWork,
  verdict: DrillVerdict,
): Promise<void> {
  const { scope } = claim;
  const nowMs = services.clock.nowMs();
  await applyChange(services, scope, async (change) => {
    const { tx } = change;
    await claim.guard(tx);
    await change.audit(
      'drill.finished',
      { kind: 'drill', id: work.id },
      { state: verdict.state, restorePointId: work.restorePointId, matched: verdict.filesMatched },
    );
    const finished = await tx.drill.updateMany({
      where: { tenantId: scope.tenantId, id: work.id, state: 'running' },
      data: {
        state: verdict.state,
        finishedAt: new Date(nowMs),
        errorMessage: verdict.message,
        steps: verdict.steps.map((step) => ({ ...step })),
        filesDone: verdict.filesDone,
        filesMatched: verdict.filesMatched,
        bytesDone: BigInt(verdict.bytesDone),
        mismatches: verdict.mismatches.slice(0, MISMATCHES_KEPT).map((one) => ({ ...one })),
        timings: { ...verdict.timings },
        evidence: evidenceOf(work, verdict, nowMs),
      },
    });
    if (finished.count === 0 || verdict.state === 'void') return;
    if (verdict.state === 'passed') await onPassed(services, change, work, nowMs);
    else await onFailed(services, change, work, verdict);
    await enqueueRollups(
      change,
      { id: work.sourceId, customerId: work.customerId, timeZone: work.timeZone },
      verdict.state === 'passed' ? nowMs : work.sealedMs,
      nowMs,
    );
  });
}

async function onPassed(services: Services, change: Change, work: DrillWork, nowMs: number): Promise<void> {
  const { tenantId } = work;
  // A point that was locked away while the drill ran stays so: the drill saw a part of it.
  await change.tx.restorePoint.updateMany({
    where: { tenantId, id: work.restorePointId, state: 'sealed' },
    data: { levelPassed: PROOF_LEVEL, drilledAt: new Date(nowMs) },
  });
  await resolveAlert(services, change, work, 'drill_failed');
}

async function onFailed(services: Services, change: Change, work: DrillWork, verdict: DrillVerdict): Promise<void> {
  await quarantinePoint(
    change,
    { tenantId: work.tenantId, id: work.restorePointId },
    `Its restore test failed: ${verdict.message ?? 'what was restored is not what was backed up.'}`,
  );
  await openAlert(services, change, {
    tenantId: work.tenantId,
    customerId: work.customerId,
    deviceId: work.deviceId,
    kind: 'drill_failed',
    title: 'A restore test failed',
    message:
      `${verdict.message ?? ''} The restore point is locked away; earlier ones are not affected. Look at the drill for the files concerned; the next backup is tested as soon as it is verified.`.trim(),
  });
  if (!verdict.mismatches.some(({ problem }) => problem === 'damaged')) return;
  // Stored bytes may have gone bad since they were last read: find out which, and who else needs them.
  const point = await change.tx.restorePoint.findUniqueOrThrow({
    where: { tenantId_id: { tenantId: work.tenantId, id: work.restorePointId } },
  });
  await queueVerification(services, change, point);
}

/** What is claimed and how it can be checked again: with the seed, the plan can be drawn anew from the signed manifest. */
function evidenceOf(work: DrillWork, verdict: DrillVerdict, nowMs: number) {
  return {
    version: 1,
    drillId: work.id,
    restorePointId: work.restorePointId,
    snapshotId: work.snapshotId,
    treeId: work.treeId,
    capturedAt: new Date(work.captureMs).toISOString(),
    level: work.level,
    trigger: work.trigger,
    performedBy: 'service',
    startedAt: new Date(work.startedMs).toISOString(),
    finishedAt: new Date(nowMs).toISOString(),
    verdict: verdict.state,
    confinement: [...verdict.confinement],
    selection: {
      seed: work.seed,
      files: work.plan.files.map(({ path, size, sha256, role }) => ({ path, size, sha256, role })),
      leftOutBySize: work.plan.leftOut,
    },
    result: {
      filesRestored: verdict.filesDone,
      filesMatched: verdict.filesMatched,
      bytesRestored: verdict.bytesDone,
      mismatches: verdict.mismatches.slice(0, MISMATCHES_KEPT).map((one) => ({ ...one })),
    },
    timingsMs: { ...verdict.timings },
    rtoTargetMinutes: work.rtoMinutes,
  };
}
