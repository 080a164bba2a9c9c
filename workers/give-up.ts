import { publicMessage } from '../core/base/errors.ts';
import { failDownload } from '../server/downloads/fail-download.ts';
import { voidDrill } from '../server/drills/void-drill.ts';
import type { JobKind, JobPayload } from '../server/jobs/catalog.ts';
import type { Claim } from '../server/jobs/claims.ts';
import { failListing } from '../server/listings/fail-listing.ts';
import { failReport } from '../server/reports/draw-report.ts';
import type { Services } from '../server/services.ts';
import { voidVerification } from '../server/verification/void-verification.ts';

/**
 * The last attempt has failed: whoever waits for the result is told so. A seal needs nothing here: its run stays committed,
 * and the sweep has it tried again. Sweeps come again by themselves.
 */
export async function giveUp<K extends JobKind>(
  services: Services,
  claim: Claim,
  kind: K,
  payload: JobPayload<K>,
  error: unknown,
): Promise<void> {
  const message = publicMessage(error);
  const ids = payload as Readonly<Record<string, string>>; // every payload is an object of ids (catalog)
  const { scope } = claim;
  switch (kind) {
    case 'verify':
      return await voidVerification(services, scope, ids['verificationId'] ?? '', message);
    case 'drill':
      return await voidDrill(services, scope, ids['drillId'] ?? '', message);
    case 'list-folder':
      return await failListing(services, scope, ids['listingId'] ?? '', message);
    case 'prepare-download':
      return await failDownload(services, scope, ids['downloadId'] ?? '', message);
    case 'report':
      return await failReport(services, scope, ids['reportId'] ?? '', message);
    default:
      return;
  }
}
