import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import type { AlertView } from './view.ts';

/** Open alerts, the newest first. */
export async function listOpenAlerts(
  tx: Tx,
  scope: Scope,
  filter: { readonly deviceId?: string; readonly customerId?: string },
): Promise<AlertView[]> {
  const alerts = await tx.alert.findMany({
    where: { tenantId: scope.tenantId, resolvedAt: null, ...filter },
    orderBy: { openedAt: 'desc' },
    take: 20,
  });
  return alerts.map((alert) => ({
    id: alert.id,
    deviceId: alert.deviceId,
    kind: alert.kind,
    title: alert.title,
    message: alert.message,
    openedMs: alert.openedAt.getTime(),
  }));
}
