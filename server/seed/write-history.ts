/**
 * The rows of many devices in one statement: what was expected, what became of it, restore points and drills. Chance is a hash of
 * device and time, and every id follows from device and number, so that the same seed writes the same rows, and nothing that was
 * written is ever looked up: a join of tables that grow while they are joined hangs on what the planner happens to know of them.
 */
import { spreadMs } from '../../core/domain/schedule.ts';
import type { Tx } from '../db/client.ts';
import { sqlFragment } from '../db/sql-fragment.ts';
import type { Scenario, ScenarioDevice } from './scenario.ts';
import { seededId } from './seeded-random.ts';
import { type AlertKind, KIND_WORDS } from '../../core/domain/alerts/kinds.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Expected backups are written so far ahead. */
const AHEAD_DAYS = 2;
/** What is older has expired. */
const KEPT_DAYS = 90;

/** What of a device the statement needs; a relation `p` by jsonb_to_recordset. */
const planned = (devices: readonly ScenarioDevice[], scenario: Scenario) => {
  const policies = new Map(scenario.customers.flatMap((one) => one.policies.map(({ id, document }) => [id, document])));
  return sqlFragment`jsonb_to_recordset(${JSON.stringify(
    devices.map((device) => ({
      device_id: device.id,
      source_id: device.sourceId,
      vault_id: device.vaultId,
      customer_id: device.customerId,
      every_s: device.everyMinutes * 60,
      window_s: device.windowMinutes * 60,
      // The first time at or after the beginning of the history, as core/domain/schedule.ts expects it.
      first_at: new Date(firstDueMs(device, scenario)).toISOString(),
      rpo_s: policies.get(device.policyId)!.rpoMinutes * 60,
      drill_every: Math.max(1, Math.round((device.drillEveryHours * 60) / device.everyMinutes)),
      level: device.drillLevel,
      bytes: device.bytes,
      flaws: device.flaws,
      excuse_id: device.excused === null ? null : excuseId(scenario.seed, device.id),
      excused_from: device.excused === null ? null : new Date(device.excused.fromMs).toISOString(),
      excused_to: device.excused === null ? null : new Date(device.excused.toMs).toISOString(),
      mishap: device.mishap?.kind ?? null,
      mishap_at: device.mishap === null ? null : new Date(device.mishap.sinceMs).toISOString(),
    })),
  )}::jsonb) AS p(device_id uuid, source_id uuid, vault_id uuid, customer_id uuid, every_s int, window_s int, rpo_s int,
    first_at timestamptz, drill_every int, level int, bytes bigint, flaws int, excuse_id uuid, excused_from timestamptz, excused_to timestamptz, mishap text,
    mishap_at timestamptz)`;
};

/** The first time of its schedule in the history, milliseconds since the epoch. */
export function firstDueMs(device: ScenarioDevice, { atMs, days }: Scenario): number {
  const fromMs = atMs - days * DAY_MS;
  const everyMs = device.everyMinutes * MINUTE_MS;
  const offsetMs = spreadMs(device.id, device.everyMinutes);
  return Math.ceil((fromMs - offsetMs) / everyMs) * everyMs + offsetMs;
}

export const userId = (seed: string, email: string): string => seededId(seed, 'user', email);

export const excuseId = (seed: string, deviceId: string): string => seededId(seed, 'excuse', deviceId);

/** A UUID of version 8 from a device, a word and a number. */
const idOf = (word: string) =>
  sqlFragment`overlay(overlay(md5(h.device_id::text || ${word}::text || h.k) placing '8' from 13) placing '8' from 17)::uuid`;

/** The name of a snapshot, 64 hexadecimal digits. */
const snapshotId = sqlFragment`md5(h.device_id::text || h.k) || md5(h.k || h.device_id::text)`;

