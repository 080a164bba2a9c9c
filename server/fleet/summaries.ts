/** The facts of many devices in three statements, whatever their number: what the fleet, a device and a customer's home show. */
import type {
  CheckState,
  OccurrenceOutcome,
  RestorePointState,
  RunOutcome,
  RunState,
} from '../../core/domain/outcome.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { type PointFacts, protectionState } from '../../core/domain/protection.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { buildHistory, type DayCount, HISTORY_DAYS } from './history.ts';
import type { DeviceSummary } from './view.ts';

/** One row of `selectFacts`. The words are held by CHECK constraints of the database, so they are typed as such. */
interface FactsRow {
  id: string;
  name: string;
  hostname: string;
  customer_id: string;
  customer_name: string;
  timezone: string;
  document: unknown;
  last_seen_at: Date | null;
  newest_capture_at: Date | null;
  newest_state: RestorePointState | null;
  newest_outcome: 'ok' | 'partial' | null;
  newest_is_usable: boolean | null;
  newest_level: number | null;
  usable_capture_at: Date | null;
  usable_outcome: 'ok' | 'partial' | null;
  usable_level: number | null;
  run_id: string | null;
  run_state: RunState | null;
  run_outcome: RunOutcome | null;
  run_started_at: Date | null;
  run_finished_at: Date | null;
  run_progress_at: Date | null;
  last_outcome: OccurrenceOutcome | null;
  open_window_end: Date | null;
  next_due_at: Date | null;
  verdict: Extract<CheckState, 'passed' | 'failed'> | null;
  verdict_at: Date | null;
  proof_at: Date | null;
  bad_objects: number;
  open_alerts: number;
  is_checking: boolean;
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
  const rows = await selectFacts(tx, scope.tenantId, customerId, deviceId, new Date(nowMs));
  const days = await selectDays(tx, scope.tenantId, customerId, deviceId, new Date(nowMs));
  const byDevice = new Map<string, DayCount[]>();
  for (const { device_id: id, ...count } of days) byDevice.set(id, [...(byDevice.get(id) ?? []), count]);
  return rows.map((row) => toSummary(row, byDevice.get(row.id) ?? [], nowMs));
}

function toSummary(row: FactsRow, days: readonly DayCount[], nowMs: number): DeviceSummary {
  const policy = policyDocument.parse(row.document);
  const rpoMs = policy.rpoMinutes * 60_000;
  const protection = protectionState({
    nowMs,
    rpoMs,
    badObjects: row.bad_objects,
    newestPoint: newestPoint(row),
    newestUsable: newestUsable(row),
    lastRun:
      row.run_state === null
        ? null
        : { state: row.run_state, outcome: row.run_outcome, lastProgressMs: row.run_progress_at!.getTime() },
    lastOutcome: row.last_outcome,
    openWindowEndMs: row.open_window_end?.getTime() ?? null,
    lastDrill: row.verdict === null ? null : { state: row.verdict, endedMs: row.verdict_at!.getTime() },
    drillIntervalMs: policy.drill.everyHours * 3_600_000,
  });
  return {
    id: row.id,
    name: row.name,
    hostname: row.hostname,
    customerId: row.customer_id,
    customerName: row.customer_name,
    timeZone: row.timezone,
    protection,
    rpoMs,
    dataAtMs: row.usable_capture_at?.getTime() ?? null,
    proofAtMs: row.proof_at?.getTime() ?? null,
    level: row.usable_level,
    lastRun:
      row.run_id === null
        ? null
        : {
            id: row.run_id,
            state: row.run_state!,
            outcome: row.run_outcome,
            startedMs: row.run_started_at!.getTime(),
            finishedMs: row.run_finished_at?.getTime() ?? null,
          },
    nextDueMs: row.next_due_at?.getTime() ?? null,
    lastSeenMs: row.last_seen_at?.getTime() ?? null,
    openAlerts: row.open_alerts,
    isBusy: row.is_checking || row.run_state === 'running' || row.run_state === 'committed',
    history: buildHistory(days, nowMs, row.timezone),
  };
}

