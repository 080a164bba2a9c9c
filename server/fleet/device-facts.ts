/**
 * What is known of devices, in SQL: the one computation, from the rows themselves, behind a device's page, a customer's
 * home and the fleet list. The list reads it from device_summary, where refresh-summaries.ts has put it.
 */
import { RTO_PARTS } from '../../core/domain/rto-parts.ts';
import type {
  CheckState,
  OccurrenceOutcome,
  RestorePointState,
  RunOutcome,
  RunState,
} from '../../core/domain/outcome.ts';
import { type PointFacts, type Protection, protectionState } from '../../core/domain/protection.ts';
import { sqlFragment, type SqlFragment } from '../db/sql-fragment.ts';
import { answersFailure, failedLevels } from '../drills/load-coverage.ts';
import type { DeviceSummary } from './view.ts';

/** The words are held by CHECK constraints of the database, so they are typed as such. */
export interface FactsRow {
  source_id: string | null;
  custody: 'escrowed' | 'customer_held' | null;
  newest_capture_at: Date | null;
  newest_state: RestorePointState | null;
  newest_outcome: 'ok' | 'partial' | null;
  newest_is_usable: boolean | null;
  newest_level: number | null;
  usable_capture_at: Date | null;
  usable_outcome: 'ok' | 'partial' | null;
  usable_level: number | null;
  usable_bytes: bigint | null;
  usable_stored_bytes: bigint | null;
  run_id: string | null;
  run_state: RunState | null;
  run_outcome: RunOutcome | null;
  run_started_at: Date | null;
  run_finished_at: Date | null;
  run_progress_at: Date | null;
  last_outcome: OccurrenceOutcome | null;
  open_window_end: Date | null;
  next_due_at: Date | null;
  next_window_end: Date | null;
  verdict: Extract<CheckState, 'passed' | 'failed'> | null;
  verdict_at: Date | null;
  proof_at: Date | null;
  loss_at: Date | null;
  rto_ms: bigint | null;
  is_rto_estimated: boolean;
  bad_objects: number;
  open_alerts: number;
  alert_id: string | null;
  alert_title: string | null;
  is_checking: boolean;
}

/** The facts beside what names the device, wherever they were read. */
export interface DeviceRow extends FactsRow {
  id: string;
  name: string;
  hostname: string;
  customer_id: string;
  customer_name: string;
  timezone: string;
  last_seen_at: Date | null;
}

/** The columns of device_summary that hold FactsRow, in its order; `agent_order` is for comparing versions. */
export const factNames = sqlFragment`source_id, custody, agent_order, newest_capture_at, newest_state, newest_outcome, newest_is_usable,
  newest_level, usable_capture_at, usable_outcome, usable_level, usable_bytes, usable_stored_bytes, run_id, run_state, run_outcome,
  run_started_at, run_finished_at, run_progress_at, last_outcome, open_window_end, next_due_at, next_window_end, verdict, verdict_at,
  proof_at, loss_at, rto_ms, is_rto_estimated, bad_objects, open_alerts, alert_id, alert_title, is_checking`;

