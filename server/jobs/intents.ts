/** Writing a job intent, in the transaction that causes it: the outbox, state machine and schedule of work in one row. */
import { newId } from '../../core/base/ids.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { JOBS, type JobKind, type JobPayload } from './catalog.ts';

export interface IntentOptions {
  /** At most one intent of this kind and key waits at a time; a second one is dropped. */
  readonly dedupeKey?: string;
  readonly runAfter?: Date;
  /** Smaller first; 10 unless told. */
  readonly priority?: number;
  readonly customerId?: string | null;
}

const PRIORITY = 10;

/** @returns the id of the intent, or undefined when one with the same key waits already. */
export async function enqueueIntent<K extends JobKind>(
  tx: Tx,
  scope: Scope,
  kind: K,
  payload: JobPayload<K>,
  options: IntentOptions = {},
): Promise<string | undefined> {
  const id = newId();
  const checked = JOBS[kind].payload.parse(payload) as object;
  const rows = await tx.$executeRaw`
    INSERT INTO job_intent (tenant_id, id, customer_id, kind, queue, dedupe_key, payload, priority, state, run_after)
    VALUES (${scope.tenantId}::uuid, ${id}::uuid, ${options.customerId ?? scope.customerId}::uuid, ${kind}, ${JOBS[kind].queue},
      ${options.dedupeKey ?? null}, ${JSON.stringify(checked)}::jsonb, ${options.priority ?? PRIORITY}, 'waiting',
      coalesce(${options.runAfter ?? null}::timestamptz, now()))
    ON CONFLICT (tenant_id, kind, dedupe_key) WHERE dedupe_key IS NOT NULL AND state IN ('waiting', 'dispatched')
    DO NOTHING`;
  return rows === 1 ? id : undefined;
}