function newestPoint(row: FactsRow): PointFacts | null {
  if (row.newest_capture_at === null) return null;
  return {
    captureMs: row.newest_capture_at.getTime(),
    state: row.newest_state!,
    outcome: row.newest_outcome!,
    isUsable: row.newest_is_usable!,
    levelPassed: row.newest_level,
  };
}

function newestUsable(row: FactsRow): PointFacts | null {
  if (row.usable_capture_at === null) return null;
  return {
    captureMs: row.usable_capture_at.getTime(),
    state: 'sealed',
    outcome: row.usable_outcome!,
    isUsable: true,
    levelPassed: row.usable_level,
  };
}

async function selectFacts(
  tx: Tx,
  tenantId: string,
  customerId: string | null,
  deviceId: string | null,
  now: Date,
): Promise<FactsRow[]> {
  return await tx.$queryRaw<FactsRow[]>`
    SELECT d.id, d.name, d.hostname, d.customer_id, c.name AS customer_name, c.timezone, p.document, ds.last_seen_at,
      np.capture_at AS newest_capture_at, np.state AS newest_state, np.outcome AS newest_outcome,
      np.is_usable AS newest_is_usable, np.level_passed AS newest_level,
      up.capture_at AS usable_capture_at, up.outcome AS usable_outcome, up.level_passed AS usable_level,
      r.id AS run_id, r.state AS run_state, r.outcome AS run_outcome, r.started_at AS run_started_at,
      r.finished_at AS run_finished_at, r.last_progress_at AS run_progress_at,
      l.outcome AS last_outcome, CASE WHEN o.outcome IS NULL THEN o.window_end END AS open_window_end,
      n.due_at AS next_due_at,
      v.state AS verdict, v.finished_at AS verdict_at, pr.finished_at AS proof_at,
      (SELECT count(*)::int FROM stored_object so JOIN vault va ON va.tenant_id = so.tenant_id AND va.id = so.vault_id
        WHERE va.tenant_id = d.tenant_id AND va.device_id = d.id AND so.sealed_at IS NOT NULL AND so.state IN ('damaged', 'missing')) AS bad_objects,
      (SELECT count(*)::int FROM alert a
        WHERE a.tenant_id = d.tenant_id AND a.device_id = d.id AND a.resolved_at IS NULL) AS open_alerts,
      (EXISTS (SELECT FROM verification x WHERE x.tenant_id = d.tenant_id AND x.device_id = d.id AND x.state IN ('queued', 'running'))
        OR EXISTS (SELECT FROM drill x WHERE x.tenant_id = d.tenant_id AND x.device_id = d.id AND x.state IN ('queued', 'running'))
        OR EXISTS (SELECT FROM agent_command x WHERE x.tenant_id = d.tenant_id AND x.device_id = d.id AND x.state IN ('pending', 'delivered'))
      ) AS is_checking
    FROM device d
    JOIN customer c ON c.tenant_id = d.tenant_id AND c.id = d.customer_id
    JOIN policy p ON p.tenant_id = d.tenant_id AND p.id = d.policy_id
    LEFT JOIN device_state ds ON ds.tenant_id = d.tenant_id AND ds.device_id = d.id
    LEFT JOIN LATERAL (SELECT s.id FROM source s WHERE s.tenant_id = d.tenant_id AND s.device_id = d.id
      ORDER BY s.created_at, s.id LIMIT 1) src ON true
    LEFT JOIN LATERAL (SELECT * FROM restore_point x WHERE x.tenant_id = d.tenant_id AND x.source_id = src.id
      AND x.state <> 'expired' ORDER BY x.capture_at DESC LIMIT 1) np ON true
    LEFT JOIN LATERAL (SELECT * FROM restore_point x WHERE x.tenant_id = d.tenant_id AND x.source_id = src.id
      AND x.state = 'sealed' AND x.is_usable ORDER BY x.capture_at DESC LIMIT 1) up ON true
    LEFT JOIN LATERAL (SELECT * FROM backup_run x WHERE x.tenant_id = d.tenant_id AND x.device_id = d.id
      ORDER BY x.started_at DESC LIMIT 1) r ON true
    LEFT JOIN LATERAL (SELECT * FROM expected_occurrence x WHERE x.tenant_id = d.tenant_id AND x.source_id = src.id
      AND x.due_at <= ${now} ORDER BY x.due_at DESC LIMIT 1) o ON true
    LEFT JOIN LATERAL (SELECT x.outcome FROM expected_occurrence x WHERE x.tenant_id = d.tenant_id AND x.source_id = src.id
      AND x.due_at <= ${now} AND x.outcome IS NOT NULL ORDER BY x.due_at DESC LIMIT 1) l ON true
    LEFT JOIN LATERAL (SELECT x.due_at FROM expected_occurrence x WHERE x.tenant_id = d.tenant_id AND x.source_id = src.id
      AND x.due_at > ${now} ORDER BY x.due_at LIMIT 1) n ON true
    LEFT JOIN LATERAL (SELECT x.state, x.finished_at FROM drill x WHERE x.tenant_id = d.tenant_id AND x.device_id = d.id
      AND x.state IN ('passed', 'failed') ORDER BY x.finished_at DESC LIMIT 1) v ON true
    LEFT JOIN LATERAL (SELECT x.finished_at FROM drill x WHERE x.tenant_id = d.tenant_id AND x.device_id = d.id
      AND x.state = 'passed' ORDER BY x.finished_at DESC LIMIT 1) pr ON true
    WHERE d.tenant_id = ${tenantId}::uuid AND d.revoked_at IS NULL
      AND (${customerId}::uuid IS NULL OR d.customer_id = ${customerId}::uuid)
      AND (${deviceId}::uuid IS NULL OR d.id = ${deviceId}::uuid)
    ORDER BY c.name, d.name`;
}

