import { policyDocument } from '../../core/domain/policy.ts';
import { isPartialAccepted } from '../../core/domain/sla.ts';
import { openAlert, resolveAlert } from '../alerts/open-alert.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { Prisma } from '../db/generated/client.ts';
import { queueDueDrill } from '../drills/queue-drill.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { enqueueRollups } from '../sla/enqueue-rollups.ts';
import type { VerificationWork } from './begin-verification.ts';
import { type Finding, quarantinePoints } from './quarantine-points.ts';

/** As many findings as a page can show; the objects' own rows have them all. */
const FINDINGS_KEPT = 1000;
const TIMEOUT_MS = 120_000;

/** Everything was read: records the verdict and what follows from it, in one transaction. Repeatable. */
export async function finishVerification(
  services: Services,
  claim: Claim,
  work: VerificationWork,
  findings: readonly Finding[],
): Promise<void> {
  const { scope } = claim;
  const now = new Date(services.clock.nowMs());
  const isIntact = findings.length === 0;
  await applyChange(
    services,
    scope,
    async (change) => {
      const { tx } = change;
      await claim.guard(tx);
      await change.audit(
        'verification.finished',
        { kind: 'verification', id: work.id },
        { state: isIntact ? 'passed' : 'failed', findings: findings.slice(0, 20), restorePointId: work.restorePointId },
      );
      const finished = await tx.verification.updateMany({
        where: { tenantId: scope.tenantId, id: work.id, state: 'running' },
        data: {
          state: isIntact ? 'passed' : 'failed',
          finishedAt: now,
          objectsDone: work.objectsTotal,
          bytesDone: BigInt(work.bytesTotal),
          findings: findings.slice(0, FINDINGS_KEPT).map(({ key, problem }) => ({ key, problem })),
          errorMessage: isIntact ? null : describe(findings),
        },
      });
      if (finished.count === 0) return;
      const point = await loadPoint(change, scope.tenantId, work.restorePointId);
      if (isIntact) await onIntact(services, change, work, point, now);
      else await onDamage(services, change, work, point.device.customer.timezone, findings);
    },
    { timeoutMs: TIMEOUT_MS },
  );
}

const withContext = {
  device: { include: { policy: true, customer: true } },
  run: { select: { unread: true, unreadBytes: true, selectedBytes: true } },
} as const satisfies Prisma.RestorePointInclude;

async function loadPoint({ tx }: Change, tenantId: string, id: string) {
  return await tx.restorePoint.findUniqueOrThrow({ where: { tenantId_id: { tenantId, id } }, include: withContext });
}
type Point = Awaited<ReturnType<typeof loadPoint>>;

async function onIntact(
  services: Services,
  change: Change,
  work: VerificationWork,
  point: Point,
  now: Date,
): Promise<void> {
  const { tx } = change;
  const { tenantId, sourceId } = point;
  const policy = policyDocument.parse(point.device.policy.document);
  const isReleased = point.state === 'quarantined' && (await isReleasable(change, point));
  await tx.restorePoint.update({
    where: { tenantId_id: { tenantId, id: point.id } },
    data: {
      levelPassed: Math.max(point.levelPassed ?? 0, 1),
      verifiedAt: now,
      ...(isReleased
        ? { state: 'sealed', quarantineReason: null, isUsable: isAcceptable(point, policy.partialToleranceShare) }
        : {}),
    },
  });
  if (isReleased)
    await enqueueRollups(
      change,
      { id: sourceId, customerId: point.customerId, timeZone: point.device.customer.timezone },
      point.sealedAt.getTime(),
      now.getTime(),
    );
  const bad = await tx.storedObject.count({
    where: { tenantId, vaultId: work.vaultId, sealedAt: { not: null }, state: { in: ['damaged', 'missing'] } },
  });
  if (bad === 0) await resolveAlert(services, change, point, 'damage');
  await queueDueDrill(services, change, { tenantId, sourceId }, 'after_seal');
}

/** Only what a verification locked away may a verification release: a failed restore test needs a passed one. */
async function isReleasable({ tx }: Change, point: Point): Promise<boolean> {
  const drill = await tx.drill.findFirst({
    where: { tenantId: point.tenantId, restorePointId: point.id, state: { in: ['passed', 'failed'] } },
    orderBy: { createdAt: 'desc' },
    select: { state: true },
  });
  return drill?.state !== 'failed';
}

function isAcceptable(point: Point, toleranceShare: number): boolean {
  if (point.outcome === 'ok') return true;
  const { unread, unreadBytes, selectedBytes } = point.run;
  return isPartialAccepted(
    {
      unread: unread as { reason: string; bytes: number }[], // written from the parsed manifest
      unreadBytes: Number(unreadBytes),
      selectedBytes: Number(selectedBytes),
    },
    toleranceShare,
  );
}

async function onDamage(
  services: Services,
  change: Change,
  work: VerificationWork,
  timeZone: string,
  findings: readonly Finding[],
): Promise<void> {
  const { tx } = change;
  const { tenantId } = work;
  for (const problem of ['damaged', 'missing'] as const)
    await tx.storedObject.updateMany({
      where: {
        tenantId,
        vaultId: work.vaultId,
        key: { in: findings.filter((one) => one.problem === problem).map(({ key }) => key) },
      },
      data: { state: problem, problem: `Found ${problem} when its bytes were read for a check.` },
    });
  const points = await quarantinePoints(services, change, { tenantId, vaultId: work.vaultId, timeZone }, findings);
  await openAlert(services, change, {
    tenantId,
    customerId: work.customerId,
    deviceId: work.deviceId,
    kind: 'damage',
    title: 'Stored backup data is damaged',
    message: `${describe(findings)} ${points === 1 ? 'One restore point needs it and is' : `${points} restore points need it and are`} locked away; the others are not affected. Check the storage, and run the check of an affected point again when it is repaired. A full new backup protects the machine meanwhile.`,
  });
}

function describe(findings: readonly Finding[]): string {
  const [first] = findings;
  if (findings.length === 1) return `A stored object is ${first!.problem} (${first!.key}).`;
  return `${findings.length} stored objects are damaged or missing (the first: ${first?.key}).`;
}
