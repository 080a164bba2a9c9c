import { HoldfastError } from '../../core/base/errors.ts';
import { requireRole, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import { watchCustomerQuota, watchQuota } from './watch-quota.ts';

/** What a customer's vaults may hold together; null: nothing is agreed. It alerts, and stops no backup. The owner alone. */
export async function setCustomerQuota(
  services: Services,
  scope: Scope,
  customerId: string,
  quotaBytes: number | null,
): Promise<void> {
  requireRole(scope, 'owner');
  await applyChange(services, scope, async (change) => {
    const { tenantId } = scope;
    const changed = await change.tx.customer.updateMany({
      where: { tenantId, id: customerId },
      data: { quotaBytes: wholeBytes(quotaBytes) },
    });
    if (changed.count === 0) throw new HoldfastError('not_found', 'There is no such customer.');
    await change.audit('quota.changed', { kind: 'customer', id: customerId }, { quotaBytes });
    await watchCustomerQuota(services, change, { tenantId, customerId });
  });
}

/** What the vault of one device may hold; beside what its customer may. The owner alone. */
export async function setVaultQuota(
  services: Services,
  scope: Scope,
  deviceId: string,
  quotaBytes: number | null,
): Promise<void> {
  requireRole(scope, 'owner');
  await applyChange(services, scope, async (change) => {
    const { tenantId } = scope;
    const vault = await change.tx.vault.findFirst({
      where: { tenantId, deviceId, device: { revokedAt: null } },
      select: { id: true, customerId: true },
    });
    if (vault === null) throw new HoldfastError('not_found', 'There is no such device.');
    await change.tx.vault.update({
      where: { tenantId_id: { tenantId, id: vault.id } },
      data: { quotaBytes: wholeBytes(quotaBytes) },
      select: { id: true },
    });
    await change.audit('quota.changed', { kind: 'vault', id: vault.id }, { quotaBytes });
    await watchQuota(services, change, { tenantId, customerId: vault.customerId, deviceId, vaultId: vault.id });
  });
}

function wholeBytes(quotaBytes: number | null): bigint | null {
  return quotaBytes === null ? null : BigInt(Math.round(quotaBytes));
}
