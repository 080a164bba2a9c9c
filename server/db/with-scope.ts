import { assertScope, type Scope } from '../access/scope.ts';
import type { Services } from '../services.ts';
import type { TransactionOptions, Tx } from './client.ts';
import type { Statement, StatementResult } from './statements.ts';

/** `every` is a word, not an empty setting: forgetting the customer shows nothing instead of everything. */
const EVERY_CUSTOMER = 'every';

/** One transaction inside the scope's tenant and customer. With `runInScope` the only way to the tables for use-cases. */
export async function withScope<T>(
  services: Pick<Services, 'db'>,
  scope: Scope,
  work: (tx: Tx) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  return await services.db.transaction('holdfast_app', settingsOf(scope), work, options);
}

/** One statement inside the same walls, for what is done hundreds of times a second. */
export async function runInScope<Row>(
  services: Pick<Services, 'db'>,
  scope: Scope,
  statement: Statement,
): Promise<StatementResult<Row>> {
  return await services.db.statement<Row>('holdfast_app', settingsOf(scope), statement);
}

/** Rows of each statement, all inside the same walls; none may need another's answer. */
export async function runAllInScope<Rows extends readonly unknown[]>(
  services: Pick<Services, 'db'>,
  scope: Scope,
  statements: { readonly [At in keyof Rows]: Statement },
): Promise<{ readonly [At in keyof Rows]: readonly Rows[At][] }> {
  const results = await services.db.statements('holdfast_app', settingsOf(scope), statements);
  return results.map(({ rows }) => rows) as { readonly [At in keyof Rows]: readonly Rows[At][] };
}

function settingsOf(scope: Scope): Readonly<Record<string, string>> {
  assertScope(scope);
  return { 'app.tenant_id': scope.tenantId, 'app.customer_id': scope.customerId ?? EVERY_CUSTOMER };
}
