import type { RepairReport } from '../../core/protocol/repair-report.ts';
import type { Change } from '../changes/apply-change.ts';
import type { AgentCommand } from '../db/generated/client.ts';
import type { Services } from '../services.ts';
import { addVerification } from '../verification/queue-verification.ts';
import { addDamageEvent } from './damage-events.ts';

/** What the machine says it did goes into the history, and is checked before anything is believed. */
export async function recordRepairAnswer(
  services: Services,
  change: Change,
  command: AgentCommand,
  answer: { readonly state: 'done' | 'failed'; readonly message: string; readonly repair?: RepairReport | undefined },
): Promise<void> {
  const { tx, audit } = change;
  const { tenantId } = command;
  const nowMs = services.clock.nowMs();
  const damage = await tx.damage.findFirst({ where: { tenantId, commandId: command.id, endedAt: null } });
  // It read well again meanwhile, or a newer order stands.
  if (damage === null) return;
  const { state, message, repair } = answer;
  const isSent = state === 'done' && repair !== undefined && (await isSealed(change, command, repair));
  await audit('damage.repair_reported', { kind: 'damage', id: damage.id }, { state, isSent });
  if (!isSent) return await addDamageEvent(change, damage, 'refused', nowMs, { message, commandId: command.id });
  await addDamageEvent(change, damage, 'sent', nowMs, { message, commandId: command.id, report: repair });
  await tx.damage.update({ where: { tenantId_id: { tenantId, id: damage.id } }, data: { state: 'checking' } });
  await addVerification(services, change, damage, { purpose: 'repair', level: 2, damageId: damage.id });
}

/** Its run is this order's own, and has been sealed: what it brought lies in the vault. */
async function isSealed({ tx }: Change, command: AgentCommand, repair: RepairReport): Promise<boolean> {
  if (repair.runId === null) return false;
  const { tenantId, deviceId, id } = command;
  return (
    (await tx.backupRun.count({ where: { tenantId, deviceId, id: repair.runId, commandId: id, state: 'sealed' } })) ===
    1
  );
}
