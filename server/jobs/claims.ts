/**
 * Claiming an intent: exactly one worker gets it, with a fence number that every later write must still match. A worker that
 * was taken for dead, and is not, can then do no harm.
 */
import { HoldfastError } from '../../core/base/errors.ts';
import { type Scope, scopeForJob } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { isUniqueViolation } from '../db/row-codes.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { isJobKind, JOBS, type JobKind } from './catalog.ts';

export const LEASE_MS = 60_000;
/** A failed attempt waits longer each time, up to this. */
const BACKOFF_MAX_MS = 5 * 60_000;
const BACKOFF_FIRST_MS = 2_000;

export interface ClaimedIntent {
  readonly tenantId: string;
  readonly id: string;
  readonly kind: JobKind;
  readonly payload: unknown;
  readonly attempt: number;
  readonly createdMs: number;
}

export interface Claim {
  readonly intent: ClaimedIntent;
  readonly fence: number;
  readonly scope: Scope;
  /** @throws HoldfastError conflict when the claim was lost. */
  renew(): Promise<void>;
  /** Called first in every transaction with an effect. @throws HoldfastError conflict when the claim was lost. */
  guard(tx: Tx): Promise<void>;
  finish(): Promise<void>;
  /** Gives it back for another attempt, or ends it as dead when it had enough of them. */
  fail(error: Error): Promise<'retried' | 'dead' | 'lost'>;
  /** Gives it back at once and unblamed: the worker stops. */
  release(): Promise<void>;
}

interface ClaimedRow {
  readonly kind: string;
  readonly payload: unknown;
  readonly attempt: number;
  readonly fence: number;
  readonly created_at: Date;
}

/** Undefined when somebody else has it, or it is done: the dispatch was a repetition. */
export async function claimIntent(services: Services, tenantId: string, intentId: string): Promise<Claim | undefined> {
  const scope = scopeForJob({ tenantId, id: intentId });
  const rows = await withScope(
    services,
    scope,
    (tx) => tx.$queryRaw<ClaimedRow[]>`
      UPDATE job_intent SET state = 'running', fence = fence + 1, attempt = attempt + 1,
        lease_until = now() + ${LEASE_MS} * interval '1 millisecond'
      WHERE tenant_id = ${tenantId}::uuid AND id = ${intentId}::uuid AND state = 'dispatched'
      RETURNING kind, payload, attempt, fence, created_at`,
  );
  const row = rows[0];
  if (row === undefined || !isJobKind(row.kind)) return undefined;
  const intent: ClaimedIntent = {
    tenantId,
    id: intentId,
    kind: row.kind,
    payload: row.payload,
    attempt: row.attempt,
    createdMs: row.created_at.getTime(),
  };
  return makeClaim(services, scope, intent, row.fence);
}

function makeClaim(services: Services, scope: Scope, intent: ClaimedIntent, fence: number): Claim {
  const mine = { tenantId: intent.tenantId, id: intent.id, fence, state: 'running' };
  const lost = (): HoldfastError =>
    new HoldfastError('conflict', 'This job was given to another worker; its result here was dropped.');
  const guard = async (tx: Tx): Promise<void> => {
    // The lock keeps the claim from being taken away between this check and the commit.
    const rows = await tx.$queryRaw<unknown[]>`SELECT 1 FROM job_intent
      WHERE tenant_id = ${mine.tenantId}::uuid AND id = ${mine.id}::uuid AND fence = ${fence} AND state = 'running' FOR UPDATE`;
    if (rows.length === 0) throw lost();
  };
  const update = async (data: Parameters<Tx['jobIntent']['updateMany']>[0]['data']): Promise<boolean> =>
    (await withScope(services, scope, (tx) => tx.jobIntent.updateMany({ where: mine, data }))).count === 1;
  return {
    intent,
    fence,
    scope,
    guard,
    renew: async () => {
      if (!(await update({ leaseUntil: new Date(Date.now() + LEASE_MS) }))) throw lost();
    },
    finish: async () => {
      if (!(await update({ state: 'done', finishedAt: new Date(), leaseUntil: null, error: null }))) throw lost();
    },
    fail: async (error) => {
      const isDead = intent.attempt >= JOBS[intent.kind].attempts;
      const waitMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (intent.attempt - 1));
      const done = await update(
        isDead
          ? { state: 'dead', finishedAt: new Date(), leaseUntil: null, error: error.message }
          : { state: 'waiting', runAfter: new Date(Date.now() + waitMs), leaseUntil: null, error: error.message },
      ).catch(async (failure: unknown) => {
        // Another intent of the same key waits meanwhile: it will do the work, this one ends.
        if (!isUniqueViolation(failure)) throw failure;
        return await update({ state: 'done', finishedAt: new Date(), leaseUntil: null, error: error.message });
      });
      if (!done) return 'lost';
      return isDead ? 'dead' : 'retried';
    },
    release: async () => {
      await update({ state: 'waiting', attempt: intent.attempt - 1, leaseUntil: null }).catch((failure: unknown) => {
        if (!isUniqueViolation(failure)) throw failure;
      });
    },
  };
}