/** Expected backups of devices until two days ahead (`h`, by device and number `k`), and what became of each. */
const fates = (plan: ReturnType<typeof planned>, atMs: number) => {
  const at = new Date(atMs);
  const ahead = new Date(atMs + AHEAD_DAYS * DAY_MS);
  // `drawn` is a number below ten thousand; `far` one that decides details.
  return sqlFragment`
    SELECT p.*, k.k, t.due_at, t.due_at + p.window_s * interval '1 second' AS window_end, CASE
      WHEN t.due_at > ${at}::timestamptz THEN NULL
      WHEN t.due_at BETWEEN p.excused_from AND p.excused_to THEN 'excused'
      WHEN p.mishap IN ('dead_link') AND t.due_at >= p.mishap_at THEN CASE WHEN t.due_at + p.window_s * interval '1 second' < ${at}::timestamptz THEN 'missed' END
      WHEN p.mishap = 'ransomware' AND t.due_at >= p.mishap_at + interval '24 hours' THEN CASE WHEN t.due_at + p.window_s * interval '1 second' < ${at}::timestamptz THEN 'missed' END
      WHEN p.mishap = 'quota' AND t.due_at >= p.mishap_at THEN 'failed'
      WHEN p.mishap = 'partial' AND t.due_at >= p.mishap_at THEN 'partial'
      WHEN p.mishap = 'stuck' AND t.due_at >= p.mishap_at THEN 'stuck'
      -- The last of a device that is well is well, whatever chance says.
      WHEN t.due_at + 2 * p.every_s * interval '1 second' > ${at}::timestamptz THEN 'ok'
      WHEN drawn.n < p.flaws THEN (ARRAY['late', 'late', 'late', 'missed', 'missed', 'failed', 'partial', 'stuck'])[1 + drawn.far % 8]
      ELSE 'ok' END AS outcome,
      (abs(hashtextextended(p.device_id::text, extract(epoch FROM t.due_at)::bigint + 7)) % 1000)::int AS far,
      -- After the beginning of its window.
      (abs(hashtextextended(p.device_id::text, extract(epoch FROM t.due_at)::bigint)) % 1500) + 60 AS began_s,
      t.due_at >= p.mishap_at AS is_after_mishap
    FROM ${plan}
    CROSS JOIN LATERAL generate_series(0, ceil(extract(epoch FROM ${ahead}::timestamptz - p.first_at) / p.every_s)::int) AS k(k)
    CROSS JOIN LATERAL (SELECT p.first_at + k.k * p.every_s * interval '1 second' AS due_at) t
    CROSS JOIN LATERAL (SELECT (abs(hashtextextended(p.device_id::text, k.k)) % 10000)::int AS n,
      (abs(hashtextextended(p.device_id::text, k.k + 1000000)) % 1000)::int AS far) drawn
    WHERE t.due_at < ${ahead}::timestamptz`;
};

/** What went wrong once and was well with the next backup has alerted: by which rule, in its words (`w`). */
const ALERT_OF_OUTCOME: Readonly<Record<string, AlertKind>> = {
  missed: 'missed',
  failed: 'run_failed',
  stuck: 'stuck',
  // Too little was read: the data grew older than its target.
  partial: 'no_point',
};
const alertWords = sqlFragment`jsonb_to_recordset(${JSON.stringify(
  Object.entries(ALERT_OF_OUTCOME).map(([outcome, kind]) => ({
    outcome,
    kind,
    severity: KIND_WORDS[kind].severity,
    title: KIND_WORDS[kind].name,
  })),
)}::jsonb) AS w(outcome text, kind text, severity text, title text)`;

/** What each fate is in words and times; of the devices' restore points every so many are tested, and the newest one in any case. */
const told = (plan: ReturnType<typeof planned>, atMs: number) => sqlFragment`
  SELECT h.*, n.*, began + interval '4 minutes' AS committed_at, began + interval '5 minutes' AS finished_at,
    is_sealed AND outcome <> 'partial' AS is_whole,
    bytes + bytes / 3000 * k AS selected_bytes,
    CASE outcome
      WHEN 'missed' THEN CASE WHEN mishap IN ('dead_link', 'ransomware') AND is_after_mishap THEN 'The machine was not heard from; no backup began before the window closed.' ELSE 'No backup began before the window closed.' END
      WHEN 'failed' THEN CASE WHEN mishap = 'quota' AND is_after_mishap THEN 'The storage that was booked is full; nothing more could be stored.' ELSE 'The connection broke and could not be made again in time.' END
      WHEN 'late' THEN 'The backup was complete after its window had closed.'
      WHEN 'partial' THEN 'Some files were open in other programs and could not be read.'
      WHEN 'stuck' THEN 'The backup began and then fell silent.'
      WHEN 'excused' THEN 'Approved maintenance: the machine was moved.' END AS reason,
    is_testable AND (k % drill_every = 0 OR k = max(k) FILTER (WHERE is_testable) OVER (PARTITION BY device_id)) AS is_tested,
    CASE WHEN mishap = 'drill' AND is_after_mishap THEN 'failed' ELSE 'passed' END AS drill_state,
    least(began + interval '30 minutes', ${new Date(atMs)}::timestamptz) AS tested_at,
    due_at >= ${new Date(atMs - KEPT_DAYS * DAY_MS)}::timestamptz AS is_kept,
    min(began + interval '5 minutes') FILTER (WHERE is_testable)
      OVER (PARTITION BY device_id ORDER BY k DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS mended_at
  FROM (
    SELECT *, due_at + (began_s + CASE outcome WHEN 'late' THEN window_s ELSE 0 END) * interval '1 second' AS began,
      outcome IN ('ok', 'late', 'partial', 'failed', 'stuck') IS TRUE AS has_run,
      outcome IN ('ok', 'late', 'partial') IS TRUE AS is_sealed,
      (outcome IN ('ok', 'late') AND NOT coalesce(mishap IN ('unproven', 'ransomware') AND is_after_mishap, false)) IS TRUE AS is_testable
    FROM (${fates(plan, atMs)}) fates) h
  -- What the machine saw of its files: encryption writes most of them anew, and what is new no longer compresses.
  CROSS JOIN LATERAL (SELECT bytes / 400000 AS files, (mishap = 'ransomware' AND is_after_mishap) IS TRUE AS is_encrypted) e
  CROSS JOIN LATERAL (SELECT files, CASE WHEN is_encrypted THEN bytes * 9 / 10 ELSE bytes / 2000 * (1 + far % 20) / 10 END AS stored_bytes,
    CASE WHEN is_encrypted THEN bytes * 9 / 10 ELSE bytes / 2000 * (1 + far % 20) / 10 * (18 + far % 5) / 10 END AS new_bytes,
    CASE WHEN is_encrypted THEN bytes * 9 / 10 ELSE bytes / 2000 * (1 + far % 20) / 10 * (4 + far % 3) END AS read_bytes,
    CASE WHEN is_encrypted THEN files * 4 / 5 ELSE files * (3 + far % 9) / 1000 END AS changed_files,
    CASE WHEN is_encrypted THEN files / 50 ELSE files * (far % 4) / 3000 END AS gone_files,
    CASE WHEN is_encrypted THEN 7.97 ELSE 4.7 + (far % 60) / 100.0 END AS entropy_bits) n`;

