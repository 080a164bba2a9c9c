import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import { endRestore } from '../restores/restore-requests.ts';
import type { Services } from '../services.ts';

/** The download cannot be prepared; the message says why. Repeatable. */
export async function failDownload(
  services: Services,
  scope: Scope,
  downloadId: string,
  message: string,
): Promise<void> {
  await withScope(services, scope, async (tx) => {
    const failed = await tx.download.updateMany({
      where: { tenantId: scope.tenantId, id: downloadId, state: { in: ['queued', 'running'] } },
      data: { state: 'failed', errorMessage: message },
    });
    if (failed.count > 0) await endRestore(services, tx, scope, downloadId, { state: 'failed', reason: message });
  });
}
