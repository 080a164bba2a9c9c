/** The rows of a month that a report shows beside its figures: restore tests, what is protected, storage, signed records. */
import { z } from 'zod';
import { monthAfter, monthBefore } from '../../core/domain/calendar.ts';
import { DRILL_CHECK_KINDS, type DrillCheckKind } from '../../core/domain/drill-checks.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import type { MonthReport, ReportDrill } from '../../core/domain/reports/month-report.ts';
import { drillNote } from '../../core/domain/reports/report-words.ts';
import { elapsedRtoMs } from '../../core/domain/rto-parts.ts';
import { type ContractVersion, type PolicyTargets, targetParts } from '../../core/domain/sla/contract.ts';
import type { Interval } from '../../core/domain/sla/intervals.ts';
import { semanticRpoMs } from '../../core/domain/sla/semantic-rpo.ts';
import type { Tx } from '../db/client.ts';
import { sqlFragment } from '../db/sql-fragment.ts';

export interface ReportPlace {
  readonly tenantId: string;
  readonly customerId: string;
  readonly month: string;
  readonly whole: Interval;
}

/** Of one customer and month: a hundred machines that are tested each day make three thousand. */
const DRILLS_MAX = 10_000;
const STORAGE_MONTHS = 12;

interface DrillRow {
  readonly id: string;
  readonly sourceId: string;
  readonly deviceId: string;
  readonly policyId: string;
  readonly name: string;
  readonly state: ReportDrill['result'];
  readonly level: number;
  readonly scope: 'sample' | 'full';
  readonly timings: unknown;
  readonly estimatedMs: number | null;
  readonly endedMs: number;
  readonly checks: unknown;
  readonly captureMs: number;
  readonly newestMs: number | null;
  readonly filesMatched: number;
  readonly filesPlanned: number;
  readonly message: string | null;
  readonly remedy: string | null;
  readonly evidenceHash: string | null;
}

const timings = z.record(z.string(), z.number()).catch({});
const looks = z
  .array(
    z.object({
      kind: z.enum(Object.keys(DRILL_CHECK_KINDS) as [DrillCheckKind, ...DrillCheckKind[]]),
      name: z.string(),
      state: z.enum(['passed', 'failed', 'warning', 'skipped']),
    }),
  )
  .catch([]);

/** What a drill `d` has really reached; the same words as where figures read it. */
const reached = sqlFragment`CASE WHEN d.checks = '[]'::jsonb THEN d.level ELSE coalesce((d.facts ->> 'levelReached')::int, d.level) END`;

/** Those that ended in the month, the oldest first. Exit drills with the recovery kit are nobody's service. */
export async function loadReportDrills(
  tx: Tx,
  { tenantId, customerId, whole }: ReportPlace,
  versions: readonly ContractVersion[],
): Promise<ReportDrill[]> {
  const rows = await tx.$queryRaw<DrillRow[]>`
    SELECT d.id, d.source_id AS "sourceId", d.device_id AS "deviceId", v.policy_id AS "policyId",
      CASE WHEN n.siblings = 1 THEN v.name ELSE v.name || ', ' || s.name END AS name,
      d.state, CASE WHEN d.state = 'passed' THEN ${reached} ELSE d.level END AS level, d.scope, d.timings, d.rto_estimated_ms::float8 AS "estimatedMs",
      epoch_ms(d.finished_at) AS "endedMs", epoch_ms(p.capture_at) AS "captureMs", epoch_ms(d.newest_business_at) AS "newestMs",
      d.files_matched AS "filesMatched", d.files_planned AS "filesPlanned",
      coalesce(d.void_reason, d.error_message) AS message, d.remediation AS remedy,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', c -> 'kind', 'name', c -> 'name', 'state', c -> 'state')), '[]')
        FROM jsonb_array_elements(d.checks) c) AS checks,
      (SELECT encode(sha256(convert_to(e.text, 'UTF8')), 'hex') FROM evidence_record e WHERE e.tenant_id = d.tenant_id
        AND e.drill_id = d.id AND e.kind = 'drill' ORDER BY e.sequence LIMIT 1) AS "evidenceHash"
    FROM drill d
    JOIN restore_point p ON p.tenant_id = d.tenant_id AND p.id = d.restore_point_id
    JOIN device v ON v.tenant_id = d.tenant_id AND v.id = d.device_id
    JOIN source s ON s.tenant_id = d.tenant_id AND s.id = d.source_id
    CROSS JOIN LATERAL (SELECT count(*) AS siblings FROM source x WHERE x.tenant_id = d.tenant_id AND x.device_id = d.device_id) n
    WHERE d.tenant_id = ${tenantId}::uuid AND d.customer_id = ${customerId}::uuid
      AND d.state IN ('passed', 'failed', 'void') AND d.runner <> 'kit'
      AND d.finished_at >= ${new Date(whole.startMs)} AND d.finished_at < ${new Date(whole.endMs)}
    ORDER BY d.finished_at, d.id LIMIT ${DRILLS_MAX}`;
  const targets = await loadTargets(tx, tenantId, [...new Set(rows.map(({ policyId }) => policyId))]);
  return rows.map((row): ReportDrill => {
    const elapsedMs = row.scope === 'full' ? elapsedRtoMs(timings.parse(row.timings)) : undefined;
    const [part] = targetParts(
      versions,
      { startMs: row.endedMs, endMs: row.endedMs + 1 },
      row,
      targets.get(row.policyId)!,
    );
    return {
      id: row.id,
      system: row.name,
      level: row.level,
      endedMs: row.endedMs,
      result: row.state,
      rtoMs: row.state === 'passed' ? (elapsedMs ?? row.estimatedMs) : null,
      isEstimated: elapsedMs === undefined,
      rtoTargetMs: part!.tier.rtoMinutes * 60_000,
      behindMs: semanticRpoMs(row),
      note: drillNote({ ...row, checks: looks.parse(row.checks) }),
      evidenceHash: row.evidenceHash,
    };
  });
}

