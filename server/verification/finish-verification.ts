import { openAlert } from '../alerts/open-alert.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import { isRepairable } from '../damage/ask-repair.ts';
import { recordDamageEvidence } from '../damage/damage-evidence.ts';
import { addDamageEvent } from '../damage/damage-events.ts';
import { endHealed, resolveIfSound } from '../damage/end-damage.ts';
import { recordDamage } from '../damage/record-damage.ts';
import { releaseForTest } from '../damage/release-for-test.ts';
import { queueDueDrill } from '../drills/queue-drill.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import type { VerificationWork } from './begin-verification.ts';
import { selectObjects } from './objects-by-key.ts';
import { type Finding, PROBLEM_WORDS, quarantinePoints } from './quarantine-points.ts';
import { loadPoint, type Point, releasePoint } from './release-point.ts';

/** As many findings as a page can show; the objects' own rows have them all. */
const FINDINGS_KEPT = 1000;
const TIMEOUT_MS = 120_000;

/** Everything was read: records the verdict and what follows from it, in one transaction. Repeatable. */
export async function finishVerification(
  services: Services,
  claim: Claim,
  work: VerificationWork,
  found: readonly Finding[],
  /** Of a listing: what it saw besides, recorded with the verdict. */
  also: (change: Change) => Promise<void> = async () => undefined,
): Promise<void> {
  const { scope } = claim;
  const now = new Date(services.clock.nowMs());
  await applyChange(
    services,
    scope,
    async (change) => {
      const { tx } = change;
      await claim.guard(tx);
      const findings = await withoutKnown(change, work, found);
      const isIntact = findings.length === 0;
      const { purpose, level, restorePointId } = work;
      await change.audit(
        'verification.finished',
        { kind: 'verification', id: work.id },
        { state: isIntact ? 'passed' : 'failed', purpose, level, findings: findings.slice(0, 20), restorePointId },
      );
      const finished = await tx.verification.updateMany({
        where: { tenantId: scope.tenantId, id: work.id, state: 'running' },
        data: {
          state: isIntact ? 'passed' : 'failed',
          finishedAt: now,
          ...(level === 0 ? {} : { objectsDone: work.objectsTotal, bytesDone: BigInt(work.bytesTotal) }),
          findings: findings.slice(0, FINDINGS_KEPT).map(({ key, problem }) => ({ key, problem })),
          errorMessage: isIntact ? null : describe(findings),
        },
      });
      if (finished.count === 0) return;
      await also(change);
      if (!isIntact) await onDamage(services, change, work, findings);
      if (purpose === 'rolling') await onTurn(services, change, work);
      if (restorePointId === null) return;
      const point = await loadPoint(change, scope.tenantId, restorePointId);
      if (isIntact) await onIntact(services, change, work, point, now);
    },
    { timeoutMs: TIMEOUT_MS },
  );
}

/**
 * A look at the whole vault sees what is known to be bad, or was given up, once more: that is no new damage each time. A point's
 * own check says what it found, whatever is known.
 */
async function withoutKnown(
  { tx }: Change,
  { tenantId, vaultId, restorePointId, purpose }: VerificationWork,
  findings: readonly Finding[],
): Promise<readonly Finding[]> {
  if (restorePointId !== null || findings.length === 0) return findings;
  const objects = await selectObjects(
    tx,
    { tenantId, vaultId },
    findings.map(({ key }) => key),
  );
  // What a repair has brought, and is bad, is no answer to it: that is said, known or not.
  const states = purpose === 'rolling' ? ['damaged', 'missing', 'retired'] : ['retired'];
  const known = new Set(objects.filter(({ state }) => states.includes(state)).map(({ key }) => key));
  return findings.filter(({ key }) => !known.has(key));
}

async function onIntact(
  services: Services,
  change: Change,
  work: VerificationWork,
  point: Point,
  now: Date,
): Promise<void> {
  const { tx } = change;
  const { tenantId, sourceId } = point;
  await tx.restorePoint.update({
    where: { tenantId_id: { tenantId, id: point.id } },
    data: { levelPassed: Math.max(point.levelPassed ?? 0, 1), verifiedAt: now },
  });
  // One that a restore test locked away opens for another test: the storage may have been at fault, and was mended.
  const isReleased = (await releasePoint(services, change, point)) || (await releaseForTest(services, change, point));
  await endHealed(services, change, work, isReleased ? [point.id] : []);
  await resolveIfSound(services, change, work);
  await queueDueDrill(services, change, { tenantId, sourceId }, 'after_seal');
}

/** What was known to be bad may have read well again in this turn, whatever else it has found. */
async function onTurn(services: Services, change: Change, work: VerificationWork): Promise<void> {
  await endHealed(services, change, work);
  await resolveIfSound(services, change, work);
}

async function onDamage(
  services: Services,
  change: Change,
  work: VerificationWork,
  findings: readonly Finding[],
): Promise<void> {
  const { tenantId, customerId, deviceId, vaultId } = work;
  const vault = { tenantId, customerId, deviceId, vaultId };
  const damageId = await recordDamage(services, change, vault, findings, {
    level: work.level,
    verificationId: work.id,
  });
  const { timezone } = await change.tx.customer.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id: customerId } },
    select: { timezone: true },
  });
  const pointIds = await quarantinePoints(services, change, { tenantId, vaultId, timeZone: timezone }, findings);
  const points = pointIds.length;
  const fate = `${points === 1 ? 'One restore point needs it and is' : `${points} restore points need it and are`} locked away; the others are not affected.`;
  if (damageId !== undefined) {
    const damage = { tenantId, customerId, id: damageId };
    if (points > 0) await addDamageEvent(change, damage, 'quarantined', services.clock.nowMs(), { points });
    recordDamageEvidence(services, change, damage, {
      kind: 'damage_found',
      ...{ verificationId: work.id, level: work.level, restorePointIds: pointIds },
      words: `${describe(findings)} ${fate}`,
    });
  }
  await openAlert(services, change, {
    tenantId,
    customerId,
    deviceId,
    kind: 'damage',
    title: 'Stored backup data is damaged',
    message: `${describe(findings)} ${fate} ${
      findings.some(({ key }) => isRepairable(key))
        ? 'The machine is asked to send the data again by itself; the page Integrity shows how far that is.'
        : 'No machine can send this again. Check the storage. When it is repaired, this is seen within six hours, or at once when you run the check of an affected point.'
    }`,
  });
}

function describe(findings: readonly Finding[]): string {
  const [first] = findings;
  if (findings.length === 1) return `A stored object is ${PROBLEM_WORDS[first!.problem]} (${first!.key}).`;
  return `${findings.length} stored objects are damaged or missing (the first: ${first?.key}).`;
}
