/**
 * The rows from which the figures of sources are computed, read for whole customers at once: a source at a time would be a
 * hundred round trips a customer. What the formulas make of them is in core/domain/sla.
 */
import { z } from 'zod';
import type { OccurrenceOutcome } from '../../core/domain/outcome.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import type { PointTimes } from '../../core/domain/sla/data-age.ts';
import type { DrillResult } from '../../core/domain/sla/drill-figures.ts';
import type { Interval } from '../../core/domain/sla/intervals.ts';
import type { OccurrenceResult, SourceFacts } from '../../core/domain/sla/source-figures.ts';
import type { Tx } from '../db/client.ts';
import { sqlFragment } from '../db/sql-fragment.ts';

const DAY_MS = 24 * 3_600_000;
/** Further back than the longest interval of a drill. */
const DRILL_DAYS = 370;
/** Most sources have a point within so long before the window; the others are looked up one by one. */
const CARRY_MS = 3 * DAY_MS;

export interface FactsWish {
  readonly tenantId: string;
  readonly customerIds: readonly string[];
  /** These alone; null: every source of the customers. */
  readonly sourceIds: readonly string[] | null;
  /** Are drills before the window needed, which may still prove something in it? */
  readonly isLookingBack: boolean;
}

export interface NamedFacts extends SourceFacts {
  readonly customerId: string;
  readonly sourceName: string;
  readonly deviceName: string;
}

interface SourceRow {
  readonly sourceId: string;
  readonly customerId: string;
  readonly deviceId: string;
  readonly policyId: string;
  readonly sourceName: string;
  readonly deviceName: string;
  readonly addedMs: number;
  readonly endedMs: number | null;
}

/** Everything that the figures of a window need, for each source that was there before its end. */
export async function loadFacts(tx: Tx, wish: FactsWish, window: Interval): Promise<NamedFacts[]> {
  const sources = await selectSources(tx, wish, window);
  if (sources.length === 0) return [];
  const targets = await selectTargets(tx, wish, sources);
  const points = await selectPoints(tx, wish, window, sources);
  const first = await selectFirstSealed(tx, wish, window, sources, targets);
  const occurrences = await selectOccurrences(tx, wish, window);
  const drills = await selectDrills(tx, wish, window);
  const excuses = await selectExcuses(tx, wish, window);
  return sources.map((source) => ({
    ...source,
    policy: targets.get(source.policyId)!,
    firstSealedMs: first.get(source.sourceId) ?? null,
    points: points.get(source.sourceId) ?? [],
    occurrences: occurrences.get(source.sourceId) ?? [],
    drills: drills.get(source.sourceId) ?? [],
    excused: excuses
      .filter(
        (one) =>
          one.customerId === source.customerId &&
          (one.deviceId === null || one.deviceId === source.deviceId) &&
          (one.sourceId === null || one.sourceId === source.sourceId),
      )
      .map(({ startMs, endMs }) => ({ startMs, endMs })),
  }));
}

async function selectSources(tx: Tx, wish: FactsWish, window: Interval): Promise<SourceRow[]> {
  return await tx.$queryRaw<SourceRow[]>`
    SELECT s.id AS "sourceId", s.customer_id AS "customerId", s.device_id AS "deviceId", d.policy_id AS "policyId",
      s.name AS "sourceName", d.name AS "deviceName", epoch_ms(s.created_at) AS "addedMs", epoch_ms(d.revoked_at) AS "endedMs"
    FROM source s JOIN device d ON d.tenant_id = s.tenant_id AND d.id = s.device_id
    WHERE s.tenant_id = ${wish.tenantId}::uuid AND s.customer_id = ANY (${[...wish.customerIds]}::uuid[])
      AND (${wish.sourceIds === null} OR s.id = ANY (${[...(wish.sourceIds ?? [])]}::uuid[]))
      AND s.created_at < ${new Date(window.endMs)} AND (d.revoked_at IS NULL OR d.revoked_at > ${new Date(window.startMs)})
    ORDER BY s.id`;
}

async function selectTargets(
  tx: Tx,
  wish: FactsWish,
  sources: readonly SourceRow[],
): Promise<Map<string, SourceFacts['policy']>> {
  const rows = await tx.policy.findMany({
    where: { tenantId: wish.tenantId, id: { in: [...new Set(sources.map(({ policyId }) => policyId))] } },
    select: { id: true, document: true },
  });
  return new Map(
    rows.map(({ id, document }) => {
      const { rpoMinutes, rtoMinutes, drill } = policyDocument.parse(document);
      return [id, { rpoMinutes, rtoMinutes, drill }];
    }),
  );
}

