import { resolveAlert } from '../alerts/open-alert.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Damage } from '../db/generated/client.ts';
import type { Services } from '../services.ts';
import { queueDueDrill } from '../drills/queue-drill.ts';
import { selectObjects } from '../verification/objects-by-key.ts';
import { pointsThatNeed } from '../verification/quarantine-points.ts';
import { queueVerification, type VaultPlace } from '../verification/queue-verification.ts';
import { loadPoint, releasePoint } from '../verification/release-point.ts';
import { recordDamageEvidence } from './damage-evidence.ts';
import { addDamageEvent } from './damage-events.ts';
import { releaseForTest } from './release-for-test.ts';

/** Of objects that nobody needs to worry about. */
const WELL: readonly string[] = ['sealed', 'retired'];

/**
 * Damages all of whose objects were read again and are right (the storage was at fault, and was mended) are over, and so is a loss
 * that nobody has given up. Points that were locked away for them and need nothing else that is bad count again.
 */
export async function endHealed(
  services: Services,
  change: Change,
  vault: VaultPlace & { readonly id: string; readonly level: number },
  /** By the check itself. */
  released: readonly string[] = [],
): Promise<void> {
  const { tx } = change;
  const { tenantId, vaultId } = vault;
  const nowMs = services.clock.nowMs();
  const damages = await tx.damage.findMany({
    where: { tenantId, vaultId, acceptedAt: null, OR: [{ endedAt: null }, { state: 'lost' }] },
    orderBy: { foundAt: 'asc' },
  });
  for (const damage of damages) {
    const objects = await selectObjects(tx, vault, damage.keys);
    // A name that the ledger does not know was read by nobody.
    if (objects.length < damage.keys.length || objects.some(({ state }) => !WELL.includes(state))) continue;
    if (!objects.some(({ state }) => state === 'sealed')) continue;
    const points = [...released, ...(await releaseHealed(services, change, vault, damage.keys))];
    if (points.length > 0) await addDamageEvent(change, damage, 'released', nowMs, { points });
    await tx.damage.update({
      where: { tenantId_id: { tenantId, id: damage.id } },
      data: { state: 'repaired', endedAt: new Date(nowMs) },
    });
    await cancelOrder(change, damage, new Date(nowMs), 'The stored data reads well again.');
    await addDamageEvent(change, damage, 'ended', nowMs, { how: 'reads_well_again' });
    recordDamageEvidence(services, change, damage, {
      kind: 'damage_repaired',
      ...{ verificationId: vault.id, level: vault.level, restorePointIds: points },
      words: 'The stored objects were read again and are what was stored: the storage was at fault, and was mended.',
    });
    await change.audit('damage.checked', { kind: 'damage', id: damage.id }, { state: 'repaired' });
  }
}

/** Points that were locked away for these objects, and need no other that is known to be bad. @returns those that left the lock. */
async function releaseHealed(
  services: Services,
  change: Change,
  vault: VaultPlace,
  keys: readonly string[],
): Promise<string[]> {
  const { tx } = change;
  const { tenantId, vaultId } = vault;
  const needing = async (wanted: readonly { readonly key: string }[]) =>
    await pointsThatNeed(tx, { tenantId, vaultId }, wanted, 'quarantined');
  const locked = await needing(keys.map((key) => ({ key })));
  if (locked.length === 0) return [];
  const bad = await tx.storedObject.findMany({
    where: { tenantId, vaultId, sealedAt: { not: null }, state: { in: ['damaged', 'missing'] } },
    select: { key: true },
  });
  const stillHit = new Set(bad.length === 0 ? [] : (await needing(bad)).map(({ id }) => id));
  const released: string[] = [];
  const sourceIds = new Set<string>();
  for (const { id } of locked) {
    if (stillHit.has(id)) continue;
    const point = await loadPoint(change, tenantId, id);
    if (!((await releasePoint(services, change, point)) || (await releaseForTest(services, change, point)))) continue;
    released.push(id);
    sourceIds.add(point.sourceId);
    // It was locked away by its first check, so it has no level yet: what was read of it within the month counts.
    if (point.levelPassed === null) await queueVerification(services, change, point, { readsAll: false });
  }
  for (const sourceId of sourceIds) await queueDueDrill(services, change, { tenantId, sourceId }, 'after_seal');
  return released;
}

/** An order that the machine has not heard yet would be for nothing. */
export async function cancelOrder(
  { tx }: Change,
  { tenantId, commandId }: Pick<Damage, 'tenantId' | 'commandId'>,
  now: Date,
  message: string,
): Promise<void> {
  if (commandId === null) return;
  await tx.agentCommand.updateMany({
    where: { tenantId, id: commandId, state: 'pending' },
    data: { state: 'expired', finishedAt: now, message },
  });
}

/** The alert closes when no object of the vault is known to be bad any more, and nothing is looked for that no ledger knows. */
export async function resolveIfSound(services: Services, change: Change, vault: VaultPlace): Promise<void> {
  const { tenantId, vaultId } = vault;
  const bad = await change.tx.storedObject.count({
    where: { tenantId, vaultId, sealedAt: { not: null }, state: { in: ['damaged', 'missing'] } },
  });
  if (bad > 0) return;
  const open = await change.tx.damage.count({ where: { tenantId, vaultId, endedAt: null } });
  if (open === 0) await resolveAlert(services, change, vault, 'damage');
}
