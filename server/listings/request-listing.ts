import { newId } from '../../core/base/ids.ts';
import { requireRole, type Scope } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { FolderListing } from '../db/generated/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { pointToRead, snapshotPath } from './point-to-read.ts';

/** Listings are kept so long; a restore point never changes, so this only bounds what lies about. */
const KEPT_MS = 60 * 60_000;

/** A type and no interface: only that is JSON to the compiler. */
export type ListingEntry = {
  readonly name: string;
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch, or null. */
  readonly mtime: number | null;
  readonly linkTarget?: string;
};

export interface ListingView {
  readonly id: string;
  readonly path: string;
  readonly state: 'queued' | 'ready' | 'failed';
  readonly entries: readonly ListingEntry[];
  /** When failed, why. When ready, a remark (a folder with more entries than are shown), or null. */
  readonly errorMessage: string | null;
}

/**
 * One folder of a restore point. The first call has a worker read it and answers `queued`; ask again until it is `ready`.
 * @throws HoldfastError not_found, also for a foreign point; vault_quarantined; bad_request for a path that is none, and
 * where the customer alone holds the keys.
 */
export async function requestListing(
  services: Services,
  scope: Scope,
  wanted: { readonly restorePointId: string; readonly path: string },
): Promise<ListingView> {
  requireRole(scope, 'owner', 'technician', 'customer_viewer');
  const path = snapshotPath(wanted.path);
  const known = await withScope(services, scope, async (tx) => {
    await pointToRead(tx, scope, wanted.restorePointId);
    return await tx.folderListing.findUnique({
      where: {
        tenantId_restorePointId_path: { tenantId: scope.tenantId, restorePointId: wanted.restorePointId, path },
      },
    });
  });
  if (known !== null && isCurrent(known, services.clock.nowMs())) return toView(known);
  return await applyChange(
    services,
    scope,
    async (change) => await order(services, change, scope, { ...wanted, path }),
  );
}

/** A failed one is shown for a moment, so that who asks again and again sees the reason, and then tried again. */
function isCurrent(listing: FolderListing, nowMs: number): boolean {
  if (listing.expiresAt.getTime() <= nowMs) return false;
  return listing.state !== 'failed' || nowMs - listing.createdAt.getTime() < 30_000;
}

async function order(
  services: Services,
  { tx, audit, enqueue }: Change,
  scope: Scope,
  { restorePointId, path }: { readonly restorePointId: string; readonly path: string },
): Promise<ListingView> {
  const point = await pointToRead(tx, scope, restorePointId);
  const now = new Date(services.clock.nowMs());
  const fresh = { state: 'queued', entries: [], errorMessage: null, createdAt: now };
  const expiresAt = new Date(now.getTime() + KEPT_MS);
  const listing = await tx.folderListing.upsert({
    where: { tenantId_restorePointId_path: { tenantId: scope.tenantId, restorePointId, path } },
    create: {
      ...fresh,
      expiresAt,
      tenantId: scope.tenantId,
      id: newId(services.clock),
      customerId: point.customerId,
      restorePointId,
      path,
    },
    update: { ...fresh, expiresAt },
  });
  await enqueue(
    'list-folder',
    { listingId: listing.id },
    { dedupeKey: listing.id, customerId: point.customerId, priority: 1 },
  );
  await audit('listing.requested', { kind: 'restore_point', id: restorePointId }, { path });
  return toView(listing);
}

function toView(listing: FolderListing): ListingView {
  return {
    id: listing.id,
    path: listing.path,
    state: listing.state as ListingView['state'], // held by a CHECK constraint of the database
    entries: listing.entries as unknown as ListingEntry[], // written from the parsed answer of the sandbox
    errorMessage: listing.errorMessage,
  };
}
