import { HoldfastError } from '../core/base/errors.ts';
import type { Log } from '../core/base/log.ts';
import type { JobKind, JobPayload } from '../server/jobs/catalog.ts';
import type { CheckpointValue, Claim } from '../server/jobs/claims.ts';
import type { Tx } from '../server/db/client.ts';
import type { Services } from '../server/services.ts';

/** How far a long job has come, so that a stopped or killed one goes on where it was. */
export interface JobCheckpoint {
  /** What the last attempt saved; null in the first. It came from the database: parse it. */
  readonly last: unknown;
  /**
   * Kept for the next attempt; with `tx`, together with what that transaction changes. A small object: a position, no result.
   * @throws HoldfastError conflict when the claim was lost.
   */
  save(value: CheckpointValue, tx?: Tx): Promise<void>;
}

/** Tests: another program in the place of the sandbox child, and less patience with it. */
interface SandboxStandIn {
  readonly childFile: string;
  readonly wallClockMs?: number;
}

export interface JobContext {
  readonly services: Services;
  readonly claim: Claim;
  /** Aborted when the worker stops, the claim is lost or the job takes too long. */
  readonly signal: AbortSignal;
  readonly checkpoint: JobCheckpoint;
  readonly log: Log;
  /** Tests: another sandbox child. */
  readonly sandbox?: SandboxStandIn;
}

/** Does one job. It may be called again for the same job at any point, and must then come to the same end. */
export type JobHandler<K extends JobKind> = (context: JobContext, payload: JobPayload<K>) => Promise<void>;

/** @throws HoldfastError cancelled. */
export function throwIfStopped(signal: AbortSignal): void {
  if (signal.aborted)
    throw new HoldfastError('cancelled', 'The work was stopped before its end; it is taken up again.');
}
