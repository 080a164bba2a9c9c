import type { QuotaPast } from '../../../core/domain/alerts/back-test-quota.ts';
import type { Tx } from '../../db/client.ts';
import { type ChosenDevice, subjectOf } from './choose-devices.ts';
import type { PolicyFacts } from '../load-device-facts.ts';
import type { NamedSubject } from './summarise.ts';

/** Quotas of one test; each of them sorts four weeks of slopes for each hour that stored something. */
const QUOTAS_MAX = 500;

interface QuotaRow {
  readonly id: string;
  readonly customerId: string;
  readonly name: string;
  readonly quotaBytes: number;
}

/**
 * Every customer and vault with a quota, and what was stored for it by the hour. A vault's subject is its device.
 * @returns the pasts of some of them, with the number of all.
 */
export async function loadQuotaPasts(
  tx: Tx,
  tenantId: string,
  devices: readonly ChosenDevice[],
  policies: ReadonlyMap<string, PolicyFacts>,
): Promise<{ pasts: QuotaPast[]; names: Map<string, NamedSubject>; total: number }> {
  const customers = await tx.$queryRaw<QuotaRow[]>`
    SELECT id, id AS "customerId", name, quota_bytes::float8 AS "quotaBytes" FROM customer
    WHERE tenant_id = ${tenantId}::uuid AND quota_bytes IS NOT NULL ORDER BY md5(id::text)`;
  const vaults = await tx.$queryRaw<{ deviceId: string; vaultId: string; quotaBytes: number }[]>`
    SELECT device_id AS "deviceId", id AS "vaultId", quota_bytes::float8 AS "quotaBytes" FROM vault
    WHERE tenant_id = ${tenantId}::uuid AND quota_bytes IS NOT NULL ORDER BY md5(id::text)`;
  const known = new Map(devices.map((device) => [device.id, device]));
  const names = new Map<string, NamedSubject>();
  const ofCustomers = customers.map((one) => ({
    vaultId: null,
    past: { subjectId: one.id, customerId: one.customerId, policyId: null, deviceClass: null, device: null },
    quotaBytes: one.quotaBytes,
    named: { name: one.name, customerId: one.customerId, customerName: null },
  }));
  const ofVaults = vaults.flatMap(({ deviceId, vaultId, quotaBytes }) => {
    const device = known.get(deviceId);
    const policy = device === undefined ? undefined : policies.get(device.policyId);
    if (device === undefined || policy === undefined) return [];
    return {
      vaultId,
      past: { subjectId: deviceId, ...subjectOf(device, policy) },
      quotaBytes,
      named: { name: device.name, customerId: device.customerId, customerName: device.customerName },
    };
  });
  const all = [...ofCustomers, ...ofVaults];
  const pasts: QuotaPast[] = [];
  for (const { vaultId, past, quotaBytes, named } of all.slice(0, QUOTAS_MAX)) {
    names.set(past.subjectId, named);
    pasts.push({ ...past, quotaBytes, hours: await selectHours(tx, tenantId, past.customerId, vaultId) });
  }
  return { pasts, names, total: all.length };
}

/** As server/alerts/watch-quota.ts sums days: the bytes of a repaired object count once. */
async function selectHours(
  tx: Tx,
  tenantId: string,
  customerId: string,
  vaultId: string | null,
): Promise<{ atMs: number; bytes: number }[]> {
  return await tx.$queryRaw<{ atMs: number; bytes: number }[]>`
    SELECT (floor(extract(epoch FROM sealed_at) / 3600) + 1)::float8 * 3600000 AS "atMs", sum(stored_bytes)::float8 AS bytes
    FROM restore_point
    WHERE tenant_id = ${tenantId}::uuid AND customer_id = ${customerId}::uuid AND (${vaultId}::uuid IS NULL OR vault_id = ${vaultId}::uuid)
    GROUP BY 1 ORDER BY 1`;
}
