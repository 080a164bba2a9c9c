import type { Flag } from '../../core/domain/fleet-filter/fields.ts';
import type { FleetRecord } from '../../core/domain/fleet-filter/match-filter.ts';
import { protectionOf } from './device-facts.ts';
import type { FleetFactsRow } from './fleet-rows.ts';

/** A device as the filter language sees it, for who has its facts at hand and asks no database. */
export function toFleetRecord(row: FleetFactsRow, nowMs: number): FleetRecord {
  const { state } = protectionOf(row, { rpoMs: row.rpo_ms, drillIntervalMs: row.drill_interval_ms }, nowMs);
  const dataAtMs = row.usable_capture_at?.getTime() ?? null;
  const flags: readonly (readonly [Flag, boolean])[] = [
    ['busy', row.is_checking || row.run_state === 'running' || row.run_state === 'committed'],
    ['overdue', dataAtMs === null || nowMs - dataAtMs > row.rpo_ms],
    ['alerting', row.open_alerts > 0],
    ['clone', row.suspected_clone_at !== null],
  ];
  return {
    name: row.name,
    host: row.hostname,
    customer: row.customer_name,
    policy: row.policy_name,
    os: row.os,
    agent: row.agent_version,
    tags: row.tags,
    custody: row.custody,
    note: row.note,
    own: row.own ?? {},
    status: state,
    last: row.last_outcome,
    run: row.run_state,
    flags: flags.filter(([, is]) => is).map(([flag]) => flag),
    dataAtMs,
    proofAtMs: row.proof_at?.getTime() ?? null,
    ranAtMs: row.run_started_at?.getTime() ?? null,
    seenAtMs: row.last_seen_at?.getTime() ?? null,
    enrolledAtMs: row.enrolled_at.getTime(),
    nextAtMs: row.next_due_at?.getTime() ?? null,
    targetMs: row.rpo_ms,
    rtoMs: row.rto_ms === null ? null : Number(row.rto_ms),
    level: row.usable_level,
    sizeBytes: row.usable_bytes === null ? null : Number(row.usable_bytes),
    addedBytes: row.usable_stored_bytes === null ? null : Number(row.usable_stored_bytes),
    alerts: row.open_alerts,
    damage: row.bad_objects,
  };
}
