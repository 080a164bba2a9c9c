import type { Resolution } from '../../core/domain/schedule.ts';
import type { ExpectedOccurrence } from '../db/generated/client.ts';
import type { Tx } from '../db/client.ts';

/** What an excuse takes out of the count. A backup that was made counts, whoever would have excused it. */
export const EXCUSABLE = ['missed', 'failed', 'stuck'] as const;

/**
 * What is written instead of a bad outcome where somebody approved beforehand that the time does not count: the outcome
 * itself is kept beside it, for an excuse can be withdrawn.
 */
export async function excuseFor(
  tx: Tx,
  occurrence: Pick<ExpectedOccurrence, 'tenantId' | 'customerId' | 'deviceId' | 'sourceId' | 'dueAt'>,
  resolution: Resolution,
): Promise<{ outcome: string; excuseId: string | null; unexcusedOutcome: string | null } | Record<string, never>> {
  if (!(EXCUSABLE as readonly string[]).includes(resolution.outcome)) return {};
  const { tenantId, customerId, deviceId, sourceId, dueAt } = occurrence;
  // Held until the outcome is written: who withdraws the excuse meanwhile then finds what it has excused.
  const excuses = await tx.$queryRaw<{ id: string; state: string }[]>`
    SELECT id, state FROM sla_excuse WHERE tenant_id = ${tenantId}::uuid AND customer_id = ${customerId}::uuid
      AND state IN ('requested', 'approved') AND starts_at <= ${dueAt} AND ends_at > ${dueAt}
      AND (device_id IS NULL OR device_id = ${deviceId}::uuid) AND (source_id IS NULL OR source_id = ${sourceId}::uuid)
    ORDER BY requested_at FOR SHARE`;
  const excuse = excuses.find(({ state }) => state === 'approved');
  if (excuse === undefined) return {};
  return { outcome: 'excused', excuseId: excuse.id, unexcusedOutcome: resolution.outcome };
}
