import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import { requireRole, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import { pointToRead, snapshotPath } from '../listings/point-to-read.ts';
import { openRestore } from '../restores/restore-requests.ts';
import type { Services } from '../services.ts';
import { downloadFileName } from './download-file-name.ts';

const KEPT_MS = 60 * 60_000;
/** Of one person at a time: each is a restore by a worker. */
const OPEN_MAX = 5;

/**
 * Has a worker prepare a file as it is, or a folder as zip. Asked again for the same, the one that is being prepared or is
 * ready serves.
 * @throws HoldfastError not_found, vault_quarantined, bad_request, rate_limited.
 */
export async function requestDownload(
  services: Services,
  scope: Scope,
  wanted: { readonly restorePointId: string; readonly path: string; readonly kind: 'file' | 'zip' },
): Promise<{ downloadId: string }> {
  requireRole(scope, 'owner', 'technician', 'customer_viewer');
  const path = snapshotPath(wanted.path);
  const requestedBy = scope.actor.id;
  if (requestedBy === null) throw new HoldfastError('forbidden', 'Only a person can ask for a download.');
  return await applyChange(services, scope, async ({ tx, audit, enqueue }) => {
    const point = await pointToRead(tx, scope, wanted.restorePointId);
    const now = new Date(services.clock.nowMs());
    const open = await tx.download.findMany({
      where: {
        tenantId: scope.tenantId,
        requestedBy,
        state: { in: ['queued', 'running', 'ready'] },
        expiresAt: { gt: now },
      },
      select: { id: true, restorePointId: true, path: true, kind: true, state: true },
    });
    const same = open.find((one) => one.restorePointId === point.id && one.path === path && one.kind === wanted.kind);
    const downloadId = same?.id ?? newId(services.clock);
    if (same === undefined) {
      if (open.filter(({ state }) => state !== 'ready').length >= OPEN_MAX)
        throw new HoldfastError(
          'rate_limited',
          'Several downloads are being prepared for you. Wait for one of them to finish.',
        );
      await tx.download.create({
        data: {
          tenantId: scope.tenantId,
          id: downloadId,
          customerId: point.customerId,
          restorePointId: point.id,
          path,
          kind: wanted.kind,
          fileName: downloadFileName(path, wanted.kind),
          state: 'queued',
          requestedBy,
          createdAt: now,
          expiresAt: new Date(now.getTime() + KEPT_MS),
        },
      });
      await openRestore(services, tx, scope, {
        id: downloadId,
        customerId: point.customerId,
        deviceId: point.deviceId,
        restorePointId: point.id,
        way: 'download',
        deadlineMs: now.getTime() + KEPT_MS,
        isEndTold: true,
      });
      await enqueue(
        'prepare-download',
        { downloadId },
        { dedupeKey: downloadId, customerId: point.customerId, priority: 2 },
      );
    }
    await audit('download.requested', { kind: 'restore_point', id: point.id }, { downloadId, path, kind: wanted.kind });
    return { downloadId };
  });
}
