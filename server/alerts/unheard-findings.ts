/**
 * What was found and no rule told of, because its rule was off or looked elsewhere. Without these rows a back-test of a rule that
 * is off would always answer that nothing happened. Kept as long as a back-test looks back (server/housekeeping).
 */
import { newId } from '../../core/base/ids.ts';
import type { AlertKind } from '../../core/domain/alerts/kinds.ts';
import type { Services } from '../services.ts';
import type { AlertChange, AlertSubject } from './open-alert.ts';

/** @returns false when it stands there already. */
export async function noteUnheard(
  services: Pick<Services, 'clock'>,
  change: AlertChange,
  { tenantId, customerId, deviceId, policyId = null }: AlertSubject,
  kind: AlertKind,
): Promise<boolean> {
  const id = newId(services.clock);
  const written = await change.tx.$executeRaw`
    INSERT INTO unheard_finding (tenant_id, id, customer_id, device_id, policy_id, kind, found_at)
    VALUES (${tenantId}::uuid, ${id}::uuid, ${customerId}::uuid, ${deviceId}::uuid, ${policyId}::uuid, ${kind},
      ${new Date(services.clock.nowMs())})
    ON CONFLICT (tenant_id, customer_id, device_id, policy_id, kind) WHERE ended_at IS NULL DO NOTHING`;
  if (written === 0) return false;
  await change.audit('alert.unheard', { kind: 'unheard_finding', id }, { alert: kind, deviceId });
  return true;
}

/** The cause is gone, or a rule tells of it from now on. @returns whether anything stood there. */
export async function endUnheard(
  services: Pick<Services, 'clock'>,
  change: AlertChange,
  subject: Omit<AlertSubject, 'customerId'> & { readonly customerId?: string },
  kind: AlertKind,
): Promise<boolean> {
  const { tenantId, customerId, deviceId, policyId = null } = subject;
  const ended = await change.tx.$queryRaw<{ id: string }[]>`
    UPDATE unheard_finding SET ended_at = greatest(${new Date(services.clock.nowMs())}, found_at)
    WHERE tenant_id = ${tenantId}::uuid AND (${customerId ?? null}::uuid IS NULL OR customer_id = ${customerId ?? null}::uuid)
      AND device_id IS NOT DISTINCT FROM ${deviceId}::uuid AND policy_id IS NOT DISTINCT FROM ${policyId}::uuid
      AND kind = ${kind} AND ended_at IS NULL RETURNING id`;
  for (const { id } of ended)
    await change.audit('alert.unheard', { kind: 'unheard_finding', id }, { alert: kind, deviceId, over: true });
  return ended.length > 0;
}
