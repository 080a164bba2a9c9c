import type { Tx } from '../db/client.ts';
import type { Scenario, ScenarioDevice } from './scenario.ts';

/** As long as rules are tried on the past (server/alerts/back-test). */
const DAYS = 35;

/** Each vault was compared with its ledger every day: without these rows a rule about upkeep would have called for all of them. */
export async function writeListings(
  tx: Tx,
  { tenantId, atMs }: Scenario,
  devices: readonly ScenarioDevice[],
): Promise<void> {
  const rows = devices.map(({ id, customerId, vaultId }) => ({ device: id, customer: customerId, vault: vaultId }));
  await tx.$executeRaw`
    INSERT INTO verification (tenant_id, id, customer_id, device_id, vault_id, purpose, level, state, objects_total, objects_done,
      started_at, finished_at, created_at)
    SELECT ${tenantId}::uuid, md5(p.vault::text || 'listing' || day)::uuid, p.customer, p.device, p.vault, 'rolling', 0, 'passed', 4, 4,
      t.at, t.at + interval '20 seconds', t.at
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS p(device uuid, customer uuid, vault uuid)
    CROSS JOIN generate_series(0, ${DAYS - 1}) AS day
    CROSS JOIN LATERAL (SELECT ${new Date(atMs - 3_600_000)}::timestamptz - day * interval '1 day' AS at) t
    JOIN device d ON d.tenant_id = ${tenantId}::uuid AND d.id = p.device AND d.enrolled_at < t.at`;
}
