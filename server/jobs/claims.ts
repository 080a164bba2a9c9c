/**
 * Claiming an intent: exactly one worker gets it, with a fence number that every later write must still match. A worker that
 * was taken for dead, and is not, can then do no harm.
 */
import { HoldfastError } from '../../core/base/errors.ts';
import { type Scope, scopeForJob } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { isUniqueViolation } from '../db/row-codes.ts';
import type { Statement } from '../db/statements.ts';
import { runInScope, withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { ATTEMPTS_MAX, isJobKind, type JobKind } from './catalog.ts';

export const LEASE_MS = 60_000;
/** A failed attempt waits longer each time, up to this. */
const BACKOFF_MAX_MS = 5 * 60_000;
const BACKOFF_FIRST_MS = 2_000;
/** A reason is read by people; what a library prints may go on for pages. */
const REASON_CHARS_MAX = 2_000;
/** A checkpoint is a position, not a result. The table holds the same bound. */
const CHECKPOINT_CHARS_MAX = 8_000;

export interface ClaimedIntent {
  readonly tenantId: string;
  readonly id: string;
  readonly kind: JobKind;
  readonly payload: unknown;
  readonly attempt: number;
  readonly createdMs: number;
  /** What an earlier attempt said of how far it came; null when none did. */
  readonly checkpoint: unknown;
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type CheckpointValue = Readonly<Record<string, Json>>;

export interface Claim {
  readonly intent: ClaimedIntent;
  readonly fence: number;
  readonly scope: Scope;
  /** @throws HoldfastError conflict when the claim was lost. */
  renew(): Promise<void>;
  /** Called first in every transaction with an effect. @throws HoldfastError conflict when the claim was lost. */
  guard(tx: Tx): Promise<void>;
  /**
   * Keeps a small JSON value for the next attempt; with `tx` it is kept when that transaction's effects are. Who gets on is
   * not blamed for earlier crashes. @throws HoldfastError conflict when the claim was lost.
   */
  saveCheckpoint(value: CheckpointValue, tx?: Tx): Promise<void>;
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
  readonly checkpoint: unknown;
}

const MINE = `WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND state = 'running'`;
const CLAIM = {
  name: 'job_claim',
  text: `UPDATE job_intent SET state = 'running', fence = fence + 1, attempt = attempt + 1, claimed_at = now(),
      lease_until = now() + $3 * interval '1 millisecond'
    WHERE tenant_id = $1 AND id = $2 AND state = 'dispatched'
    RETURNING kind, payload, attempt, fence, created_at, checkpoint`,
};
const RENEW = {
  name: 'job_renew',
  text: `UPDATE job_intent SET lease_until = now() + $4 * interval '1 millisecond' ${MINE}`,
};
const END = {
  name: 'job_end',
  text: `UPDATE job_intent SET state = $4, finished_at = now(), lease_until = NULL, error = $5 ${MINE}`,
};
const GIVE_BACK = {
  name: 'job_give_back',
  text: `UPDATE job_intent SET state = 'waiting', lease_until = NULL, attempt = $4, error = coalesce($5, error),
      run_after = greatest(run_after, now() + $6 * interval '1 millisecond') ${MINE}`,
};

/** Undefined when somebody else has it, or it is done: the dispatch was a repetition. */
export async function claimIntent(services: Services, tenantId: string, intentId: string): Promise<Claim | undefined> {
  const scope = scopeForJob({ tenantId, id: intentId });
  const values = [tenantId, intentId, LEASE_MS];
  const { rows } = await runInScope<ClaimedRow>(services, scope, { ...CLAIM, values });
  const row = rows[0];
  if (row === undefined || !isJobKind(row.kind)) return undefined;
  const intent: ClaimedIntent = {
    tenantId,
    id: intentId,
    kind: row.kind,
    payload: row.payload,
    attempt: row.attempt,
    createdMs: row.created_at.getTime(),
    checkpoint: row.checkpoint,
  };
  return makeClaim(services, scope, intent, row.fence);
}

function makeClaim(services: Services, scope: Scope, intent: ClaimedIntent, fence: number): Claim {
  const mine = { tenantId: intent.tenantId, id: intent.id };
  const lost = (): HoldfastError =>
    new HoldfastError('conflict', 'This job was given to another worker; its result here was dropped.');
  const guard = async (tx: Tx): Promise<void> => {
    // The lock keeps the claim from being taken away between this check and the commit.
    const rows = await tx.$queryRaw<unknown[]>`SELECT 1 FROM job_intent
      WHERE tenant_id = ${mine.tenantId}::uuid AND id = ${mine.id}::uuid AND fence = ${fence} AND state = 'running' FOR UPDATE`;
    if (rows.length === 0) throw lost();
  };
  const update = async (statement: Omit<Statement, 'values'>, ...values: unknown[]): Promise<boolean> => {
    const all = [mine.tenantId, mine.id, fence, ...values];
    return (await runInScope(services, scope, { ...statement, values: all })).count === 1;
  };
  /** Another intent of the same key may wait meanwhile: it will do the work, and this one ends. */
  const giveBack = async (attempt: number, reason: string | null, waitMs: number): Promise<boolean> =>
    await update(GIVE_BACK, attempt, reason, waitMs).catch(async (failure: unknown) => {
      if (!isUniqueViolation(failure)) throw failure;
      return await update(END, 'done', reason);
    });
  const saveIn = async (tx: Tx, text: string): Promise<void> => {
    const count = await tx.$executeRaw`UPDATE job_intent SET checkpoint = ${text}::jsonb, crashes = 0
      WHERE tenant_id = ${mine.tenantId}::uuid AND id = ${mine.id}::uuid AND fence = ${fence} AND state = 'running'`;
    if (count === 0) throw lost();
  };
  return {
    intent,
    fence,
    scope,
    guard,
    saveCheckpoint: async (value, tx) => {
      const text = JSON.stringify(value);
      if (text.length > CHECKPOINT_CHARS_MAX) throw new HoldfastError('internal', 'A checkpoint is too large.');
      if (tx === undefined) await withScope(services, scope, async (own) => await saveIn(own, text));
      else await saveIn(tx, text);
    },
    renew: async () => {
      if (!(await update(RENEW, LEASE_MS))) throw lost();
    },
    finish: async () => {
      if (!(await update(END, 'done', null))) throw lost();
    },
    fail: async (error) => {
      const reason = error.message.slice(0, REASON_CHARS_MAX);
      if (intent.attempt >= ATTEMPTS_MAX) return (await update(END, 'dead', reason)) ? 'dead' : 'lost';
      const waitMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (intent.attempt - 1));
      return (await giveBack(intent.attempt, reason, waitMs)) ? 'retried' : 'lost';
    },
    release: async () => void (await giveBack(intent.attempt - 1, null, 0)),
  };
}
