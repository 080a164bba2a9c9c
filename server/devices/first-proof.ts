/** How far a device's first backup is on its way to being proven, for those who wait for it. */
import { scopeForSystem } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

export interface FirstProof {
  readonly stage: 'waiting' | 'backing_up' | 'sealing' | 'verifying' | 'drilling' | 'proven' | 'failed';
  readonly deviceName: string | null;
  readonly snapshotId: string | null;
  readonly progress: {
    readonly done: number;
    readonly total: number;
    readonly unit: 'bytes' | 'files' | 'objects';
  } | null;
  readonly message: string | null;
}

/** Of the given device, or of the tenant's first one. */
export async function firstProof(services: Services, tenantId: string, deviceId?: string): Promise<FirstProof> {
  return await withScope(services, scopeForSystem(tenantId), async (tx) => {
    const device = await tx.device.findFirst({
      where: { tenantId, ...(deviceId === undefined ? {} : { id: deviceId }) },
      orderBy: { enrolledAt: 'asc' },
    });
    if (device === null) return { ...nothingYet, deviceName: null };
    const proven = await tx.restorePoint.findFirst({
      where: { tenantId, deviceId: device.id, isUsable: true, levelPassed: { gte: 3 } },
      orderBy: { captureAt: 'desc' },
    });
    if (proven !== null) {
      return { ...nothingYet, stage: 'proven' as const, deviceName: device.name, snapshotId: proven.snapshotId };
    }
    return { ...(await unproven(tx, tenantId, device.id)), deviceName: device.name };
  });
}

type Stage = Omit<FirstProof, 'deviceName'>;

const nothingYet: Stage = { stage: 'waiting', snapshotId: null, progress: null, message: null };

async function unproven(tx: Tx, tenantId: string, deviceId: string): Promise<Stage> {
  const run = await tx.backupRun.findFirst({ where: { tenantId, deviceId }, orderBy: { startedAt: 'desc' } });
  if (run === null) return nothingYet;
  if (run.state === 'failed' || run.state === 'aborted')
    return { ...nothingYet, stage: 'failed', message: run.errorMessage };
  if (run.state === 'running') return { ...nothingYet, stage: 'backing_up', progress: progressOf(run.progress) };
  if (run.state === 'committed') return { ...nothingYet, stage: 'sealing', snapshotId: run.snapshotId };
  return await checkStage(tx, tenantId, deviceId, run.snapshotId);
}

async function checkStage(tx: Tx, tenantId: string, deviceId: string, snapshotId: string | null): Promise<Stage> {
  const base = { ...nothingYet, snapshotId };
  const newest = { where: { tenantId, deviceId }, orderBy: { createdAt: 'desc' as const } };
  const drill = await tx.drill.findFirst(newest);
  if (drill !== null) {
    if (drill.state === 'failed' || drill.state === 'void')
      return { ...base, stage: 'failed', message: drill.errorMessage };
    return {
      ...base,
      stage: 'drilling',
      progress: { done: drill.filesDone, total: drill.filesPlanned, unit: 'files' },
    };
  }
  const verification = await tx.verification.findFirst(newest);
  if (verification?.state === 'failed' || verification?.state === 'void') {
    return { ...base, stage: 'failed', message: verification.errorMessage };
  }
  const { bytesDone = 0n, bytesTotal = 0n } = verification ?? {};
  return {
    ...base,
    stage: 'verifying',
    progress: { done: Number(bytesDone), total: Number(bytesTotal), unit: 'bytes' },
  };
}

function progressOf(json: unknown): FirstProof['progress'] {
  if (typeof json !== 'object' || json === null || !('bytesDone' in json) || !('bytesTotal' in json)) return null;
  const { bytesDone, bytesTotal } = json;
  if (typeof bytesDone !== 'number' || typeof bytesTotal !== 'number') return null;
  return { done: bytesDone, total: bytesTotal, unit: 'bytes' };
}
