import { HoldfastError } from '../core/base/errors.ts';
import type { Log } from '../core/base/log.ts';
import type { JobKind, JobPayload } from '../server/jobs/catalog.ts';
import type { Claim } from '../server/jobs/claims.ts';
import type { Services } from '../server/services.ts';

export interface JobContext {
  readonly services: Services;
  readonly claim: Claim;
  /** Aborted when the worker stops, the claim is lost or the job takes too long. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Tests: another program in the place of the sandbox child. */
  readonly sandboxChild?: string;
}

/** Does one job. It may be called again for the same job at any point, and must then come to the same end. */
export type JobHandler<K extends JobKind> = (context: JobContext, payload: JobPayload<K>) => Promise<void>;

/** @throws HoldfastError cancelled. */
export function throwIfStopped(signal: AbortSignal): void {
  if (signal.aborted)
    throw new HoldfastError('cancelled', 'The work was stopped before its end; it is taken up again.');
}
