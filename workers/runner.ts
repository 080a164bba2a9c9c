/** From a dispatched job to its end: claim, parse, handle, and finish, retry, give back or give up. */
import { isHoldfastError } from '../core/base/errors.ts';
import { JOBS, type JobKind, type JobPayload } from '../server/jobs/catalog.ts';
import { type Claim, claimIntent } from '../server/jobs/claims.ts';
import type { DispatchedJob } from '../server/jobs/queue-backend.ts';
import type { Services } from '../server/services.ts';
import { giveUp } from './give-up.ts';
import { HANDLERS } from './handlers.ts';
import type { JobContext } from './job-context.ts';

/** A third of the claim's lease: two renewals may fail before it is lost. */
const RENEW_MS = 20_000;

export interface RunnerOptions {
  readonly services: Services;
  /** Aborted when the worker has to stop: jobs in hand are given back unblamed. */
  readonly stop: AbortSignal;
  /** Tests: other handlers. */
  readonly handlers?: typeof HANDLERS;
  readonly sandbox?: JobContext['sandbox'];
}

export type JobEnd = 'dropped' | 'done' | 'retried' | 'dead' | 'released' | 'lost';

/** Never throws for what a job does: its end is a row in Postgres, not a state of the queue. */
export async function runJob(options: RunnerOptions, job: DispatchedJob): Promise<JobEnd> {
  const { services } = options;
  const claim = await claimIntent(services, job.tenantId, job.intentId);
  // Another worker has it, or it is done: the dispatch was a repetition.
  if (claim === undefined) return 'dropped';
  const { kind, id, attempt } = claim.intent;
  const startedMs = performance.now();
  const end = await runClaimed(options, claim, kind);
  services.log.info(
    { job: kind, intent: id, attempt, end, ms: Math.round(performance.now() - startedMs) },
    'job ended',
  );
  return end;
}

async function runClaimed<K extends JobKind>(options: RunnerOptions, claim: Claim, kind: K): Promise<JobEnd> {
  const { services, stop } = options;
  const own = new AbortController();
  const signal = AbortSignal.any([stop, own.signal]);
  const renewal = setInterval(() => {
    claim.renew().catch((error: unknown) => {
      if (isHoldfastError(error, 'conflict')) own.abort();
    });
  }, RENEW_MS);
  const clock = setTimeout(() => own.abort(), JOBS[kind].timeoutMs);
  let payload: JobPayload<K> | undefined;
  try {
    payload = JOBS[kind].payload.parse(claim.intent.payload) as JobPayload<K>; // this kind's own schema
    const handler = await (options.handlers ?? HANDLERS)[kind]();
    const checkpoint = { last: claim.intent.checkpoint, save: claim.saveCheckpoint };
    const context = { services, claim, signal, checkpoint, log: services.log };
    await handler(options.sandbox === undefined ? context : { ...context, sandbox: options.sandbox }, payload);
    await claim.finish();
    return 'done';
  } catch (error) {
    return await endBadly(options, claim, kind, payload, error);
  } finally {
    clearInterval(renewal);
    clearTimeout(clock);
  }
}

async function endBadly<K extends JobKind>(
  { services, stop }: RunnerOptions,
  claim: Claim,
  kind: K,
  payload: JobPayload<K> | undefined,
  error: unknown,
): Promise<JobEnd> {
  try {
    if (isHoldfastError(error, 'conflict')) return 'lost';
    if (stop.aborted && isHoldfastError(error, 'cancelled')) {
      await claim.release();
      return 'released';
    }
    services.log.warn({ err: error, job: kind, intent: claim.intent.id }, 'job failed');
    const end = await claim.fail(error instanceof Error ? error : new Error(String(error)));
    if (end === 'dead' && payload !== undefined) await giveUp(services, claim, kind, payload, error);
    return end;
  } catch (failure) {
    // The database is away: the lease runs out, and the reconciler has the job done again.
    services.log.error({ err: failure, job: kind, intent: claim.intent.id }, 'the end of a job could not be recorded');
    return 'lost';
  }
}
