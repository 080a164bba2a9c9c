/** Who needs what was found damaged: blobs, files and snapshots, as the confined child names them. */
import type { ReadStore } from '../../core/storage/port.ts';
import { finishTrace, loadDamagedKeys } from '../../server/damage/finish-trace.ts';
import type { VerificationWork } from '../../server/verification/begin-verification.ts';
import type { JobContext } from '../job-context.ts';
import { NAMES_MAX, traceResult, type TraceResult } from '../sandbox/messages.ts';
import { inSandbox, UnopenedError } from './sandbox-work.ts';

const WALL_CLOCK_MS = 3600_000;
const TREES_MAX = 2_000_000;

export async function traceDamage(context: JobContext, work: VerificationWork, store: ReadStore): Promise<void> {
  const impact = await traceImpact(context, work, store);
  await finishTrace(context.services, context.claim, work, impact);
}

/** As the vault is now: after a repair, what is lost for good. Undefined: nobody here can know it. */
export async function traceImpact(
  context: JobContext,
  work: VerificationWork,
  store: ReadStore,
): Promise<TraceResult | undefined> {
  const { password } = work;
  if (password === undefined) return undefined;
  const damagedKeys = await loadDamagedKeys(context.services, context.claim, work);
  const task = { kind: 'trace', password, damagedKeys, namesMax: NAMES_MAX, treesMax: TREES_MAX } as const;
  try {
    return traceResult.parse(await inSandbox(context, { store, task, wallClockMs: WALL_CLOCK_MS }));
  } catch (error) {
    // The vault cannot be opened at all: everything is hit, and nothing can be named.
    if (error instanceof UnopenedError) return undefined;
    throw error;
  }
}
