import { HoldfastError } from '../../core/base/errors.ts';
import { requireRole, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

/** Long enough for a redirect to be followed; the transfer itself may last. */
const URL_LASTS_MS = 60_000;

/**
 * A URL that fetches a prepared download, for whoever asked for it and for a minute.
 * @throws HoldfastError not_found, for another person's download as for one that never was; conflict while it is not ready.
 */
export async function openDownload(services: Services, scope: Scope, downloadId: string): Promise<{ url: string }> {
  requireRole(scope, 'owner', 'technician', 'customer_viewer');
  const nowMs = services.clock.nowMs();
  const download = await applyChange(services, scope, async ({ tx, audit }) => {
    const found = await tx.download.findFirst({
      where: { tenantId: scope.tenantId, id: downloadId, requestedBy: scope.actor.id ?? '' },
    });
    if (found === null || found.expiresAt.getTime() <= nowMs)
      throw new HoldfastError('not_found', 'There is no such download (any more). Ask for it again.');
    if (found.state !== 'ready' || found.objectKey === null)
      throw new HoldfastError('conflict', 'The download is not ready yet.');
    await audit('download.opened', { kind: 'download', id: downloadId }, { path: found.path });
    return { key: found.objectKey, filename: found.fileName };
  });
  const signed = await services.store.signDownload(download.key, {
    expiresMs: nowMs + URL_LASTS_MS,
    filename: download.filename,
  });
  return { url: signed.url };
}
