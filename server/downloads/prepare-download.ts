import { withScope } from '../db/with-scope.ts';
import type { Claim } from '../jobs/claims.ts';
import { pointToRead } from '../listings/point-to-read.ts';
import { endRestore, noteFirstByte, noteRestoreStarted } from '../restores/restore-requests.ts';
import type { Services } from '../services.ts';
import { downloadKey } from '../storage/object-store.ts';
import { openDrillPassword } from '../vaults/open-drill-password.ts';

export interface DownloadWork {
  readonly id: string;
  readonly path: string;
  readonly kind: 'file' | 'zip';
  readonly objectKey: string;
  readonly vaultPrefix: string;
  readonly snapshotId: string;
  readonly treeId: string;
  readonly password: string;
}

/** Undefined: it ended already. @throws HoldfastError vault_quarantined when the point was locked away meanwhile. */
export async function beginDownload(
  services: Services,
  claim: Claim,
  downloadId: string,
): Promise<DownloadWork | undefined> {
  const { scope } = claim;
  return await withScope(services, scope, async (tx) => {
    await claim.guard(tx);
    const where = { tenantId_id: { tenantId: scope.tenantId, id: downloadId } };
    const download = await tx.download.findUnique({ where });
    if (download === null || (download.state !== 'queued' && download.state !== 'running')) return undefined;
    const { vault, snapshotId, treeId } = await pointToRead(tx, scope, download.restorePointId);
    const password = await openDrillPassword(services, tx, vault);
    await tx.download.update({ where, data: { state: 'running', bytesDone: 0n } });
    await noteRestoreStarted(services, tx, scope.tenantId, [downloadId]);
    return {
      id: downloadId,
      path: download.path,
      kind: download.kind === 'zip' ? 'zip' : 'file',
      objectKey: downloadKey(scope.tenantId, downloadId),
      vaultPrefix: vault.prefix,
      snapshotId,
      treeId,
      password,
    };
  });
}

export async function recordDownloadProgress(
  services: Services,
  claim: Claim,
  downloadId: string,
  bytesDone: number,
): Promise<void> {
  await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    await tx.download.updateMany({
      where: { tenantId: claim.scope.tenantId, id: downloadId, state: 'running' },
      data: { bytesDone: BigInt(bytesDone) },
    });
  });
}

/** `firstByteMs`: when the first byte of the files had come out of the backup; null: they have none. */
export async function finishDownload(
  services: Services,
  claim: Claim,
  work: DownloadWork,
  { size, firstByteMs }: { readonly size: number; readonly firstByteMs: number | null },
): Promise<void> {
  await withScope(services, claim.scope, async (tx) => {
    await claim.guard(tx);
    const { tenantId } = claim.scope;
    const ready = await tx.download.updateMany({
      where: { tenantId, id: work.id, state: 'running' },
      data: { state: 'ready', objectKey: work.objectKey, size: BigInt(size), bytesDone: BigInt(size) },
    });
    if (ready.count === 0) return;
    if (firstByteMs !== null) await noteFirstByte(tx, tenantId, work.id, firstByteMs);
    await endRestore(services, tx, claim.scope, work.id, { state: 'delivered', bytes: size });
  });
}
