import type { Services } from '../services.ts';
import type { Tx } from './client.ts';

/** One transaction that sees the job intents of all tenants, without their payloads. */
export async function withDispatcher<T>(services: Pick<Services, 'db'>, work: (tx: Tx) => Promise<T>): Promise<T> {
  return await services.db.transaction('holdfast_dispatcher', {}, work);
}
