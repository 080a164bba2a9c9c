import type { SnapshotsResponse } from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

/** The device's own restore points, newest first. */
export async function listDeviceSnapshots(services: Services, scope: DeviceScope): Promise<SnapshotsResponse> {
  requireDevice(scope);
  const points = await withScope(services, scope, (tx) =>
    tx.restorePoint.findMany({
      where: { tenantId: scope.tenantId, deviceId: scope.deviceId },
      orderBy: { captureAt: 'desc' },
      take: 1000,
    }),
  );
  return {
    snapshots: points.map((point) => ({
      snapshotId: point.snapshotId,
      captureMs: point.captureAt.getTime(),
      sealedMs: point.sealedAt.getTime(),
      state: point.state as 'sealed' | 'quarantined' | 'expired', // bound to these words by a CHECK
      files: Number(point.files),
      bytes: Number(point.bytes),
      levelVerified: point.levelPassed,
    })),
  };
}
