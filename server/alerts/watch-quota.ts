import {
  type DayUse,
  isQuotaTight,
  type QuotaState,
  quotaState,
  usesAtDayEnds,
} from '../../core/domain/alerts/quota.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';
import { type AlertChange, type AlertSubject, resolveAlert } from './open-alert.ts';
import { settleRules } from './settle-rules.ts';

/** Opens and closes the alerts of the quotas that a device's backup counts against: its vault's, and its customer's. */
export async function watchQuota(
  services: Pick<Services, 'clock'>,
  change: AlertChange,
  place: {
    readonly tenantId: string;
    readonly customerId: string;
    readonly deviceId: string;
    readonly vaultId: string;
  },
): Promise<void> {
  const { tenantId, customerId, deviceId, vaultId } = place;
  const vault = await change.tx.vault.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id: vaultId } },
    select: { quotaBytes: true, device: { select: { name: true } } },
  });
  const ofVault = { tenantId, customerId, deviceId };
  await settleQuota(services, change, ofVault, vault.quotaBytes, vault.device.name, async () =>
    usesAtDayEnds(await selectDays(change.tx, tenantId, customerId, vaultId)),
  );
  await watchCustomerQuota(services, change, { tenantId, customerId });
}

/** The same for what a customer has in all vaults together. */
export async function watchCustomerQuota(
  services: Pick<Services, 'clock'>,
  change: AlertChange,
  { tenantId, customerId }: { readonly tenantId: string; readonly customerId: string },
): Promise<void> {
  const customer = await change.tx.customer.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id: customerId } },
    select: { name: true, quotaBytes: true },
  });
  const subject = { tenantId, customerId, deviceId: null };
  await settleQuota(services, change, subject, customer.quotaBytes, customer.name, () =>
    loadCustomerUses(change.tx, tenantId, customerId),
  );
}

/** What a customer had stored at the end of each of the last 28 days on which something was stored, the newest last. */
export async function loadCustomerUses(tx: Tx, tenantId: string, customerId: string): Promise<DayUse[]> {
  return usesAtDayEnds(await selectDays(tx, tenantId, customerId, null));
}

async function settleQuota(
  services: Pick<Services, 'clock'>,
  change: AlertChange,
  subject: AlertSubject,
  quotaBytes: bigint | null,
  name: string,
  loadUses: () => Promise<DayUse[]>,
): Promise<void> {
  // Most have none: a seal must not pay for what nobody agreed on.
  if (quotaBytes === null) {
    await resolveAlert(services, change, subject, 'quota');
    return;
  }
  const state = quotaState(Number(quotaBytes), await loadUses());
  await settleRules(services, change, subject, 'quota', ({ parameters }) =>
    isQuotaTight(state, parameters)
      ? { message: quotaMessage(name, state), cause: state.usedShare >= 1 ? 'quota_full' : 'quota' }
      : undefined,
  );
}

function quotaMessage(name: string, { usedShare, daysLeft }: QuotaState): string {
  const used = `${name} has used ${Math.floor(usedShare * 100)} % of its storage`;
  if (usedShare >= 1)
    return `${used}. Backups go on, and nothing is dropped: agree on more storage, or on what may go.`;
  const pace =
    daysLeft === null
      ? 'and does not grow at the moment'
      : `and will have used all of it in ${daysLeft} days at the pace of the last four weeks`;
  return `${used}, ${pace}. Agree on more storage before it is full; backups go on until then and after.`;
}

interface DayRow {
  readonly day: number;
  readonly bytes: number;
}

/** What each day stored. The bytes of a repaired object count once: only backups are summed. */
async function selectDays(tx: Tx, tenantId: string, customerId: string, vaultId: string | null): Promise<DayRow[]> {
  return await tx.$queryRaw<DayRow[]>`
    SELECT floor(extract(epoch FROM sealed_at) / 86400)::int AS day, sum(stored_bytes)::float8 AS bytes FROM restore_point
    WHERE tenant_id = ${tenantId}::uuid AND customer_id = ${customerId}::uuid AND (${vaultId}::uuid IS NULL OR vault_id = ${vaultId}::uuid)
    GROUP BY 1 ORDER BY 1`;
}
