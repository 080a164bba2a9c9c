import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

/** The download cannot be prepared; the message says why. Repeatable. */
export async function failDownload(
  services: Services,
  scope: Scope,
  downloadId: string,
  message: string,
): Promise<void> {
  await withScope(services, scope, (tx) =>
    tx.download.updateMany({
      where: { tenantId: scope.tenantId, id: downloadId, state: { in: ['queued', 'running'] } },
      data: { state: 'failed', errorMessage: message },
    }),
  );
}
