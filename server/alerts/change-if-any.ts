import { applyChange, type Change } from '../changes/apply-change.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';

/** A transaction under the claim; nothing at all where another worker was first and nothing is left to change. */
export async function changeIfAny(
  services: Services,
  claim: Pick<Claim, 'scope' | 'guard'>,
  work: (change: Change) => Promise<number>,
): Promise<void> {
  class NothingChanged extends Error {}
  try {
    await applyChange(services, claim.scope, async (change) => {
      await claim.guard(change.tx);
      if ((await work(change)) === 0) throw new NothingChanged(); // a change without an entry would be refused
    });
  } catch (error) {
    if (!(error instanceof NothingChanged)) throw error;
  }
}
