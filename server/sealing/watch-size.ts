import { suspicionOf, SUSPICION_COMPARED_MS } from '../../core/domain/suspicion.ts';
import { openAlert, resolveAlert } from '../alerts/open-alert.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';
import type { SealWork } from './load-seal.ts';

/**
 * Opens an alert when the backup that is being sealed holds far less than those before it, and closes it when one does not.
 * The backup itself is kept as it is, and the earlier ones are not touched. Counted by the server from signed manifests,
 * for an agent that was taken over would not tell.
 */
export async function watchSize(services: Services, change: Change, { run, manifest }: SealWork): Promise<void> {
  const points = await change.tx.restorePoint.findMany({
    where: {
      tenantId: run.tenantId,
      sourceId: run.sourceId,
      state: 'sealed',
      sealedAt: { gte: new Date(services.clock.nowMs() - SUSPICION_COMPARED_MS) },
      runId: { not: run.id },
    },
    select: { files: true, bytes: true },
  });
  const former = points.map(({ files, bytes }) => ({ files: Number(files), bytes: Number(bytes) }));
  const suspicion = suspicionOf(manifest.selected, former);
  if (suspicion === undefined) {
    await resolveAlert(services, change, run, 'suspicious');
    return;
  }
  await change.audit('run.suspicious', { kind: 'backup_run', id: run.id }, { reason: suspicion });
  await openAlert(services, change, {
    tenantId: run.tenantId,
    customerId: run.customerId,
    deviceId: run.deviceId,
    kind: 'suspicious',
    title: 'A backup holds far less than before',
    message: `${suspicion} The backup is kept, and the earlier ones are untouched. Look whether a disk is missing on the machine or its files were deleted; if so, restore them from an earlier backup.`,
  });
}
