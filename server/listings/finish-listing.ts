import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import type { Services } from '../services.ts';
import { openDrillPassword } from '../vaults/open-drill-password.ts';
import { pointToRead } from './point-to-read.ts';
import type { ListingEntry } from './request-listing.ts';

export interface ListingWork {
  readonly id: string;
  readonly path: string;
  readonly vaultPrefix: string;
  readonly snapshotId: string;
  readonly treeId: string;
  readonly password: string;
}

/** Undefined: it was read already. @throws HoldfastError vault_quarantined when the point was locked away meanwhile. */
export async function beginListing(
  services: Services,
  claim: Claim,
  listingId: string,
): Promise<ListingWork | undefined> {
  const { scope } = claim;
  return await withScope(services, scope, async (tx) => {
    await claim.guard(tx);
    const listing = await tx.folderListing.findUnique({
      where: { tenantId_id: { tenantId: scope.tenantId, id: listingId } },
    });
    if (listing === null || listing.state !== 'queued') return undefined;
    const { vault, snapshotId, treeId } = await pointToRead(tx, scope, listing.restorePointId);
    const password = await openDrillPassword(services, tx, vault);
    return { id: listing.id, path: listing.path, vaultPrefix: vault.prefix, snapshotId, treeId, password };
  });
}

export async function finishListing(
  services: Services,
  claim: Claim,
  listingId: string,
  entries: readonly ListingEntry[],
  remark: string | null,
): Promise<void> {
  await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    await tx.folderListing.updateMany({
      where: { tenantId: claim.scope.tenantId, id: listingId, state: 'queued' },
      data: { state: 'ready', entries: [...entries], errorMessage: remark },
    });
  });
}
