import { HoldfastError } from '../../core/base/errors.ts';
import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

/** @throws HoldfastError not_found. */
export async function zoneOfCustomer(services: Services, scope: Scope, customerId: string): Promise<string> {
  const customer = await withScope(services, scope, (tx) =>
    tx.customer.findFirst({ where: { tenantId: scope.tenantId, id: customerId }, select: { timezone: true } }),
  );
  if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
  return customer.timezone;
}
