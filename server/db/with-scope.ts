import { assertScope, type Scope } from '../access/scope.ts';
import type { Services } from '../services.ts';
import type { TransactionOptions, Tx } from './client.ts';

/** `every` is a word, not an empty setting: forgetting the customer shows nothing instead of everything. */
const EVERY_CUSTOMER = 'every';

/** One transaction inside the scope's tenant and customer. The only way to the tables for use-cases. */
export async function withScope<T>(
  services: Pick<Services, 'db'>,
  scope: Scope,
  work: (tx: Tx) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  assertScope(scope);
  const settings = { 'app.tenant_id': scope.tenantId, 'app.customer_id': scope.customerId ?? EVERY_CUSTOMER };
  return await services.db.transaction('holdfast_app', settings, work, options);
}
