/**
 * The devices of a provider as rows that can be filtered, sorted and counted: `f` of `WITH`. What changes as time passes, the
 * light above all, is derived here from the facts at the given instant; a property test compares it with core/domain.
 */
import { PROTECTION_STATES, type ProtectionState } from '../../core/domain/outcome.ts';
import type { OwnValues } from '../../core/domain/fleet-filter/own-fields.ts';
import { PROOF_LEVEL } from '../../core/domain/protection.ts';
import { SCHEDULE_TIMES } from '../../core/domain/schedule.ts';
import { sqlFragment, type SqlFragment } from '../db/sql-fragment.ts';
import type { Statement } from '../db/statements.ts';
import type { DeviceRow } from './device-facts.ts';

/** One row of `f`. */
export interface FleetFactsRow extends DeviceRow {
  os: string;
  agent_version: string;
  tags: string[];
  enrolled_at: Date;
  suspected_clone_at: Date | null;
  policy_id: string;
  policy_name: string;
  rpo_ms: number;
  drill_interval_ms: number;
  status: number;
  /** Null: nothing is noted. */
  note: string | null;
  own: OwnValues | null;
}

const rank = (state: ProtectionState): number => PROTECTION_STATES.indexOf(state);

/** `status` is the rank of the light in PROTECTION_STATES: the smaller, the more urgent. */
function statusOf(now: Date): SqlFragment {
  const span = sqlFragment`(${now}::timestamptz - x.usable_capture_at)`;
  return sqlFragment`CASE
    WHEN x.bad_objects > 0 OR x.newest_state = 'quarantined' THEN ${rank('damaged')}::int
    WHEN x.verdict = 'failed' OR x.run_state = 'failed' THEN ${rank('failed')}::int
    WHEN x.run_state = 'aborted' OR x.last_outcome = 'stuck' OR (x.run_state = 'running'
      AND ${now}::timestamptz - x.run_progress_at > ${SCHEDULE_TIMES.stuckAfterMs}::float8 * interval '1 millisecond') THEN ${rank('stuck')}::int
    WHEN x.last_outcome = 'missed' THEN ${rank('missed')}::int
    WHEN x.last_outcome = 'failed' THEN ${rank('failed')}::int
    WHEN ${span} > x.rpo OR (x.usable_capture_at IS NOT NULL AND x.open_window_end < ${now}::timestamptz) THEN ${rank('late')}::int
    WHEN NOT x.newest_is_usable THEN ${rank('partial')}::int
    WHEN x.usable_capture_at IS NULL THEN ${rank('unknown')}::int
    WHEN x.usable_level >= ${PROOF_LEVEL}::int THEN ${rank('proven')}::int
    WHEN x.usable_level >= 1 AND x.verdict = 'passed' AND (x.loss_at IS NULL OR x.verdict_at > x.loss_at) AND ${now}::timestamptz - x.verdict_at <= x.drill_interval + x.rpo THEN ${rank('proven')}::int
    ELSE ${rank('protected')}::int END`;
}

/**
 * `WITH …, f AS (…)`: to be followed by a query of `f`. Row-level security holds; the tenant is named for the planner, and the customer where
 * one is meant: a thousand others' policies need not be read for a page about one.
 */
