import type { Scope } from '../access/scope.ts';
import type { Download } from '../db/generated/client.ts';
import type { Tx } from '../db/client.ts';

export interface DownloadLine {
  readonly id: string;
  readonly path: string;
  readonly kind: 'file' | 'zip';
  readonly fileName: string;
  readonly state: 'queued' | 'running' | 'ready' | 'failed' | 'expired';
  readonly size: number | null;
  readonly bytesDone: number;
  readonly errorMessage: string | null;
  readonly createdMs: number;
  readonly expiresMs: number;
}

/** What this person asked for from one restore point and can still be fetched, the newest first. */
export async function listDownloadLines(
  tx: Tx,
  scope: Scope,
  restorePointId: string,
  nowMs: number,
): Promise<DownloadLine[]> {
  const downloads = await tx.download.findMany({
    where: {
      tenantId: scope.tenantId,
      restorePointId,
      expiresAt: { gt: new Date(nowMs) },
      ...(scope.actor.id === null ? {} : { requestedBy: scope.actor.id }),
    },
    orderBy: { createdAt: 'desc' },
    take: 8,
  });
  return downloads.map((download) => toDownloadLine(download, nowMs));
}

function toDownloadLine(download: Download, nowMs: number): DownloadLine {
  const isOver = download.expiresAt.getTime() <= nowMs;
  return {
    id: download.id,
    path: download.path,
    kind: download.kind === 'zip' ? 'zip' : 'file',
    fileName: download.fileName,
    // The words are held by a CHECK constraint of the database.
    state: isOver ? 'expired' : (download.state as DownloadLine['state']),
    size: download.size === null ? null : Number(download.size),
    bytesDone: Number(download.bytesDone),
    errorMessage: download.errorMessage,
    createdMs: download.createdAt.getTime(),
    expiresMs: download.expiresAt.getTime(),
  };
}
