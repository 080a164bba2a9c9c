/**
 * What was damaged cannot be mended, and a person says so with a reason. Nothing is hidden by it: the restore points concerned
 * stay locked away for good and say what they lack, the evidence has who accepted it and why, and the light goes by what
 * newer restore points have proven: every plan wants a drill anew (isOutdated in core/domain/drill-plans.ts).
 */
import { HoldfastError } from '../../core/base/errors.ts';
import { DAMAGE_NAMED_MAX } from '../../core/evidence/damage-evidence.ts';
import { requireRole, type Scope } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import { checkWords } from '../drills/decide-drill.ts';
import { appendEvidence } from '../evidence/append-evidence.ts';
import { findFirstRecord } from '../evidence/find-first-record.ts';
import type { Services } from '../services.ts';
import { markObjects } from '../verification/objects-by-key.ts';
import { pointsThatNeed } from '../verification/quarantine-points.ts';
import { describeDamage } from './damage-evidence.ts';
import { addDamageEvent } from './damage-events.ts';
import { cancelOrder, resolveIfSound } from './end-damage.ts';
import { whyNotAcceptable, withMachine } from './why-not-acceptable.ts';

const TIMEOUT_MS = 120_000;

/**
 * An owner accepts a loss. @throws HoldfastError forbidden, not_found; bad_request without a reason; conflict where there is
 * no loss (yet), or one that was accepted already.
 */
export async function acceptLoss(services: Services, scope: Scope, damageId: string, reason: string): Promise<void> {
  requireRole(scope, 'owner');
  const words = checkWords(reason);
  const now = new Date(services.clock.nowMs());
  const { tenantId } = scope;
  await applyChange(
    services,
    scope,
    async (change) => {
      const { tx } = change;
      await tx.$queryRaw`SELECT 1 FROM damage WHERE tenant_id = ${tenantId}::uuid AND id = ${damageId}::uuid FOR UPDATE`;
      const damage = await tx.damage.findUnique({
        where: { tenantId_id: { tenantId, id: damageId } },
        include: withMachine,
      });
      if (damage === null) throw new HoldfastError('not_found', 'There is no such damage.');
      const refusal = whyNotAcceptable(damage, now.getTime());
      if (refusal !== undefined) throw new HoldfastError('conflict', refusal);
      const { vaultId, keys, customerId } = damage;
      const points = await pointsThatNeed(
        tx,
        { tenantId, vaultId },
        keys.map((key) => ({ key })),
        'quarantined',
      );
      await tx.damage.update({
        where: { tenantId_id: { tenantId, id: damageId } },
        data: {
          ...{ state: 'lost', endedAt: damage.endedAt ?? now },
          ...{ acceptedBy: scope.actor.id, acceptedAt: now, acceptReason: words },
        },
      });
      await tx.restorePoint.updateMany({
        where: { tenantId, id: { in: points.map(({ id }) => id) }, state: 'quarantined' },
        data: { lostDamageId: damageId },
      });
      // They are known to be bad for good: a check that finds them so once more finds nothing new.
      await markObjects(tx, { tenantId, vaultId }, keys, {
        from: ['damaged', 'missing'],
        state: 'retired',
        problem: 'What it held is lost, and a person has accepted that.',
      });
      await cancelOrder(change, damage, now, 'The loss of this data was accepted meanwhile.');
      if (damage.endedAt === null) await addDamageEvent(change, damage, 'ended', now.getTime(), { how: 'lost' });
      await addDamageEvent(change, damage, 'accepted', now.getTime(), { by: scope.actor.id, points: points.length });
      await change.audit(
        'damage.loss_accepted',
        { kind: 'damage', id: damageId },
        { points: points.length, objects: keys.length },
      );
      await appendLoss(services, change, scope, { tenantId, customerId, id: damageId, words, points });
      await resolveIfSound(services, change, damage);
    },
    { timeoutMs: TIMEOUT_MS },
  );
}

async function appendLoss(
  services: Services,
  change: Change,
  scope: Scope,
  loss: {
    readonly tenantId: string;
    readonly customerId: string;
    readonly id: string;
    readonly words: string;
    readonly points: readonly { readonly id: string; readonly captureAt: Date }[];
  },
): Promise<void> {
  const { tx } = change;
  const { tenantId, customerId, id: damageId, words, points } = loss;
  const by = await tx.appUser.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id: scope.actor.id ?? '' } },
    select: { id: true, name: true },
  });
  appendEvidence(services, change, {
    tenantId,
    customerId,
    damageId,
    kind: 'loss_accepted',
    about: await findFirstRecord(tx, { tenantId, damageId }),
    body: {
      ...(await describeDamage(tx, { tenantId, id: damageId })),
      by,
      words,
      restorePoints: points
        .slice(0, DAMAGE_NAMED_MAX)
        .map(({ id, captureAt }) => ({ id, capturedAt: captureAt.toISOString() })),
      restorePointCount: points.length,
    },
  });
}
