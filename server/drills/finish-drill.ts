import type { RowCounts } from '../../core/domain/database-checks.ts';
import { type DrillCheck, levelReached } from '../../core/domain/drill-checks.ts';
import { unansweredFailures } from '../../core/domain/drill-plans.ts';
import type { RtoTimings } from '../../core/domain/rto-parts.ts';
import { openAlert, resolveAlert } from '../alerts/open-alert.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { Claim } from '../jobs/claims.ts';
import { recordDrillEvidence } from '../evidence/drill-body.ts';
import type { Services } from '../services.ts';
import { enqueueRollups } from '../sla/enqueue-rollups.ts';
import { quarantinePoint } from '../verification/quarantine-points.ts';
import { queueVerification } from '../verification/queue-verification.ts';
import { isPointAcceptable } from '../verification/is-point-acceptable.ts';
import { loadPoint, toleranceOf } from '../verification/release-point.ts';
import type { DrillWork } from './begin-drill.ts';
import { loadDrillFacts } from './drill-facts.ts';
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
  readonly timings: RtoTimings;
  /** Of a full restore, from a sample; null when it was measured, or nothing was. */
  readonly rtoEstimatedMs: number | null;
  readonly checks: readonly DrillCheck[];
  /** What was weaker than it should be, a sentence each. */
  readonly warnings: readonly string[];
  /** Rows by dump and table, for the drills to come. */
  readonly rows: Readonly<Record<string, RowCounts>>;
  readonly newestBusinessMs: number | null;
  /**
   * Did what came back differ from what the machine saw? Then the point is locked away. Otherwise a failure lies in what was
   * backed up: the point is a faithful copy of it, stays within reach, and does not count.
   */
  readonly isPointDamaged: boolean;
  /** Why the restoring process did not come to its end; undefined where it did. */
  readonly brokenBy?: string;
  /** How the restoring process was confined. */
  readonly confinement: readonly string[];
  /** Where the service did not restore: the signed answer as it came, and with what it was made. */
  readonly answer?: { readonly text: string; readonly signature: string };
  readonly software?: Readonly<Record<string, string>>;
  /** Named by their hashes in the checks. */
  readonly pictures?: readonly KeptPicture[];
}

/** What a screen showed. */
export interface KeptPicture {
  readonly sha256: string;
  readonly width: number;
  readonly height: number;
  readonly png: Uint8Array<ArrayBuffer>;
}

/** What a verdict is about; the password has done its work. */
export type JudgedDrill = Omit<DrillWork, 'password' | 'pointBytes' | 'dumps' | 'sources' | 'earlier' | 'system'>;

const MISMATCHES_KEPT = 1000;
/** How the reason of a point begins that a drill has locked away. */
export const DRILL_QUARANTINE = 'Its restore test failed:';
/** Failures first, so that they are among those that are kept. */
const CHECKS_KEPT = 500;
const WARNINGS_KEPT = 50;

/** Records the verdict, the evidence and what follows, in one transaction. Repeatable: the first verdict stands. */
export async function finishDrill(
  services: Services,
  claim: Claim,
  work: DrillWork,
  verdict: DrillVerdict,
): Promise<void> {
  await applyChange(services, claim.scope, async (change) => {
    await claim.guard(change.tx);
    await writeVerdict(services, change, work, verdict);
  });
}

/** The same in a transaction of somebody else, whoever restored. The drill must be running. */
export async function writeVerdict(
  services: Services,
  change: Change,
  work: JudgedDrill,
  verdict: DrillVerdict,
): Promise<void> {
  const { tx } = change;
  const nowMs = services.clock.nowMs();
  await change.audit(
    'drill.finished',
    { kind: 'drill', id: work.id },
    { state: verdict.state, restorePointId: work.restorePointId, matched: verdict.filesMatched },
  );
  const finished = await tx.drill.updateMany({
    where: { tenantId: work.tenantId, id: work.id, state: 'running' },
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
      rtoEstimatedMs: verdict.rtoEstimatedMs === null ? null : BigInt(verdict.rtoEstimatedMs),
      checks: keptChecks(verdict).map((check) => ({ ...check })),
      warnings: verdict.warnings.slice(0, WARNINGS_KEPT),
      facts: {
        rows: verdict.rows,
        levelReached: levelReached(verdict.checks),
        ...(verdict.brokenBy === undefined ? {} : { brokenBy: verdict.brokenBy }),
      },
      newestBusinessAt: verdict.newestBusinessMs === null ? null : new Date(verdict.newestBusinessMs),
      evidence: evidenceOf(work, verdict, nowMs),
    },
  });
  if (finished.count === 0) return;
  const { tenantId, customerId, id: drillId } = work;
  await tx.drillPicture.createMany({
    data: (verdict.pictures ?? []).map((one) => ({
      tenantId,
      customerId,
      drillId,
      createdAt: new Date(nowMs),
      ...one,
    })),
  });
  recordDrillEvidence(services, change, work);
  if (verdict.state === 'void') return;
  if (verdict.state === 'passed') await onPassed(services, change, work, verdict, nowMs);
  else await onFailed(services, change, work, verdict);
  await enqueueRollups(
    services,
    change,
    { tenantId: work.tenantId, customerId: work.customerId, sourceId: work.sourceId, timeZone: work.timeZone },
    verdict.state === 'passed' ? nowMs : work.sealedMs,
    'drill_finished',
  );
}

