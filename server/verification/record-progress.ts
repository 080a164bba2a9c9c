import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import type { VerificationWork } from './begin-verification.ts';

/** Adds what was read and found intact since the last call; what is recorded here is not read again after a crash. */
export async function recordVerified(
  services: Services,
  claim: Claim,
  work: VerificationWork,
  intact: readonly string[],
  done: { readonly objects: number; readonly bytes: number },
): Promise<void> {
  const { tenantId } = claim.scope;
  await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    if (intact.length > 0)
      await tx.storedObject.updateMany({
        where: { tenantId, vaultId: work.vaultId, key: { in: [...intact] } },
        // What was thought damaged and reads well again is healed.
        data: { verifiedAt: new Date(services.clock.nowMs()), state: 'sealed', problem: null },
      });
    await tx.verification.updateMany({
      where: { tenantId, id: work.id, state: 'running' },
      data: { objectsDone: done.objects, bytesDone: BigInt(done.bytes) },
    });
  });
}
