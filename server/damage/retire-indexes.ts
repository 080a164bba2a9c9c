import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import type { VerificationWork } from '../verification/begin-verification.ts';

/** Outside of every repository, below the tenant: nothing reads it but a person, and nothing removes it. */
export function evidenceKey(
  vault: { readonly tenantId: string; readonly vaultId: string },
  damageId: string,
  key: string,
): string {
  return `evidence/${vault.tenantId}/${vault.vaultId}/${damageId}/${key}`;
}

/** Index files whose replacements were proven say nothing any more; written before their bytes are moved aside. Repeatable. */
export async function retireIndexes(
  services: Services,
  claim: Claim,
  work: VerificationWork,
  indexIds: readonly string[],
): Promise<void> {
  await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    await tx.storedObject.updateMany({
      where: { tenantId: work.tenantId, vaultId: work.vaultId, key: { in: indexIds.map((id) => `index/${id}`) } },
      data: { state: 'retired', problem: 'Replaced by a repair. Its bytes are kept as evidence.' },
    });
  });
}
