/** How fast a customer's storage grows and when what was agreed is full: the figures that the alert of its quota goes by. */
import { HoldfastError } from '../../core/base/errors.ts';
import { pacePerDay, type QuotaState, quotaState } from '../../core/domain/alerts/quota.ts';
import type { Scope } from '../access/scope.ts';
import { loadCustomerUses } from '../alerts/watch-quota.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

export interface StorageForecast {
  /** Stored by backups; what repairs brought is not counted twice. */
  readonly usedBytes: number;
  /** Median slope over the last four weeks; 0: it does not grow, or too few days are known. */
  readonly bytesPerDay: number;
  /** Days that it was computed from. */
  readonly days: number;
  /** Null: nothing is agreed on. */
  readonly quota: (QuotaState & { readonly bytes: number }) | null;
}

/** @throws HoldfastError not_found, for a foreign customer exactly as for one that never was. */
export async function viewForecast(
  services: Pick<Services, 'db'>,
  scope: Scope,
  customerId: string,
): Promise<StorageForecast> {
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const customer = await tx.customer.findFirst({ where: { tenantId, id: customerId }, select: { quotaBytes: true } });
    if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
    const uses = await loadCustomerUses(tx, tenantId, customerId);
    const bytes = customer.quotaBytes === null ? null : Number(customer.quotaBytes);
    return {
      usedBytes: uses.at(-1)?.usedBytes ?? 0,
      bytesPerDay: Math.max(0, pacePerDay(uses)),
      days: uses.length,
      quota: bytes === null ? null : { ...quotaState(bytes, uses), bytes },
    };
  });
}
