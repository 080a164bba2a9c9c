/**
 * Two machines with one identity (fault F7): both are paused until no heartbeat has gone backwards for a day. A disk that was
 * set back has caught up with its numbers by then, and of two machines one was enrolled anew or is off.
 */
import type { DeviceScope } from '../access/scope.ts';
import { resolveAlert } from '../alerts/open-alert.ts';
import { appendAudit } from '../audit/append-audit.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';

const QUIET_MS = 24 * 3600_000;

/** `suspectedAt`: when a heartbeat last went backwards. */
export function isPausedAsClone(suspectedAt: Date | null, nowMs: number): boolean {
  return suspectedAt !== null && nowMs - suspectedAt.getTime() < QUIET_MS;
}

/** The quiet day is over: the alert closes, and backups go on. */
export async function endClonePause(services: Services, tx: Tx, scope: DeviceScope): Promise<void> {
  const { tenantId, deviceId } = scope;
  await tx.device.updateMany({ where: { tenantId, id: deviceId }, data: { suspectedCloneAt: null } });
  const audit: Change['audit'] = async (...event) => await appendAudit(tx, scope, ...event);
  await resolveAlert(services, { tx, audit }, { tenantId, deviceId }, 'clone');
  await appendAudit(tx, scope, 'device.clone_cleared', { kind: 'device', id: deviceId }, {});
}
