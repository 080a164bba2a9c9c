import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

/** The folder cannot be shown; the message says why. Repeatable. */
export async function failListing(services: Services, scope: Scope, listingId: string, message: string): Promise<void> {
  await withScope(services, scope, (tx) =>
    tx.folderListing.updateMany({
      where: { tenantId: scope.tenantId, id: listingId, state: 'queued' },
      // The moment of the failure: for how long it is shown counts from here (request-listing).
      data: { state: 'failed', errorMessage: message, createdAt: new Date(services.clock.nowMs()) },
    }),
  );
}
