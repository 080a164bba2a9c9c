/** The facts of many devices in a few statements, whatever their number: what a device and a customer's home show. */
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { sqlFragment, type SqlFragment } from '../db/sql-fragment.ts';
import { barDaysOf, readBarDays } from './bar-days.ts';
import { deviceOf, type DeviceRow, factColumns, factSources } from './device-facts.ts';
import { fleetColumns, withFleet } from './fleet-rows.ts';
import { type BarDay, barDays, buildHistory, type DayCount } from './history.ts';
import type { DeviceSummary } from './view.ts';

export interface SummaryRow extends DeviceRow {
  rpo_ms: number;
  drill_interval_ms: number;
  /** bar-days.ts */
  days: string | null;
}

/**
 * Devices that are not revoked, of one customer or (customerId null) of all that the scope may see; one device with deviceId.
 * Row-level security decides what is visible; the ids are in the statement too, so that the planner uses the keys.
 */
export async function loadSummaries(
  tx: Tx,
  scope: Scope,
  nowMs: number,
  filter: { readonly customerId?: string | null; readonly deviceId?: string } = {},
): Promise<DeviceSummary[]> {
  const customerId = scope.customerId ?? filter.customerId ?? null;
  const deviceId = filter.deviceId ?? null;
  const now = new Date(nowMs);
  const rows = await selectFacts(tx, scope.tenantId, customerId, deviceId, now);
  return withHistory(rows, nowMs);
}

/**
 * The same of one customer, from the fleet list's own rows, which is a tenth of the work: for devices whose summaries are up to date.
 * Rows of SummaryRow, for `withHistory`.
 */
export function selectCustomerSummaries(tenantId: string, customerId: string, now: Date): SqlFragment {
  return sqlFragment`
    ${withFleet(tenantId, now, customerId)}
    SELECT ${fleetColumns}, f.days FROM f ORDER BY f.customer_name, f.name`;
}

export function withHistory(rows: readonly SummaryRow[], nowMs: number): DeviceSummary[] {
  const zones = new Map([...new Set(rows.map(({ timezone }) => timezone))].map((zone) => [zone, barDays(nowMs, zone)]));
  return rows.map((row) => toSummary(row, readBarDays(row.days), zones.get(row.timezone)!, nowMs));
}

function toSummary(
  row: SummaryRow,
  counts: readonly DayCount[],
  days: readonly BarDay[],
  nowMs: number,
): DeviceSummary {
  return {
    ...deviceOf(row, { rpoMs: row.rpo_ms, drillIntervalMs: row.drill_interval_ms }, nowMs),
    history: buildHistory(counts, days),
  };
}

async function selectFacts(
  tx: Tx,
  tenantId: string,
  customerId: string | null,
  deviceId: string | null,
  now: Date,
): Promise<SummaryRow[]> {
  return await tx.$queryRaw<SummaryRow[]>`
    SELECT d.id, d.name, d.hostname, d.customer_id, c.name AS customer_name, c.timezone, ds.last_seen_at,
      (p.document ->> 'rpoMinutes')::float8 * 60000 AS rpo_ms, (p.document -> 'drill' ->> 'everyHours')::float8 * 3600000 AS drill_interval_ms,
      ${factColumns}, ${barDaysOf(now)} AS days
    FROM device d
    JOIN customer c ON c.tenant_id = d.tenant_id AND c.id = d.customer_id
    JOIN policy p ON p.tenant_id = d.tenant_id AND p.id = d.policy_id
    LEFT JOIN device_state ds ON ds.tenant_id = d.tenant_id AND ds.device_id = d.id
    ${factSources(now)}
    WHERE d.tenant_id = ${tenantId}::uuid AND d.revoked_at IS NULL
      AND (${customerId}::uuid IS NULL OR d.customer_id = ${customerId}::uuid)
      AND (${deviceId}::uuid IS NULL OR d.id = ${deviceId}::uuid)
    ORDER BY c.name, d.name`;
}
