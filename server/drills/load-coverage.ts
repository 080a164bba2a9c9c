import { DRILL_CHECK_KINDS } from '../../core/domain/drill-checks.ts';
import {
  type CoverageCell,
  type CoverageEvent,
  coverageCells,
  DRILL_LEVELS,
  worstCoverage,
} from '../../core/domain/drill-coverage.ts';
import { type DrillPlanWish, plansOf } from '../../core/domain/drill-plans.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import { sqlFragment } from '../db/sql-fragment.ts';
import { agentTooOld } from './order-agent-drill.ts';

/** Of one customer: more than anybody has. */
const SOURCES_MAX = 10_000;

/** A source of a device in service, with what its policy asks for. */
export interface DrillSource {
  readonly sourceId: string;
  readonly sourceName: string;
  readonly deviceId: string;
  readonly deviceName: string;
  readonly customerId: string;
  readonly customerName: string;
  readonly timeZone: string;
  readonly plans: readonly DrillPlanWish[];
  /** There is a usable restore point, so a drill is possible. */
  readonly hasPoint: boolean;
  readonly custody: 'escrowed' | 'customer_held';
  /** The machine alone could make a drill, and its agent is too old to; null: nothing is in the way. */
  readonly agentTooOld: { readonly has: string; readonly needed: string } | null;
  readonly rtoTargetMs: number;
}

export interface SourceCoverage extends DrillSource {
  readonly cells: readonly CoverageCell[];
  readonly worst: ReturnType<typeof worstCoverage>;
}

export interface CoverageFilter {
  readonly customerId: string | null;
  /** Part of the name of the device or the customer, any case. */
  readonly text?: string;
}

interface EventRow {
  readonly source_id: string;
  readonly level: number;
  readonly id: string;
  readonly ended_at: Date;
}

interface SourceRow {
  readonly source_id: string;
  readonly policy_id: string;
  readonly loss_at: Date | null;
}

interface Terms {
  readonly plans: readonly DrillPlanWish[];
  readonly graceMs: number;
  readonly rtoTargetMs: number;
}

/** How many sources the filter lets through. */
export async function countSources(tx: Tx, scope: Scope, filter: CoverageFilter): Promise<number> {
  return await tx.source.count({ where: wanted(scope, filter) });
}

/** Those sources by customer and device, `take` of them from `skip` on. */
export async function listSources(
  tx: Tx,
  scope: Scope,
  filter: CoverageFilter,
  page: { readonly skip: number; readonly take: number },
): Promise<DrillSource[]> {
  const { tenantId } = scope;
  const sources = await tx.source.findMany({
    where: wanted(scope, filter),
    orderBy: [
      { device: { customer: { name: 'asc' } } },
      { customerId: 'asc' },
      { device: { name: 'asc' } },
      { name: 'asc' },
      { id: 'asc' },
    ],
    ...page,
    select: {
      ...{ id: true, name: true },
      device: {
        select: {
          ...{ id: true, name: true, customerId: true, policyId: true, agentVersion: true },
          customer: { select: { name: true, timezone: true } },
          vault: { select: { custody: true } },
        },
      },
    },
  });
  const terms = await loadTerms(
    tx,
    tenantId,
    sources.map(({ device }) => device.policyId),
  );
  const withPoint = await tx.$queryRaw<{ id: string }[]>`
    SELECT s.id FROM unnest(${sources.map(({ id }) => id)}::uuid[]) AS s(id)
    WHERE EXISTS (SELECT FROM restore_point p
      WHERE p.tenant_id = ${tenantId}::uuid AND p.source_id = s.id AND p.state = 'sealed' AND p.is_usable)`;
  const restorable = new Set(withPoint.map(({ id }) => id));
  return sources.map(({ id, name, device }) => {
    const { plans, rtoTargetMs } = terms.get(device.policyId)!;
    const isHeld = device.vault?.custody === 'customer_held';
    return {
      ...{ sourceId: id, sourceName: name, deviceId: device.id, deviceName: device.name },
      ...{ customerId: device.customerId, customerName: device.customer.name, timeZone: device.customer.timezone },
      ...{ plans, rtoTargetMs, hasPoint: restorable.has(id) },
      custody: isHeld ? ('customer_held' as const) : ('escrowed' as const),
      agentTooOld: isHeld ? agentTooOld(device.agentVersion) : null,
    };
  });
}

/** The same with what each level has reached. A drill by kit counts for nothing here. */
export async function loadCoverage(
  tx: Tx,
  scope: Scope,
  nowMs: number,
  filter: CoverageFilter,
  page: { readonly skip: number; readonly take: number } = { skip: 0, take: SOURCES_MAX },
): Promise<SourceCoverage[]> {
  const sources = await listSources(tx, scope, filter, page);
  const cells = await loadCells(tx, scope.tenantId, nowMs, {
    customerId: scope.customerId ?? filter.customerId,
    sourceIds: sources.map(({ sourceId }) => sourceId),
  });
  return sources.map((source) => {
    const own = cells.get(source.sourceId) ?? [];
    return { ...source, cells: own, worst: worstCoverage(own) };
  });
}

