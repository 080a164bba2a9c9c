/**
 * What rules look at of a device, as far as it follows from the device's own rows. It is kept in device_watch, computed as a whole
 * for devices that a trigger has marked (server/fleet/refresh-summaries.ts): every rule can then look at every device each half
 * minute, and no year of rows is read for one that did not change. What changes without a mark is read at the look: when a
 * machine called, when its vault was listed, its policy, and the time.
 */
import { type EndedRun, OUTCOMES_READ, type OverduePoints } from '../../core/domain/alerts/device-facts.ts';
import { type MarkedSource, marksOf } from '../../core/domain/alerts/watch-marks.ts';
import type { OccurrenceOutcome } from '../../core/domain/outcome.ts';
import type { Tx } from '../db/client.ts';
import { reachedLevel } from '../drills/load-coverage.ts';
import { selectOverdue } from './overdue-points.ts';

export interface WatchedSource extends MarkedSource {
  readonly sourceId: string;
}

export interface WatchedFacts {
  readonly name: string;
  readonly host: string;
  readonly policyId: string;
  readonly os: string;
  /** What people said; null: it is guessed at the look, for the policy has a say in it. */
  readonly class: string | null;
  readonly agent: string;
  readonly tags: readonly string[];
  readonly custody: string | null;
  readonly enrolledMs: number;
  readonly sources: readonly WatchedSource[];
}

export interface WatchedDevice {
  readonly deviceId: string;
  readonly customerId: string;
  readonly vaultId: string | null;
  readonly facts: WatchedFacts;
}

/** Writes what the rows of these devices say over what was there. */
export async function writeWatchedFacts(tx: Tx, tenantId: string, ids: readonly string[], now: Date): Promise<void> {
  const devices = await selectWatchedFacts(tx, tenantId, ids, now);
  const rows = devices.map((device) => watchRow(tenantId, device));
  await tx.$executeRaw`
    INSERT INTO device_watch SELECT * FROM jsonb_populate_recordset(NULL::device_watch, ${JSON.stringify(rows)}::jsonb)
    ON CONFLICT (tenant_id, device_id) DO UPDATE SET policy_id = excluded.policy_id, vault_id = excluded.vault_id,
      enrolled_at = excluded.enrolled_at, point_at = excluded.point_at, sealed_at = excluded.sealed_at,
      tested_3_at = excluded.tested_3_at, tested_4_at = excluded.tested_4_at, tested_5_at = excluded.tested_5_at,
      is_troubled = excluded.is_troubled, overdue_at = excluded.overdue_at, facts = excluded.facts
    -- All else follows from these two, and most marks are of what no rule looks at.
    WHERE (device_watch.vault_id, device_watch.facts) IS DISTINCT FROM (excluded.vault_id, excluded.facts)`;
  if (devices.length === ids.length) return;
  const there = new Set(devices.map(({ deviceId }) => deviceId));
  const gone = ids.filter((id) => !there.has(id));
  await tx.$executeRaw`DELETE FROM device_watch WHERE tenant_id = ${tenantId}::uuid AND device_id = ANY (${gone}::uuid[])`;
}

/** A row of device_watch, by the names of its columns. */
export function watchRow(
  tenantId: string,
  { deviceId, customerId, vaultId, facts }: WatchedDevice,
): Readonly<Record<string, unknown>> {
  const { pointMs, sealedMs, testedMs, isTroubled, overdueMs } = marksOf(facts.enrolledMs, facts.sources);
  const iso = (atMs: number | null | undefined): string | null => (atMs == null ? null : new Date(atMs).toISOString());
  return {
    tenant_id: tenantId,
    device_id: deviceId,
    customer_id: customerId,
    policy_id: facts.policyId,
    vault_id: vaultId,
    enrolled_at: iso(facts.enrolledMs),
    point_at: iso(pointMs),
    sealed_at: iso(sealedMs),
    tested_3_at: iso(testedMs[0]),
    tested_4_at: iso(testedMs[1]),
    tested_5_at: iso(testedMs[2]),
    is_troubled: isTroubled,
    overdue_at: iso(overdueMs),
    facts,
  };
}

/** From the rows themselves, of those devices that are not revoked. */
export async function selectWatchedFacts(
  tx: Tx,
  tenantId: string,
  ids: readonly string[],
  now: Date,
): Promise<WatchedDevice[]> {
  const rows = await selectRows(tx, tenantId, ids, now);
  const overdue = await selectOverdue(tx, tenantId, ids, now.getTime());
  return [...Map.groupBy(rows, ({ device_id: id }) => id).values()].map((sources) => {
    const row = sources[0]!;
    return {
      deviceId: row.device_id,
      customerId: row.customer_id,
      vaultId: row.vault_id,
      facts: {
        name: row.name,
        host: row.hostname,
        policyId: row.policy_id,
        os: row.os,
        class: row.class,
        agent: row.agent_version,
        tags: row.tags,
        custody: row.custody,
        enrolledMs: row.enrolled_at.getTime(),
        sources: sources
          .filter(({ source_id: id }) => id !== null)
          .map((source) => toSource(source, overdue.get(source.source_id))),
      },
    };
  });
}

