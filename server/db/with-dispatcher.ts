import type { Services } from '../services.ts';
import type { Tx } from './client.ts';
import type { Statement, StatementResult } from './statements.ts';

/** One transaction that sees the job intents of all tenants, without their payloads. */
export async function withDispatcher<T>(services: Pick<Services, 'db'>, work: (tx: Tx) => Promise<T>): Promise<T> {
  return await services.db.transaction('holdfast_dispatcher', {}, work);
}

/** One statement that sees the same, for what is done hundreds of times a second. */
export async function runAsDispatcher<Row>(
  services: Pick<Services, 'db'>,
  statement: Statement,
): Promise<StatementResult<Row>> {
  return await services.db.statement<Row>('holdfast_dispatcher', {}, statement);
}
