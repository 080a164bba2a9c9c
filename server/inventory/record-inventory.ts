import type { Inventory } from '../../core/protocol/inventory.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

/** What a device says of its volumes and database servers takes the place of what it said before. Its time is ours, not the machine's. */
export async function recordInventory(
  services: Pick<Services, 'clock' | 'db'>,
  scope: DeviceScope,
  { volumes, databases }: Inventory,
): Promise<void> {
  requireDevice(scope);
  const { tenantId, customerId, deviceId } = scope;
  const json = (part: object | null): string | null => (part === null ? null : JSON.stringify(part));
  await withScope(
    services,
    scope,
    (tx) => tx.$executeRaw`
      INSERT INTO device_inventory (tenant_id, device_id, customer_id, volumes, databases, received_at)
      VALUES (${tenantId}::uuid, ${deviceId}::uuid, ${customerId}::uuid, ${json(volumes)}::jsonb, ${json(databases)}::jsonb,
        ${new Date(services.clock.nowMs())})
      ON CONFLICT (tenant_id, device_id) DO UPDATE
        SET volumes = excluded.volumes, databases = excluded.databases, received_at = excluded.received_at`,
  );
}
