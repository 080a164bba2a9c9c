/** The ledger as a listing needs it, and what the listing leaves behind. */
import type { Change } from '../changes/apply-change.ts';
import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import type { VerificationWork } from './begin-verification.ts';

export interface LedgerRow {
  readonly key: string;
  readonly size: number;
  readonly crc32c: string;
  /** It was sealed before the listing began, and is not known to be bad: it has to be there. */
  readonly isExpected: boolean;
}

/** Every row between two keys, in the byte order of keys. `upTo` undefined: to the end. */
export async function ledgerRows(
  services: Services,
  claim: Claim,
  work: VerificationWork,
  { behind, upTo }: { readonly behind: string; readonly upTo: string | undefined },
): Promise<LedgerRow[]> {
  const rows = await withScope(
    services,
    claim.scope,
    (tx) => tx.$queryRaw<{ key: string; size: bigint; crc32c: string; isExpected: boolean }[]>`
      SELECT key, size, crc32c, (state = 'sealed' AND sealed_at < ${new Date(work.startedMs)}) AS "isExpected"
      FROM stored_object
      WHERE tenant_id = ${work.tenantId}::uuid AND vault_id = ${work.vaultId}::uuid AND key COLLATE "C" > ${behind}
        AND (${upTo ?? null}::text IS NULL OR key COLLATE "C" <= ${upTo ?? null})
      ORDER BY key COLLATE "C"`,
  );
  return rows.map((row) => ({ ...row, size: Number(row.size) }));
}

export async function recordListingProgress(
  services: Services,
  claim: Claim,
  work: VerificationWork,
  done: { readonly objects: number; readonly bytes: number },
): Promise<void> {
  await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    const figures = { objectsDone: done.objects, objectsTotal: done.objects, bytesDone: BigInt(done.bytes) };
    await tx.verification.updateMany({
      where: { tenantId: work.tenantId, id: work.id, state: 'running' },
      data: { ...figures, bytesTotal: BigInt(done.bytes) },
    });
  });
}

/** With the verdict: everything that was sealed before its beginning has been listed. */
export async function recordListing(
  { tx }: Change,
  work: VerificationWork,
  seen: {
    readonly unknownObjects: number;
    readonly unknownBytes: number;
    readonly unknownKeys: readonly string[];
  },
): Promise<void> {
  await tx.vaultCheck.updateMany({
    where: { tenantId: work.tenantId, vaultId: work.vaultId },
    data: {
      listedAt: new Date(work.startedMs),
      unknownObjects: seen.unknownObjects,
      unknownBytes: BigInt(seen.unknownBytes),
      unknownKeys: [...seen.unknownKeys],
    },
  });
}
