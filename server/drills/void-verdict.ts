/** A person withdraws a drill's verdict, with a reason: everything that followed from it is as it would be without it. */
import { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import { unansweredFailures } from '../../core/domain/drill-plans.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { openAlert, resolveAlert } from '../alerts/open-alert.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { Drill } from '../db/generated/client.ts';
import type { Services } from '../services.ts';
import { enqueueRollups } from '../sla/enqueue-rollups.ts';
import { isPointAcceptable } from '../verification/is-point-acceptable.ts';
import { appendDecision, checkWords, ownDrill } from './decide-drill.ts';
import { loadDrillFacts } from './drill-facts.ts';
import { DRILL_QUARANTINE } from './finish-drill.ts';

/** @throws HoldfastError not_found, forbidden; bad_request without a reason; conflict where there is no verdict to withdraw. */
export async function voidVerdict(services: Services, scope: Scope, drillId: string, reason: string): Promise<void> {
  requireStaff(scope);
  const said = checkWords(reason);
  const now = new Date(services.clock.nowMs());
  await applyChange(services, scope, async (change) => {
    const { tx } = change;
    const drill = await ownDrill(change, scope, drillId);
    if (drill.state !== 'passed' && drill.state !== 'failed')
      throw new HoldfastError('conflict', 'This drill has no verdict that could be withdrawn.');
    await tx.drill.update({
      where: { tenantId_id: { tenantId: scope.tenantId, id: drillId } },
      data: { state: 'void', voidReason: said, voidedBy: scope.actor.id, voidedAt: now },
    });
    await change.audit('drill.voided', { kind: 'drill', id: drillId }, { before: drill.state });
    await settlePoint(change, drill);
    await settleAlert(services, change, drill);
    await appendDecision(services, change, scope, drill, 'drill_voided', said);
    const customer = await tx.customer.findUniqueOrThrow({
      where: { tenantId_id: { tenantId: drill.tenantId, id: drill.customerId } },
    });
    const point = await tx.restorePoint.findUniqueOrThrow({
      where: { tenantId_id: { tenantId: drill.tenantId, id: drill.restorePointId } },
      select: { sealedAt: true },
    });
    await enqueueRollups(
      services,
      change,
      {
        tenantId: drill.tenantId,
        customerId: drill.customerId,
        sourceId: drill.sourceId,
        timeZone: customer.timezone,
      },
      Math.min(point.sealedAt.getTime(), drill.finishedAt?.getTime() ?? now.getTime()),
      'drill_withdrawn',
    );
  });
}

/** The point's level and lock, from what is left: other drills of it, its verifications, its objects. */
async function settlePoint({ tx }: Change, drill: Drill): Promise<void> {
  const { tenantId, restorePointId } = drill;
  const where = { tenantId_id: { tenantId, id: restorePointId } };
  const point = await tx.restorePoint.findUniqueOrThrow({
    where,
    include: { run: true, device: { include: { policy: true } } },
  });
  const others = await tx.drill.findMany({
    where: { tenantId, restorePointId, state: { in: ['passed', 'failed'] } },
    orderBy: { finishedAt: 'desc' },
    select: { state: true, level: true, facts: true, finishedAt: true },
  });
  const passed = others.filter(({ state }) => state === 'passed');
  const verified = await tx.verification.aggregate({
    where: { tenantId, restorePointId, state: 'passed' },
    _max: { level: true },
  });
  const levels = [verified._max.level ?? 0, ...passed.map(({ level, facts }) => reachedOf(facts) ?? level)];
  const levelPassed = Math.max(...levels);
  const isLockedByThis =
    drill.state === 'failed' &&
    point.state === 'quarantined' &&
    point.quarantineReason?.startsWith(DRILL_QUARANTINE) === true &&
    point.lostDamageId === null &&
    !others.some(({ state }) => state === 'failed');
  // A failure that lay in what was backed up took the point out of the count, and locked nothing away.
  const isDiscountedByThis =
    drill.state === 'failed' && point.state === 'sealed' && !others.some(({ state }) => state === 'failed');
  const { partialToleranceShare } = policyDocument.parse(point.device.policy.document);
  await tx.restorePoint.update({
    where,
    data: {
      levelPassed: levelPassed === 0 ? null : levelPassed,
      drilledAt: passed[0]?.finishedAt ?? null,
      ...(isLockedByThis
        ? { state: 'sealed', quarantineReason: null, isUsable: isPointAcceptable(point, partialToleranceShare) }
        : {}),
      ...(isDiscountedByThis ? { isUsable: isPointAcceptable(point, partialToleranceShare) } : {}),
    },
  });
}

function reachedOf(facts: unknown): number | undefined {
  return z.object({ levelReached: z.number() }).safeParse(facts).data?.levelReached;
}

/** Open while a failure stands that no drill of its depth has answered, as the light is (unansweredFailures); closed otherwise. */
async function settleAlert(services: Services, change: Change, drill: Drill): Promise<void> {
  const { tenantId, customerId, deviceId, sourceId } = drill;
  const facts = await loadDrillFacts(change.tx, tenantId, [drill]);
  const newestMs = Math.max(...unansweredFailures(facts.get(sourceId) ?? []).map(({ createdMs }) => createdMs));
  if (!Number.isFinite(newestMs)) {
    await resolveAlert(services, change, drill, 'drill_failed');
    return;
  }
  const failed = await change.tx.drill.findFirst({
    where: { tenantId, sourceId, state: 'failed', createdAt: new Date(newestMs) },
    select: { errorMessage: true },
  });
  await openAlert(services, change, {
    tenantId,
    customerId,
    deviceId,
    kind: 'drill_failed',
    title: 'A restore test failed',
    message:
      `${failed?.errorMessage ?? ''} No test as deep has passed since, so this one stands. Look at the drill, and test a restore anew.`.trim(),
  });
}