/**
 * The cells of every source of the scope, and nothing else of them: for the sums over ten thousand devices, whose names,
 * policies and restore points no page shows at once.
 */
export async function surveyCoverage(
  tx: Tx,
  scope: Scope,
  nowMs: number,
): Promise<ReadonlyMap<string, readonly CoverageCell[]>> {
  return await loadCells(tx, scope.tenantId, nowMs, { customerId: scope.customerId, sourceIds: null });
}

function wanted({ tenantId, customerId: own }: Scope, { customerId: asked, text = '' }: CoverageFilter) {
  const customerId = own ?? asked;
  const contains = { contains: text.trim(), mode: 'insensitive' as const };
  return {
    tenantId,
    ...(customerId === null ? {} : { customerId }),
    device: {
      revokedAt: null,
      ...(contains.contains === '' ? {} : { OR: [{ name: contains }, { customer: { name: contains } }] }),
    },
  };
}

/** Many devices follow one policy, which is read once. */
async function loadTerms(tx: Tx, tenantId: string, policyIds: readonly string[]): Promise<ReadonlyMap<string, Terms>> {
  const rows = await tx.policy.findMany({
    where: { tenantId, id: { in: [...new Set(policyIds)] } },
    select: { id: true, document: true },
  });
  return new Map(
    rows.map(({ id, document }) => {
      const policy = policyDocument.parse(document);
      const graceMs = policy.rpoMinutes * 60_000;
      return [id, { plans: plansOf(policy), graceMs, rtoTargetMs: policy.rtoMinutes * 60_000 }];
    }),
  );
}

async function loadCells(
  tx: Tx,
  tenantId: string,
  nowMs: number,
  of: Place,
): Promise<ReadonlyMap<string, readonly CoverageCell[]>> {
  const sources = await tx.$queryRaw<SourceRow[]>`
    SELECT s.id AS source_id, d.policy_id, (SELECT max(l.found_at) FROM damage l
      WHERE l.tenant_id = d.tenant_id AND l.device_id = d.id AND l.accepted_at IS NOT NULL) AS loss_at
    FROM source s JOIN device d ON d.tenant_id = s.tenant_id AND d.id = s.device_id AND d.revoked_at IS NULL
    WHERE s.tenant_id = ${tenantId}::uuid AND ${isOf('s', of)}`;
  const terms = await loadTerms(
    tx,
    tenantId,
    sources.map(({ policy_id }) => policy_id),
  );
  const passes = bySource(await selectPasses(tx, tenantId, of));
  const failures = bySource(await selectFailures(tx, tenantId, of));
  return new Map(
    sources.map(({ source_id: id, policy_id, loss_at }) => {
      const { plans, graceMs } = terms.get(policy_id)!;
      const facts = { passes: passes.get(id) ?? [], failures: failures.get(id) ?? [] };
      return [id, coverageCells({ plans, ...facts, graceMs, lossMs: loss_at?.getTime() ?? null, nowMs })];
    }),
  );
}

function bySource(rows: readonly EventRow[]): Map<string, CoverageEvent[]> {
  const found = new Map<string, CoverageEvent[]>();
  for (const { source_id, level, id, ended_at } of rows) {
    const event = { level, drillId: id, endedMs: ended_at.getTime() };
    const events = found.get(source_id);
    if (events === undefined) found.set(source_id, [event]);
    else events.push(event);
  }
  return found;
}

/** Sources of one customer or of all, and of these the named ones alone. */
interface Place {
  readonly customerId: string | null;
  readonly sourceIds: readonly string[] | null;
}

function isOf(row: 's' | 'x', { customerId, sourceIds }: Place) {
  const named = sourceIds === null ? null : [...sourceIds];
  return row === 's'
    ? sqlFragment`(${customerId}::uuid IS NULL OR s.customer_id = ${customerId}::uuid)
        AND (${named}::uuid[] IS NULL OR s.id = ANY (${named}::uuid[]))`
    : sqlFragment`(${customerId}::uuid IS NULL OR x.customer_id = ${customerId}::uuid)
        AND (${named}::uuid[] IS NULL OR x.source_id = ANY (${named}::uuid[]))`;
}

/** Of a look `c`, the level at which it is taken. */
const levelOf = sqlFragment`(${JSON.stringify(DRILL_CHECK_KINDS)}::jsonb ->> (c ->> 'kind'))::int`;

const wasLooked = sqlFragment`c ->> 'state' IN ('passed', 'warning')`;

/**
 * What a row of `drill` has reached, in SQL: levelReached of core/domain/drill-checks.ts for a drill that passed. One that was
 * asked for level 4 and found nothing to open has reached level 3; one without looks compared files and reached what it was
 * asked for. `row` is the alias of the table.
 */