interface Row {
  device_id: string;
  name: string;
  customer_id: string;
  policy_id: string;
  os: string;
  class: string | null;
  hostname: string;
  agent_version: string;
  tags: string[];
  vault_id: string | null;
  custody: string | null;
  enrolled_at: Date;
  source_id: string;
  added_at: Date;
  usable_at: Date | null;
  first_sealed_at: Date | null;
  outcomes: string[];
  run_state: EndedRun['state'] | null;
  run_outcome: EndedRun['outcome'];
  run_code: string | null;
  run_message: string | null;
  passed_3: Date | null;
  passed_4: Date | null;
  passed_5: Date | null;
}

function toSource(row: Row, overdue: OverduePoints | undefined): WatchedSource {
  return {
    sourceId: row.source_id,
    addedMs: row.added_at.getTime(),
    usableMs: row.usable_at?.getTime() ?? null,
    firstSealedMs: row.first_sealed_at?.getTime() ?? null,
    // The words are held by CHECK constraints of the database.
    outcomes: row.outcomes as OccurrenceOutcome[],
    lastRun:
      row.run_state === null
        ? null
        : {
            state: row.run_state,
            outcome: row.run_outcome,
            errorCode: row.run_code,
            errorMessage: row.run_message,
          },
    passedMs: [row.passed_3?.getTime() ?? null, row.passed_4?.getTime() ?? null, row.passed_5?.getTime() ?? null],
    // Left out where there is none, as in the rows of before this was looked at.
    ...(overdue === undefined ? {} : { overdue }),
  };
}

async function selectRows(tx: Tx, tenantId: string, ids: readonly string[], now: Date): Promise<Row[]> {
  return await tx.$queryRaw<Row[]>`
    SELECT d.id AS device_id, d.name, d.customer_id, d.policy_id, d.os, d.class, d.hostname, d.agent_version,
      d.tags, v.id AS vault_id, v.custody, d.enrolled_at,
      s.id AS source_id, s.created_at AS added_at, up.capture_at AS usable_at, fp.sealed_at AS first_sealed_at,
      -- What was decided was due: the instant is for the index.
      ARRAY(SELECT x.outcome FROM expected_occurrence x WHERE x.tenant_id = s.tenant_id AND x.source_id = s.id
        AND x.due_at <= ${now} AND x.outcome IS NOT NULL ORDER BY x.due_at DESC LIMIT ${OUTCOMES_READ}) AS outcomes,
      r.state AS run_state, r.outcome AS run_outcome, r.error_code AS run_code, r.error_message AS run_message,
      p3.at AS passed_3, p4.at AS passed_4, p5.at AS passed_5
    FROM device d
    LEFT JOIN vault v ON v.tenant_id = d.tenant_id AND v.device_id = d.id
    LEFT JOIN source s ON s.tenant_id = d.tenant_id AND s.customer_id = d.customer_id AND s.device_id = d.id
    LEFT JOIN LATERAL (SELECT x.capture_at FROM restore_point x WHERE x.tenant_id = s.tenant_id AND x.source_id = s.id
      AND x.state = 'sealed' AND x.is_usable ORDER BY x.capture_at DESC LIMIT 1) up ON true
    LEFT JOIN LATERAL (SELECT x.sealed_at FROM restore_point x WHERE x.tenant_id = s.tenant_id AND x.source_id = s.id
      ORDER BY x.capture_at LIMIT 1) fp ON true
    LEFT JOIN LATERAL (SELECT x.state, x.outcome, x.error_code, x.error_message FROM backup_run x
      WHERE x.tenant_id = s.tenant_id AND x.device_id = s.device_id AND x.source_id = s.id
        AND x.state IN ('sealed', 'failed', 'aborted')
        -- What was excused is no reason to call anybody. One look by its key: all that was ever excused is far more.
        AND (SELECT o.outcome FROM expected_occurrence o WHERE o.tenant_id = x.tenant_id AND o.id = x.occurrence_id)
          IS DISTINCT FROM 'excused'
      ORDER BY x.started_at DESC LIMIT 1) r ON true
    LEFT JOIN LATERAL (SELECT d.finished_at AS at FROM drill d WHERE d.tenant_id = s.tenant_id AND d.source_id = s.id
      AND d.state = 'passed' AND d.runner <> 'kit' AND ${reachedLevel('d')} >= 3 ORDER BY d.finished_at DESC LIMIT 1) p3 ON true
    LEFT JOIN LATERAL (SELECT d.finished_at AS at FROM drill d WHERE d.tenant_id = s.tenant_id AND d.source_id = s.id
      AND d.state = 'passed' AND d.runner <> 'kit' AND d.level >= 4 AND ${reachedLevel('d')} >= 4
      ORDER BY d.finished_at DESC LIMIT 1) p4 ON true
    LEFT JOIN LATERAL (SELECT d.finished_at AS at FROM drill d WHERE d.tenant_id = s.tenant_id AND d.source_id = s.id
      AND d.state = 'passed' AND d.runner <> 'kit' AND d.level >= 5 AND ${reachedLevel('d')} >= 5
      ORDER BY d.finished_at DESC LIMIT 1) p5 ON true
    WHERE d.tenant_id = ${tenantId}::uuid AND d.id = ANY (${[...ids]}::uuid[]) AND d.revoked_at IS NULL
    ORDER BY d.id, s.created_at, s.id`;
}