/** Usable points sealed in the window, and for each source the newest capture among those that were sealed before. */
async function selectPoints(
  tx: Tx,
  wish: FactsWish,
  window: Interval,
  sources: readonly SourceRow[],
): Promise<Map<string, PointTimes[]>> {
  const start = new Date(window.startMs);
  const rows = await tx.$queryRaw<
    { sourceId: string; carriedMs: number | null; carriedAtMs: number | null; captures: number[]; commits: number[] }[]
  >`
    SELECT source_id AS "sourceId", max(epoch_ms(capture_at)) FILTER (WHERE sealed_at < ${start}) AS "carriedMs",
      max(epoch_ms(sealed_at)) FILTER (WHERE sealed_at < ${start}) AS "carriedAtMs",
      coalesce(array_agg(epoch_ms(capture_at) ORDER BY sealed_at, capture_at) FILTER (WHERE sealed_at >= ${start}), '{}') AS captures,
      coalesce(array_agg(epoch_ms(sealed_at) ORDER BY sealed_at, capture_at) FILTER (WHERE sealed_at >= ${start}), '{}') AS commits
    FROM restore_point
    WHERE tenant_id = ${wish.tenantId}::uuid AND customer_id = ANY (${[...wish.customerIds]}::uuid[])
      AND state = 'sealed' AND is_usable
      AND sealed_at >= ${new Date(window.startMs - CARRY_MS)} AND sealed_at < ${new Date(window.endMs)}
      AND (${wish.sourceIds === null} OR source_id = ANY (${[...(wish.sourceIds ?? [])]}::uuid[]))
    GROUP BY source_id`;
  const found = new Map<string, PointTimes[]>();
  for (const { sourceId, carriedMs, carriedAtMs, captures, commits } of rows) {
    const points: PointTimes[] = captures.map((captureMs, at) => ({ captureMs, commitMs: commits[at]! }));
    if (carriedMs !== null && carriedAtMs !== null) points.push({ captureMs: carriedMs, commitMs: carriedAtMs });
    found.set(sourceId, points);
  }
  const carried = new Set(rows.filter(({ carriedMs }) => carriedMs !== null).map(({ sourceId }) => sourceId));
  const lone = sources.filter(({ sourceId, addedMs }) => !carried.has(sourceId) && addedMs < window.startMs);
  for (const { sourceId, captureMs, commitMs } of await selectCarried(tx, wish, start, lone))
    found.set(sourceId, [...(found.get(sourceId) ?? []), { captureMs, commitMs }]);
  return found;
}

/** The newest capture before the window of sources that had none for days. */
async function selectCarried(
  tx: Tx,
  wish: FactsWish,
  start: Date,
  sources: readonly SourceRow[],
): Promise<(PointTimes & { sourceId: string })[]> {
  if (sources.length === 0) return [];
  return await tx.$queryRaw<(PointTimes & { sourceId: string })[]>`
    SELECT s.id AS "sourceId", epoch_ms(p.capture_at) AS "captureMs", epoch_ms(p.sealed_at) AS "commitMs"
    FROM unnest(${sources.map(({ sourceId }) => sourceId)}::uuid[]) AS s(id)
    CROSS JOIN LATERAL (SELECT capture_at, sealed_at FROM restore_point
      WHERE tenant_id = ${wish.tenantId}::uuid AND source_id = s.id AND state = 'sealed' AND is_usable AND sealed_at < ${start}
      ORDER BY capture_at DESC LIMIT 1) p`;
}