export function reachedLevel(row: 'd' | 'y') {
  const checks = row === 'd' ? sqlFragment`d.checks` : sqlFragment`y.checks`;
  const asked = row === 'd' ? sqlFragment`d.level` : sqlFragment`y.level`;
  return sqlFragment`CASE WHEN ${checks} = '[]'::jsonb THEN ${asked} ELSE (
    SELECT CASE WHEN bool_or(c ->> 'state' = 'failed') OR NOT bool_or(${levelOf} = 3 AND ${wasLooked}) THEN 0
      WHEN bool_or(c ->> 'kind' = 'restore' AND c ->> 'state' = 'skipped') THEN 3
      ELSE max(${levelOf}) FILTER (WHERE ${wasLooked}) END
    FROM jsonb_array_elements(${checks}) c) END`;
}

/** Of a failed drill `x`, the shallowest and the deepest level at which something was wrong; the deepest is null when no look says. */
export const failedLevels = sqlFragment`(
  SELECT CASE WHEN x.mismatches <> '[]'::jsonb THEN 3 ELSE coalesce(min(${levelOf}), x.level) END AS shallowest,
    coalesce(max(${levelOf}), CASE WHEN x.mismatches <> '[]'::jsonb THEN 3 END) AS deepest
  FROM jsonb_array_elements(x.checks) c WHERE c ->> 'state' = 'failed')`;

/** When the data of a drill's restore point was captured. `row` is the alias of the table. */
function pointOf(row: 'x' | 'y') {
  const [tenantId, pointId] =
    row === 'x'
      ? [sqlFragment`x.tenant_id`, sqlFragment`x.restore_point_id`]
      : [sqlFragment`y.tenant_id`, sqlFragment`y.restore_point_id`];
  return sqlFragment`(SELECT rp.capture_at FROM restore_point rp WHERE rp.tenant_id = ${tenantId} AND rp.id = ${pointId})`;
}

/**
 * Does the drill `y` answer the failure `x`, whose levels are `k`? It came later, passed, restored the same data or newer, and
 * looked as deep as something was wrong: a later drill that found no dump any more must not take back that the last dump was
 * bad, nor one of the backup before it (unansweredFailures in core/domain/drill-plans.ts).
 */
export const answersFailure = sqlFragment`y.tenant_id = x.tenant_id AND y.source_id = x.source_id AND y.state = 'passed'
  AND y.runner <> 'kit' AND y.created_at > x.created_at AND CASE WHEN k.deepest IS NULL THEN y.level >= x.level
    ELSE ${reachedLevel('y')} >= k.deepest END
  AND ${pointOf('y')} >= ${pointOf('x')}`;

/**
 * For each source and level the newest pass that reached it. One look into the index for each level that was asked for: a
 * source has years of passes, and to sort those of all levels would read every one.
 */
async function selectPasses(tx: Tx, tenantId: string, of: Place): Promise<EventRow[]> {
  const pairs = DRILL_LEVELS.flatMap((asked) =>
    DRILL_LEVELS.filter((level) => level <= asked).map((level) => [asked, level]),
  );
  return await tx.$queryRaw<EventRow[]>`
    SELECT DISTINCT ON (s.id, l.level) s.id AS source_id, l.level, x.id, x.finished_at AS ended_at
    FROM source s
    CROSS JOIN unnest(${pairs.map(([asked]) => asked)}::int[], ${pairs.map(([, level]) => level)}::int[]) AS l(asked, level)
    CROSS JOIN LATERAL (
      SELECT d.id, d.finished_at, d.created_at FROM drill d
      WHERE d.tenant_id = s.tenant_id AND d.source_id = s.id AND d.state = 'passed' AND d.runner <> 'kit' AND d.level = l.asked
        AND d.finished_at IS NOT NULL AND ${reachedLevel('d')} >= l.level
      ORDER BY d.created_at DESC LIMIT 1) x
    WHERE s.tenant_id = ${tenantId}::uuid AND ${isOf('s', of)}
    ORDER BY s.id, l.level, x.created_at DESC`;
}

/** The newest failure of each source and level that no later drill has answered. */
async function selectFailures(tx: Tx, tenantId: string, of: Place): Promise<EventRow[]> {
  return await tx.$queryRaw<EventRow[]>`
    SELECT DISTINCT ON (x.source_id, k.shallowest) x.source_id, k.shallowest AS level, x.id,
      coalesce(x.finished_at, x.created_at) AS ended_at
    FROM drill x CROSS JOIN LATERAL ${failedLevels} k
    WHERE x.tenant_id = ${tenantId}::uuid AND x.state = 'failed' AND x.runner <> 'kit' AND ${isOf('x', of)}
      AND NOT EXISTS (SELECT FROM drill y WHERE ${answersFailure})
    ORDER BY x.source_id, k.shallowest, x.created_at DESC`;
}