export function withFleet(tenantId: string, now: Date, customerId: string | null = null): SqlFragment {
  const [ofCustomer, isCustomer, ofDevice] =
    customerId === null
      ? [sqlFragment``, sqlFragment``, sqlFragment``]
      : [
          sqlFragment` AND customer_id = ${customerId}::uuid`,
          sqlFragment` AND id = ${customerId}::uuid`,
          sqlFragment` AND s.customer_id = ${customerId}::uuid AND d.customer_id = ${customerId}::uuid`,
        ];
  return sqlFragment`WITH
    policies AS MATERIALIZED (SELECT id, name, (document ->> 'rpoMinutes')::int * interval '1 minute' AS rpo,
      (document -> 'drill' ->> 'everyHours')::int * interval '1 hour' AS drill_interval FROM policy WHERE tenant_id = ${tenantId}::uuid${ofCustomer}),
    customers AS MATERIALIZED (SELECT id, name, timezone FROM customer WHERE tenant_id = ${tenantId}::uuid${isCustomer}),
    x AS (SELECT s.source_id, s.custody, s.agent_order, s.newest_capture_at, s.newest_state, s.newest_outcome, s.newest_is_usable,
        s.newest_level, s.usable_capture_at, s.usable_outcome, s.usable_level, s.usable_bytes, s.usable_stored_bytes, s.run_id,
        s.run_state, s.run_outcome, s.run_started_at, s.run_finished_at, s.run_progress_at, s.last_outcome,
        -- What was the next expected backup when this was computed may be the last one by now.
        CASE WHEN s.next_due_at <= ${now}::timestamptz THEN s.next_window_end ELSE s.open_window_end END AS open_window_end,
        CASE WHEN s.next_due_at > ${now}::timestamptz THEN s.next_due_at END AS next_due_at, s.next_window_end,
        s.verdict, s.verdict_at, s.proof_at, s.loss_at, s.rto_ms, s.is_rto_estimated, s.bad_objects, s.open_alerts, s.alert_id, s.alert_title,
        s.is_checking, s.days, d.id, d.name, d.hostname, d.os, d.agent_version, d.tags, d.enrolled_at, d.suspected_clone_at, d.customer_id,
        c.name AS customer_name, c.timezone, d.policy_id, p.name AS policy_name, p.rpo, p.drill_interval, ds.last_seen_at,
        nullif(k.note, '') AS note, k.values AS own
      FROM device_summary s
      JOIN device d ON d.tenant_id = s.tenant_id AND d.id = s.device_id AND d.revoked_at IS NULL
      JOIN customers c ON c.id = d.customer_id
      JOIN policies p ON p.id = d.policy_id
      LEFT JOIN device_state ds ON ds.tenant_id = s.tenant_id AND ds.device_id = s.device_id
      LEFT JOIN device_card k ON k.tenant_id = s.tenant_id AND k.device_id = s.device_id
      WHERE s.tenant_id = ${tenantId}::uuid${ofDevice}),
    f AS (SELECT x.*, ${statusOf(now)} AS status FROM x)`;
}

/** The columns of FleetFactsRow, from `f`. */
export const fleetColumns = sqlFragment`f.source_id, f.custody, f.newest_capture_at, f.newest_state, f.newest_outcome, f.newest_is_usable,
  f.newest_level, f.usable_capture_at, f.usable_outcome, f.usable_level, f.usable_bytes, f.usable_stored_bytes, f.run_id,
  f.run_state, f.run_outcome, f.run_started_at, f.run_finished_at, f.run_progress_at, f.last_outcome, f.open_window_end,
  f.next_due_at, f.next_window_end, f.verdict, f.verdict_at, f.proof_at, f.loss_at, f.rto_ms, f.is_rto_estimated, f.bad_objects, f.open_alerts,
  f.alert_id, f.alert_title, f.is_checking, f.id, f.name, f.hostname, f.os, f.agent_version, f.tags, f.enrolled_at,
  f.suspected_clone_at, f.customer_id, f.customer_name, f.timezone, f.policy_id, f.policy_name, f.last_seen_at, f.status, f.note, f.own,
  extract(epoch FROM f.rpo)::float8 * 1000 AS rpo_ms, extract(epoch FROM f.drill_interval)::float8 * 1000 AS drill_interval_ms`;

/**
 * In front of a query of `f` in its transaction. The planner cannot know that the walls let a whole provider through, takes ten thousand
 * rows for a few, and would compare every device with every policy: seconds instead of tens of milliseconds.
 */
export const overManyRows: Statement = {
  name: 'over-many-rows',
  text: `SELECT set_config('enable_nestloop', 'off', true)`,
  values: [],
};