/** The same from `factSources`, with these names. */
export const factColumns = sqlFragment`src.id AS source_id, va.custody,
  string_to_array(regexp_replace(coalesce(substring(d.agent_version FROM '^[0-9]{1,9}(?:[.][0-9]{1,9})*'), '0'), '([.]0+)+$', ''), '.')::int[] AS agent_order,
  np.capture_at AS newest_capture_at, np.state AS newest_state, np.outcome AS newest_outcome, np.is_usable AS newest_is_usable,
  np.level_passed AS newest_level,
  up.capture_at AS usable_capture_at, up.outcome AS usable_outcome, up.level_passed AS usable_level, up.bytes AS usable_bytes,
  up.stored_bytes AS usable_stored_bytes,
  r.id AS run_id, r.state AS run_state, r.outcome AS run_outcome, r.started_at AS run_started_at,
  r.finished_at AS run_finished_at, r.last_progress_at AS run_progress_at,
  l.outcome AS last_outcome, CASE WHEN o.outcome IS NULL THEN o.window_end END AS open_window_end,
  n.due_at AS next_due_at, n.window_end AS next_window_end,
  coalesce(vf.state, vp.state) AS verdict, coalesce(vf.finished_at, vp.finished_at) AS verdict_at,
  pr.finished_at AS proof_at,
  (SELECT max(da.found_at) FROM damage da WHERE da.tenant_id = d.tenant_id AND da.device_id = d.id
    AND da.accepted_at IS NOT NULL) AS loss_at,
  coalesce(pr.rto_estimated_ms, (SELECT round(sum(part.value::numeric))::bigint FROM jsonb_each_text(pr.timings) AS part(key, value)
    WHERE part.key = ANY (${[...RTO_PARTS]}::text[]))) AS rto_ms,
  coalesce(pr.rto_estimated_ms IS NOT NULL, false) AS is_rto_estimated,
  (SELECT count(*)::int FROM stored_object so WHERE so.tenant_id = d.tenant_id AND so.vault_id = va.id
    AND so.sealed_at IS NOT NULL AND so.state IN ('damaged', 'missing')) AS bad_objects,
  (SELECT count(*)::int FROM alert a WHERE a.tenant_id = d.tenant_id AND a.customer_id = d.customer_id AND a.device_id = d.id
    AND a.resolved_at IS NULL) AS open_alerts,
  al.id AS alert_id, al.title AS alert_title,
  (EXISTS (SELECT FROM verification x WHERE x.tenant_id = d.tenant_id AND x.device_id = d.id AND x.state IN ('queued', 'running'))
    OR EXISTS (SELECT FROM drill x WHERE x.tenant_id = d.tenant_id AND x.device_id = d.id AND x.state IN ('queued', 'running'))
    OR EXISTS (SELECT FROM agent_command x WHERE x.tenant_id = d.tenant_id AND x.device_id = d.id AND x.state IN ('pending', 'delivered'))
  ) AS is_checking`;

/** Follows `FROM device d`. Facts of points and occurrences are those of the device's first source. */
export function factSources(now: Date): SqlFragment {
  return sqlFragment`
    LEFT JOIN vault va ON va.tenant_id = d.tenant_id AND va.device_id = d.id
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
    LEFT JOIN LATERAL (SELECT x.due_at, x.window_end FROM expected_occurrence x WHERE x.tenant_id = d.tenant_id
      AND x.source_id = src.id AND x.due_at > ${now} ORDER BY x.due_at LIMIT 1) n ON true
    -- A failure stands until a drill of its depth has passed after it (unansweredFailures in core/domain/drill-plans.ts).
    LEFT JOIN LATERAL (SELECT x.state, x.finished_at FROM drill x CROSS JOIN LATERAL ${failedLevels} k
      WHERE x.tenant_id = d.tenant_id AND x.device_id = d.id AND x.runner <> 'kit' AND x.state = 'failed'
      AND NOT EXISTS (SELECT FROM drill y WHERE ${answersFailure})
      ORDER BY x.finished_at DESC LIMIT 1) vf ON true
    LEFT JOIN LATERAL (SELECT x.state, x.finished_at FROM drill x WHERE x.tenant_id = d.tenant_id AND x.device_id = d.id
      AND x.runner <> 'kit' AND x.state = 'passed' ORDER BY x.finished_at DESC LIMIT 1) vp ON true
    LEFT JOIN LATERAL (SELECT x.finished_at, x.rto_estimated_ms, x.timings FROM drill x WHERE x.tenant_id = d.tenant_id
      AND x.device_id = d.id AND x.state = 'passed' ORDER BY x.finished_at DESC LIMIT 1) pr ON true
    LEFT JOIN LATERAL (SELECT a.id, a.title FROM alert a WHERE a.tenant_id = d.tenant_id AND a.customer_id = d.customer_id
      AND a.device_id = d.id AND a.resolved_at IS NULL ORDER BY a.opened_at, a.id LIMIT 1) al ON true`;
}

interface Targets {
  readonly rpoMs: number;
  readonly drillIntervalMs: number;
}

/** A device as every screen shows it, at an instant. */
export function deviceOf(row: DeviceRow, targets: Targets, nowMs: number): Omit<DeviceSummary, 'history'> {
  return {
    id: row.id,
    name: row.name,
    hostname: row.hostname,
    customerId: row.customer_id,
    customerName: row.customer_name,
    timeZone: row.timezone,
    protection: protectionOf(row, targets, nowMs),
    rpoMs: targets.rpoMs,
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
  };
}

/** The light, from facts and the policy's targets. */
export function protectionOf(row: FactsRow, targets: Targets, nowMs: number): Protection {
  return protectionState({
    nowMs,
    rpoMs: targets.rpoMs,
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
    lossMs: row.loss_at?.getTime() ?? null,
    drillIntervalMs: targets.drillIntervalMs,
  });
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