async function selectDays(
  tx: Tx,
  tenantId: string,
  customerId: string | null,
  deviceId: string | null,
  now: Date,
): Promise<(DayCount & { device_id: string })[]> {
  // One day more than is shown: the first day of the bar begins before now minus 28 days in most zones.
  const since = new Date(now.getTime() - (HISTORY_DAYS + 1) * 24 * 3600_000);
  return await tx.$queryRaw<(DayCount & { device_id: string })[]>`
    SELECT f.device_id, to_char(f.at AT TIME ZONE c.timezone, 'YYYY-MM-DD') AS day, f.kind, count(*)::int AS count
    FROM (
      SELECT device_id, customer_id, due_at AS at, outcome AS kind FROM expected_occurrence
        WHERE tenant_id = ${tenantId}::uuid AND outcome IS NOT NULL AND due_at BETWEEN ${since} AND ${now}
      UNION ALL
      SELECT device_id, customer_id, finished_at, 'drill_' || state FROM drill
        WHERE tenant_id = ${tenantId}::uuid AND state IN ('passed', 'failed') AND finished_at >= ${since}
      UNION ALL
      SELECT rp.device_id, rp.customer_id, rp.sealed_at, 'extra' FROM restore_point rp
        JOIN backup_run r ON r.tenant_id = rp.tenant_id AND r.id = rp.run_id
        WHERE rp.tenant_id = ${tenantId}::uuid AND r.occurrence_id IS NULL AND rp.is_usable AND rp.sealed_at >= ${since}
    ) f
    JOIN customer c ON c.tenant_id = ${tenantId}::uuid AND c.id = f.customer_id
    WHERE (${customerId}::uuid IS NULL OR f.customer_id = ${customerId}::uuid)
      AND (${deviceId}::uuid IS NULL OR f.device_id = ${deviceId}::uuid)
    GROUP BY 1, 2, 3`;
}