async function loadTargets(tx: Tx, tenantId: string, ids: readonly string[]): Promise<Map<string, PolicyTargets>> {
  const rows = await tx.policy.findMany({
    where: { tenantId, id: { in: [...ids] } },
    select: { id: true, document: true },
  });
  return new Map(
    rows.map(({ id, document }) => {
      const { rpoMinutes, rtoMinutes, drill } = policyDocument.parse(document);
      return [id, { rpoMinutes, rtoMinutes, drill }];
    }),
  );
}

export interface ReportSourceRow {
  readonly sourceId: string;
  readonly device: string;
  /** Empty where it is the only one of its device. */
  readonly source: string;
  /** Of the newest usable restore point that there was at the end of the month. */
  readonly protectedBytes: number;
  readonly provenLevel: number | null;
  readonly provenMs: number | null;
}

export async function loadReportSources(
  tx: Tx,
  { tenantId, customerId, whole }: ReportPlace,
): Promise<Map<string, ReportSourceRow>> {
  const end = new Date(whole.endMs);
  const rows = await tx.$queryRaw<ReportSourceRow[]>`
    SELECT s.id AS "sourceId", v.name AS device,
      CASE WHEN count(*) OVER (PARTITION BY s.device_id) = 1 THEN '' ELSE s.name END AS source,
      coalesce(p.bytes, 0)::float8 AS "protectedBytes", x.level AS "provenLevel", x.ended AS "provenMs"
    FROM source s JOIN device v ON v.tenant_id = s.tenant_id AND v.id = s.device_id
    LEFT JOIN LATERAL (SELECT r.bytes FROM restore_point r WHERE r.tenant_id = s.tenant_id AND r.source_id = s.id
      AND r.state = 'sealed' AND r.is_usable AND r.sealed_at < ${end} ORDER BY r.capture_at DESC LIMIT 1) p ON true
    LEFT JOIN LATERAL (SELECT ${reached} AS level, epoch_ms(d.finished_at) AS ended FROM drill d
      WHERE d.tenant_id = s.tenant_id AND d.source_id = s.id AND d.state = 'passed' AND d.runner <> 'kit'
        AND d.finished_at < ${end} ORDER BY 1 DESC, d.finished_at DESC LIMIT 1) x ON true
    WHERE s.tenant_id = ${tenantId}::uuid AND s.customer_id = ${customerId}::uuid`;
  return new Map(rows.map((row) => [row.sourceId, row]));
}

/** The month and those before it, as they were billed or, while they are open, as they were measured. */
export async function loadStorageTrend(
  tx: Tx,
  { tenantId, customerId, month }: ReportPlace,
): Promise<MonthReport['storage']> {
  const first = monthBefore(month, STORAGE_MONTHS - 1);
  return await tx.$queryRaw<{ month: string; storedBytes: number; protectedBytes: number }[]>`
    SELECT d.month, coalesce(m.stored_bytes, d.stored)::float8 AS "storedBytes",
      coalesce(m.protected_bytes, d.protected)::float8 AS "protectedBytes"
    FROM (SELECT left(day, 7) AS month, max(stored_bytes) AS stored, max(protected_bytes) AS protected FROM usage_day
      WHERE tenant_id = ${tenantId}::uuid AND customer_id = ${customerId}::uuid
        AND day >= ${`${first}-01`} AND day < ${`${monthAfter(month)}-01`} GROUP BY 1) d
    LEFT JOIN usage_month m ON m.tenant_id = ${tenantId}::uuid AND m.customer_id = ${customerId}::uuid AND m.month = d.month
    ORDER BY d.month`;
}

/** The signed records of the month, and the end of their chain. */
export async function loadReportEvidence(
  tx: Tx,
  { tenantId, customerId, whole }: ReportPlace,
): Promise<Omit<MonthReport['evidence'], 'checkUrl'>> {
  const where = { tenantId, customerId, at: { gte: new Date(whole.startMs), lt: new Date(whole.endMs) } };
  const last = await tx.evidenceRecord.findFirst({
    where,
    orderBy: { sequence: 'desc' },
    select: { hash: true, keyId: true },
  });
  return {
    records: await tx.evidenceRecord.count({ where }),
    lastHash: last?.hash ?? null,
    keyId: last?.keyId ?? null,
  };
}