/** When the first point of each source was sealed; asked for those alone whose promise may begin inside the window. */
async function selectFirstSealed(
  tx: Tx,
  wish: FactsWish,
  window: Interval,
  sources: readonly SourceRow[],
  targets: ReadonlyMap<string, SourceFacts['policy']>,
): Promise<Map<string, number>> {
  // The longest RPO of a contract is a month; a policy's own is known.
  const isNew = ({ addedMs, policyId }: SourceRow): boolean =>
    addedMs + Math.max(31 * DAY_MS, (targets.get(policyId)?.rpoMinutes ?? 0) * 60_000) > window.startMs;
  const fresh = sources.filter(isNew).map(({ sourceId }) => sourceId);
  if (fresh.length === 0) return new Map();
  const rows = await tx.$queryRaw<{ sourceId: string; firstMs: number }[]>`
    SELECT source_id AS "sourceId", min(epoch_ms(sealed_at)) AS "firstMs" FROM restore_point
    WHERE tenant_id = ${wish.tenantId}::uuid AND source_id = ANY (${fresh}::uuid[]) GROUP BY source_id`;
  return new Map(rows.map(({ sourceId, firstMs }) => [sourceId, firstMs]));
}

async function selectOccurrences(tx: Tx, wish: FactsWish, window: Interval): Promise<Map<string, OccurrenceResult[]>> {
  const rows = await tx.$queryRaw<
    { sourceId: string; due: number[]; ends: number[]; outcomes: (OccurrenceOutcome | '')[] }[]
  >`
    SELECT source_id AS "sourceId", array_agg(epoch_ms(due_at) ORDER BY due_at) AS due,
      array_agg(epoch_ms(window_end) ORDER BY due_at) AS ends,
      array_agg(coalesce(outcome, '') ORDER BY due_at) AS outcomes
    FROM expected_occurrence
    WHERE tenant_id = ${wish.tenantId}::uuid AND customer_id = ANY (${[...wish.customerIds]}::uuid[])
      AND due_at >= ${new Date(window.startMs)} AND due_at < ${new Date(window.endMs)}
      AND (${wish.sourceIds === null} OR source_id = ANY (${[...(wish.sourceIds ?? [])]}::uuid[]))
    GROUP BY source_id`;
  const accepted = await selectAccepted(tx, wish, window);
  return new Map(
    rows.map(({ sourceId, due, ends, outcomes }) => [
      sourceId,
      due.map((dueMs, at) => ({
        dueMs,
        windowEndMs: ends[at]!,
        outcome: outcomes[at] || null,
        isAccepted: accepted.has(`${sourceId}/${dueMs}`),
      })),
    ]),
  );
}

/** Partial backups whose point counts; there are few, so each is looked up by its run. */
async function selectAccepted(tx: Tx, wish: FactsWish, window: Interval): Promise<Set<string>> {
  const rows = await tx.$queryRaw<{ sourceId: string; dueMs: number }[]>`
    SELECT o.source_id AS "sourceId", epoch_ms(o.due_at) AS "dueMs" FROM expected_occurrence o
    WHERE o.tenant_id = ${wish.tenantId}::uuid AND o.customer_id = ANY (${[...wish.customerIds]}::uuid[])
      AND o.due_at >= ${new Date(window.startMs)} AND o.due_at < ${new Date(window.endMs)} AND o.outcome = 'partial'
      AND EXISTS (SELECT FROM restore_point p WHERE p.tenant_id = o.tenant_id AND p.source_id = o.source_id
        AND p.capture_at >= o.due_at - interval '1 day'
        AND p.capture_at < o.window_end + interval '40 days' AND p.run_id = o.run_id AND p.is_usable)`;
  return new Set(rows.map(({ sourceId, dueMs }) => `${sourceId}/${dueMs}`));
}

const timings = z.record(z.string(), z.number()).catch({});

type DrillRow = Omit<DrillResult, 'timings'> & { readonly sourceId: string; readonly timings: unknown };

/** Of a drill `d` and its point `p`. */
const drillColumns = sqlFragment`d.source_id AS "sourceId", d.id, epoch_ms(d.finished_at) AS "finishedMs", d.state, d.scope,
  d.timings, CASE WHEN d.checks = '[]'::jsonb THEN d.level ELSE coalesce((d.facts ->> 'levelReached')::int, d.level) END AS level,
  d.rto_estimated_ms::float8 AS "estimatedMs", epoch_ms(p.capture_at) AS "captureMs"`;

