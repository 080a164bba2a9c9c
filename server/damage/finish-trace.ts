import { applyChange } from '../changes/apply-change.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import type { VerificationWork } from '../verification/begin-verification.ts';
import { askRepair } from './ask-repair.ts';
import { addDamageEvent } from './damage-events.ts';
import type { DamageImpact } from './damage-impact.ts';

export async function loadDamagedKeys(
  services: Services,
  claim: Claim,
  work: VerificationWork,
): Promise<readonly string[]> {
  return await withScope(services, claim.scope, async (tx) => {
    const where = { tenantId_id: { tenantId: work.tenantId, id: work.damageId ?? work.id } };
    return (await tx.damage.findUniqueOrThrow({ where, select: { keys: true } })).keys;
  });
}

/** What the damage hits is known, or that nobody here can know it; the machine is asked to send it again either way. */
export async function finishTrace(
  services: Services,
  claim: Claim,
  work: VerificationWork,
  impact: DamageImpact | undefined,
): Promise<void> {
  const { tenantId } = work;
  const nowMs = services.clock.nowMs();
  await applyChange(services, claim.scope, async (change) => {
    const { tx } = change;
    await claim.guard(tx);
    const finished = await tx.verification.updateMany({
      where: { tenantId, id: work.id, state: 'running' },
      data: { state: 'passed', finishedAt: new Date(nowMs) },
    });
    const id = work.damageId ?? '';
    await change.audit(
      'damage.traced',
      { kind: 'damage', id },
      {
        files: impact?.filesTotal ?? null,
        snapshots: impact?.snapshotsTotal ?? null,
      },
    );
    if (finished.count === 0) return;
    const where = { tenantId_id: { tenantId, id } };
    const damage = await tx.damage.findUniqueOrThrow({ where });
    // A loss that was accepted meanwhile still says which files it was.
    if (damage.endedAt !== null) {
      if (impact !== undefined) await tx.damage.update({ where, data: { impact: { ...impact } } });
      return;
    }
    if (impact === undefined) await addDamageEvent(change, damage, 'untraced', nowMs, { reason: 'vault_unreadable' });
    else {
      await tx.damage.update({ where, data: { impact: { ...impact } } });
      const { blobsTotal, filesTotal, snapshotsTotal, isComplete } = impact;
      await addDamageEvent(change, damage, 'traced', nowMs, { blobsTotal, filesTotal, snapshotsTotal, isComplete });
    }
    await askRepair(services, change, damage);
  });
}
