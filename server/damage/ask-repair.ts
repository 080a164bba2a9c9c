import { newId } from '../../core/base/ids.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { addDamageEvent, type DamagePlace } from './damage-events.ts';

/** What a machine can make anew: contents, and the lists of them. A snapshot's or key's very bytes it cannot. */
export function isRepairable(key: string): boolean {
  return key.startsWith('data/') || key.startsWith('index/');
}

/**
 * Orders the machine to send again what the damaged objects held. It hears which they are with the run that it starts.
 * @returns false where no machine can: a snapshot, a key or the configuration.
 */
export async function askRepair(
  services: Services,
  change: Change,
  damage: DamagePlace & { readonly deviceId: string; readonly keys: readonly string[] },
): Promise<boolean> {
  const { tx, audit } = change;
  const { tenantId, customerId, deviceId, id } = damage;
  if (!damage.keys.some(isRepairable)) return false;
  const nowMs = services.clock.nowMs();
  const commandId = newId(services.clock);
  await tx.agentCommand.create({
    data: {
      tenantId,
      customerId,
      id: commandId,
      deviceId,
      kind: 'repair',
      payload: { damageId: id },
      state: 'pending',
    },
  });
  await tx.damage.update({
    where: { tenantId_id: { tenantId, id } },
    data: { state: 'repairing', commandId, asks: { increment: 1 }, askedAt: new Date(nowMs) },
  });
  await addDamageEvent(change, damage, 'asked', nowMs, { commandId });
  await audit('damage.repair_asked', { kind: 'damage', id }, { commandId, deviceId });
  return true;
}