/** Those that ended in the window; with `isLookingBack`, of the older ones the newest that can still count. */
async function selectDrills(tx: Tx, wish: FactsWish, window: Interval): Promise<Map<string, DrillResult[]>> {
  const start = new Date(window.startMs);
  const inside = await tx.$queryRaw<DrillRow[]>`
    SELECT ${drillColumns} FROM drill d JOIN restore_point p ON p.tenant_id = d.tenant_id AND p.id = d.restore_point_id
    WHERE d.tenant_id = ${wish.tenantId}::uuid AND d.customer_id = ANY (${[...wish.customerIds]}::uuid[])
      AND d.finished_at >= ${start} AND d.finished_at < ${new Date(window.endMs)}
      AND d.state IN ('passed', 'failed', 'void') AND d.runner <> 'kit'
      AND (${wish.sourceIds === null} OR d.source_id = ANY (${[...(wish.sourceIds ?? [])]}::uuid[]))`;
  const before = wish.isLookingBack ? await selectOlderDrills(tx, wish, start) : [];
  const found = new Map<string, Map<string, DrillResult>>();
  for (const { sourceId, ...drill } of [...before, ...inside]) {
    const known = found.get(sourceId) ?? new Map<string, DrillResult>();
    known.set(drill.id, { ...drill, timings: timings.parse(drill.timings) });
    found.set(sourceId, known);
  }
  return new Map([...found].map(([sourceId, drills]) => [sourceId, [...drills.values()]]));
}

/**
 * Before the window, of each source and depth the newest pass, and the newest full one: a daily drill over a year would be
 * hundreds of rows, of which one counts. Each pair is a depth that was asked for and one that was reached; both in the index.
 */
export async function selectOlderDrills(tx: Tx, wish: FactsWish, start: Date): Promise<DrillRow[]> {
  const from = new Date(start.getTime() - DRILL_DAYS * DAY_MS);
  return await tx.$queryRaw<DrillRow[]>`
    SELECT ${drillColumns} FROM source s
    CROSS JOIN (VALUES (3, 3), (4, 3), (4, 4), (5, 3), (5, 4), (5, 5))
      AS l(asked, reached)
    CROSS JOIN LATERAL (SELECT * FROM drill x
      WHERE x.tenant_id = s.tenant_id AND x.source_id = s.id AND x.state = 'passed' AND x.level = l.asked
        AND CASE WHEN x.checks = '[]'::jsonb THEN x.level ELSE coalesce((x.facts ->> 'levelReached')::int, x.level) END >= l.reached
        AND x.finished_at >= ${from} AND x.finished_at < ${start} AND x.runner <> 'kit'
      ORDER BY x.created_at DESC LIMIT 1) d
    JOIN restore_point p ON p.tenant_id = d.tenant_id AND p.id = d.restore_point_id
    WHERE s.tenant_id = ${wish.tenantId}::uuid AND s.customer_id = ANY (${[...wish.customerIds]}::uuid[])
      AND (${wish.sourceIds === null} OR s.id = ANY (${[...(wish.sourceIds ?? [])]}::uuid[]))
    UNION ALL
    SELECT ${drillColumns} FROM source s
    CROSS JOIN LATERAL (SELECT * FROM drill x
      WHERE x.tenant_id = s.tenant_id AND x.source_id = s.id AND x.state = 'passed' AND x.scope = 'full'
        AND x.finished_at >= ${from} AND x.finished_at < ${start} AND x.runner <> 'kit'
      ORDER BY x.created_at DESC LIMIT 1) d
    JOIN restore_point p ON p.tenant_id = d.tenant_id AND p.id = d.restore_point_id
    WHERE s.tenant_id = ${wish.tenantId}::uuid AND s.customer_id = ANY (${[...wish.customerIds]}::uuid[])
      AND (${wish.sourceIds === null} OR s.id = ANY (${[...(wish.sourceIds ?? [])]}::uuid[]))`;
}

interface ExcuseRow extends Interval {
  readonly customerId: string;
  readonly deviceId: string | null;
  readonly sourceId: string | null;
}

async function selectExcuses(tx: Tx, wish: FactsWish, window: Interval): Promise<ExcuseRow[]> {
  const rows = await tx.slaExcuse.findMany({
    where: {
      tenantId: wish.tenantId,
      customerId: { in: [...wish.customerIds] },
      state: 'approved',
      startsAt: { lt: new Date(window.endMs) },
      endsAt: { gt: new Date(window.startMs) },
    },
    select: { customerId: true, deviceId: true, sourceId: true, startsAt: true, endsAt: true },
  });
  return rows.map(({ startsAt, endsAt, ...row }) => ({ ...row, startMs: startsAt.getTime(), endMs: endsAt.getTime() }));
}