/** What a backup of a machine with a database has dumped. */
const DUMPS = [
  {
    ...{ path: '/postgres/main/practice.dump', size: 1_800_000_000, sha256: '0'.repeat(64), role: 'dump' },
    dump: { kind: 'postgres', label: 'main', database: 'practice', serverVersion: '17.5', clientVersion: '17.5' },
  },
];

/** Writes expected backups, runs, restore points and drills of the devices. */
export async function writeHistory(tx: Tx, scenario: Scenario, devices: readonly ScenarioDevice[]): Promise<void> {
  const { tenantId, atMs } = scenario;
  const technicianId = userId(scenario.seed, `tomas@${scenario.name}.example`);
  const own = sqlFragment`${tenantId}::uuid`;
  const place = sqlFragment`customer_id, device_id, source_id`;
  await tx.$executeRaw`
    WITH h AS MATERIALIZED (${told(planned(devices, scenario), atMs)}),
    expected AS (
      INSERT INTO expected_occurrence (tenant_id, id, ${place}, due_at, window_end, outcome, resolved_at, reason, run_id,
        excuse_id, unexcused_outcome)
      SELECT ${own}, ${idOf('occurrence')}, ${place}, due_at, window_end, outcome,
        CASE WHEN outcome IS NOT NULL THEN least(window_end + interval '5 minutes', ${new Date(atMs)}::timestamptz) END, reason,
        CASE WHEN has_run THEN ${idOf('run')} END,
        CASE outcome WHEN 'excused' THEN excuse_id END, CASE outcome WHEN 'excused' THEN 'missed' END
      FROM h),
    runs AS (
      INSERT INTO backup_run (tenant_id, id, ${place}, vault_id, occurrence_id, trigger, state, outcome, started_at,
        last_progress_at, committed_at, finished_at, snapshot_id, selected_files, selected_bytes, stored_bytes, unread_count,
        unread_bytes, error_code, error_message)
      SELECT ${own}, ${idOf('run')}, ${place}, vault_id, ${idOf('occurrence')}, 'schedule',
        CASE outcome WHEN 'failed' THEN 'failed' WHEN 'stuck' THEN 'aborted' ELSE 'sealed' END,
        CASE outcome WHEN 'failed' THEN 'failed' WHEN 'stuck' THEN 'failed' WHEN 'partial' THEN 'partial' ELSE 'ok' END,
        began, committed_at, CASE WHEN is_sealed THEN committed_at END, finished_at, CASE WHEN is_sealed THEN ${snapshotId} END,
        files, selected_bytes, stored_bytes, CASE outcome WHEN 'partial' THEN 40 + far ELSE 0 END,
        CASE outcome WHEN 'partial' THEN bytes / 40 ELSE 0 END,
        CASE outcome WHEN 'failed' THEN 'storage_unavailable' WHEN 'stuck' THEN 'cancelled' END,
        CASE WHEN outcome IN ('failed', 'stuck') THEN reason END
      FROM h WHERE has_run),
    points AS (
      INSERT INTO restore_point (tenant_id, id, ${place}, vault_id, run_id, snapshot_id, tree_id, capture_at, committed_at, sealed_at,
        state, outcome, is_usable, files, bytes, stored_bytes, added_bytes, former_files, changed_files, gone_files,
        file_read_bytes, file_new_bytes, file_stored_bytes, entropy_bits, pack_ids, witness, level_passed, verified_at, drilled_at, expired_at)
      SELECT ${own}, ${idOf('point')}, ${place}, vault_id, ${idOf('run')}, ${snapshotId}, ${snapshotId}, began, committed_at, finished_at,
        CASE WHEN is_kept THEN 'sealed' ELSE 'expired' END, CASE WHEN is_whole THEN 'ok' ELSE 'partial' END, is_whole AND is_kept,
        files, selected_bytes, stored_bytes, new_bytes + files * 20,
        CASE WHEN k > 0 THEN files END, CASE WHEN k > 0 THEN changed_files END, CASE WHEN k > 0 THEN gone_files END,
        read_bytes, new_bytes, stored_bytes, entropy_bits, '{}',
        CASE WHEN level >= 4 THEN ${JSON.stringify(DUMPS)}::jsonb ELSE '[]' END, CASE WHEN is_tested AND drill_state = 'passed' THEN level ELSE 1 END,
        finished_at + interval '10 minutes', CASE WHEN is_tested AND drill_state = 'passed' THEN tested_at END,
        CASE WHEN NOT is_kept THEN began + ${KEPT_DAYS} * interval '1 day' END
      FROM h WHERE is_sealed),
    alerts AS (
      INSERT INTO alert (tenant_id, id, customer_id, device_id, kind, severity, title, message, opened_at, resolved_at, resolution,
        acknowledged_at, acknowledged_by, owner_id)
      SELECT ${own}, ${idOf('alert')}, customer_id, device_id, a.kind, a.severity, a.title, h.reason, a.opened_at, mended_at, 'recovered',
        s.at, s.by, s.by
      FROM h CROSS JOIN LATERAL (
        SELECT w.kind, w.severity, w.title, CASE outcome WHEN 'failed' THEN finished_at
          WHEN 'partial' THEN due_at + (rpo_s - every_s) * interval '1 second' ELSE window_end + interval '5 minutes' END AS opened_at
        FROM ${alertWords} WHERE w.outcome = h.outcome) a
      -- Two of three are looked at while they stand.
      CROSS JOIN LATERAL (SELECT CASE WHEN far % 3 > 0 AND a.opened_at + (5 + far % 50) * interval '1 minute' < mended_at
        THEN a.opened_at + (5 + far % 50) * interval '1 minute' END AS at) seen
      CROSS JOIN LATERAL (SELECT seen.at, CASE WHEN seen.at IS NOT NULL THEN ${technicianId}::uuid END AS by) s
      WHERE a.opened_at < mended_at AND mended_at <= ${new Date(atMs)}::timestamptz AND NOT coalesce(is_after_mishap, false))
    INSERT INTO drill (tenant_id, id, ${place}, vault_id, restore_point_id, level, trigger, state, seed, files_planned, files_done,
      files_matched, bytes_planned, bytes_done, mismatches, timings, rto_estimated_ms, started_at, finished_at, created_at, newest_business_at, error_message)
    SELECT ${own}, ${idOf('drill')}, ${place}, vault_id, ${idOf('point')}, level, 'schedule', drill_state, md5(${idOf('point')}::text), 50, 50,
      CASE drill_state WHEN 'failed' THEN 49 ELSE 50 END, bytes / 4000, bytes / 4000,
      CASE drill_state WHEN 'failed' THEN '[{"path": "/srv/ledger.db", "expected": "", "actual": "", "problem": "missing"}]'::jsonb ELSE '[]' END,
      jsonb_build_object('queue', 900 + far, 'locate', 2000 + far * 3, 'provision', 300, 'firstByte', 150, 'transfer', 20000 + far * 40,
        'rebuild', 1500, 'checks', 4000),
      bytes / 90000, tested_at - interval '1 minute', tested_at, tested_at - interval '2 minutes',
      CASE WHEN level >= 4 THEN began - make_interval(secs => 40 + far * 4) END,
      CASE drill_state WHEN 'failed' THEN 'One file of the sample did not come back as it was.' END
    FROM h WHERE is_tested`;
}