function keptChecks({ checks }: DrillVerdict): DrillCheck[] {
  const order = ['failed', 'warning', 'skipped', 'passed'];
  return [...checks].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state)).slice(0, CHECKS_KEPT);
}

async function onPassed(
  services: Services,
  change: Change,
  work: JudgedDrill,
  verdict: DrillVerdict,
  nowMs: number,
): Promise<void> {
  const { tenantId } = work;
  const point = await loadPoint(change, tenantId, work.restorePointId);
  // A point that was locked away while the drill ran stays so: the drill saw a part of it.
  if (point.state === 'sealed')
    await change.tx.restorePoint.update({
      where: { tenantId_id: { tenantId, id: work.restorePointId } },
      data: {
        levelPassed: Math.max(point.levelPassed ?? 0, levelReached(verdict.checks)),
        drilledAt: new Date(nowMs),
        // An earlier drill may have found fault with its contents; this one, as deep or deeper, did not.
        ...(point.isUsable
          ? {}
          : { isUsable: isPointAcceptable(point, toleranceOf(point)) && !(await hasFailure(change, work)) }),
      },
    });
  if (!(await hasFailure(change, work))) await resolveAlert(services, change, work, 'drill_failed');
}

/** Is there a failure of the source that no drill of its depth has answered? Of this point: one deeper than what has passed. */
async function hasFailure({ tx }: Change, work: JudgedDrill): Promise<boolean> {
  const facts = await loadDrillFacts(tx, work.tenantId, [work]);
  return unansweredFailures(facts.get(work.sourceId) ?? []).length > 0;
}

async function onFailed(services: Services, change: Change, work: JudgedDrill, verdict: DrillVerdict): Promise<void> {
  const mine = { tenantId: work.tenantId, id: work.restorePointId };
  if (verdict.isPointDamaged)
    await quarantinePoint(
      change,
      mine,
      `${DRILL_QUARANTINE} ${verdict.message ?? 'what was restored is not what was backed up.'}`,
    );
  else await change.tx.restorePoint.updateMany({ where: { ...mine, state: 'sealed' }, data: { isUsable: false } });
  const unproven =
    'Whether the restore point can be restored is not known, so it does not count as a backup; earlier ones are not affected. Restore it on another machine to find out; the next backup is tested as soon as it is verified.';
  const fate = verdict.isPointDamaged
    ? 'The restore point is locked away; earlier ones are not affected. Look at the drill for the files concerned; the next backup is tested as soon as it is verified.'
    : verdict.brokenBy !== undefined
      ? unproven
      : 'The restore point is what the machine had, so it can still be restored, but it does not count as a backup; earlier ones are not affected. Look at the source of the data; the next backup is tested as soon as it is verified.';
  await openAlert(services, change, {
    tenantId: work.tenantId,
    customerId: work.customerId,
    deviceId: work.deviceId,
    kind: 'drill_failed',
    title: 'A restore test failed',
    message: withFate(verdict.message ?? '', fate),
  });
  if (!verdict.mismatches.some(({ problem }) => problem === 'damaged')) return;
  // Stored bytes may have gone bad since they were last read: find out which, and who else needs them.
  const point = await change.tx.restorePoint.findUniqueOrThrow({
    where: { tenantId_id: { tenantId: work.tenantId, id: work.restorePointId } },
  });
  await queueVerification(services, change, point);
}

/** What a program printed ends without a full stop: what follows for the data then begins a line of its own. */
function withFate(message: string, fate: string): string {
  return /(?:^|[.!?)])$/.test(message) ? `${message} ${fate}`.trim() : `${message}\n${fate}`;
}

/** What is claimed and how it can be checked again: with the seed, the plan can be drawn anew from the signed manifest. */
function evidenceOf(work: JudgedDrill, verdict: DrillVerdict, nowMs: number) {
  return {
    version: 2,
    drillId: work.id,
    restorePointId: work.restorePointId,
    snapshotId: work.snapshotId,
    treeId: work.treeId,
    capturedAt: new Date(work.captureMs).toISOString(),
    level: work.level,
    levelReached: levelReached(verdict.checks),
    scope: work.scope,
    pointChoice: work.pointChoice,
    trigger: work.trigger,
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
    checks: keptChecks(verdict).map((check) => ({ ...check })),
    warnings: verdict.warnings.slice(0, WARNINGS_KEPT),
    newestBusinessAt: verdict.newestBusinessMs === null ? null : new Date(verdict.newestBusinessMs).toISOString(),
    timingsMs: { ...verdict.timings },
    rtoEstimatedMs: verdict.rtoEstimatedMs,
    rtoTargetMinutes: work.rtoMinutes,
    answer: verdict.answer === undefined ? null : { ...verdict.answer },
    software: { ...verdict.software },
  };
}
