/** Alerts: something that needs a person. One open alert a device and kind, however often the cause is seen. */
import { newId } from '../../core/base/ids.ts';
import type { Change } from '../changes/apply-change.ts';
import type { Services } from '../services.ts';

export type AlertKind = 'damage' | 'run_failed' | 'missed' | 'drill_failed' | 'silent';

export interface NewAlert {
  readonly tenantId: string;
  readonly customerId: string;
  readonly deviceId: string;
  readonly kind: AlertKind;
  /** A few words. */
  readonly title: string;
  /** What happened, what it means for the data, what to do. */
  readonly message: string;
}

/** @returns false when such an alert is open already; it keeps its beginning and its text. */
export async function openAlert(services: Pick<Services, 'clock'>, change: Change, alert: NewAlert): Promise<boolean> {
  const id = newId(services.clock);
  const { tenantId, customerId, deviceId, kind, title, message } = alert;
  const openedAt = new Date(services.clock.nowMs());
  const rows = await change.tx.$executeRaw`
    INSERT INTO alert (tenant_id, id, customer_id, device_id, kind, title, message, opened_at)
    VALUES (${tenantId}::uuid, ${id}::uuid, ${customerId}::uuid, ${deviceId}::uuid, ${kind}, ${title}, ${message}, ${openedAt})
    ON CONFLICT (tenant_id, customer_id, device_id, kind) WHERE resolved_at IS NULL DO NOTHING`;
  if (rows === 0) return false;
  await change.audit('alert.opened', { kind: 'alert', id }, { alert: kind, deviceId });
  return true;
}

/** Closes the open alert of this kind, if there is one. */
export async function resolveAlert(
  services: Pick<Services, 'clock'>,
  change: Change,
  device: { readonly tenantId: string; readonly deviceId: string },
  kind: AlertKind,
): Promise<boolean> {
  const where = { tenantId: device.tenantId, deviceId: device.deviceId, kind, resolvedAt: null };
  const open = await change.tx.alert.findFirst({ where, select: { id: true } });
  if (open === null) return false;
  await change.tx.alert.updateMany({ where, data: { resolvedAt: new Date(services.clock.nowMs()) } });
  await change.audit('alert.resolved', { kind: 'alert', id: open.id }, { alert: kind, deviceId: device.deviceId });
  return true;
}
