/** The rows behind the figures of a month: what was expected, what came of it, and the drills; of one source or day, or of all. */
import { HoldfastError } from '../../core/base/errors.ts';
import { dayWindow, monthWindow } from '../../core/domain/calendar.ts';
import type { CheckState, OccurrenceOutcome, RestorePointState } from '../../core/domain/outcome.ts';
import type { Interval } from '../../core/domain/sla/intervals.ts';
import { semanticRpoMs } from '../../core/domain/sla/semantic-rpo.ts';
import type { Scope } from '../access/scope.ts';
import type { Tx } from '../db/client.ts';
import type { Prisma } from '../db/generated/client.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { type ExcuseView, listExcuses } from './list-excuses.ts';
import { selectOlderDrills } from './load-facts.ts';

/** On one page, of each kind. */
export const ROWS_A_PAGE = 200;

export interface SlaRowsView {
  readonly nowMs: number;
  readonly customer: { readonly id: string; readonly name: string; readonly timeZone: string };
  readonly window: Interval;
  readonly sourceName: string | null;
  readonly occurrences: readonly {
    readonly id: string;
    readonly deviceName: string;
    readonly dueMs: number;
    readonly outcome: OccurrenceOutcome | null;
    readonly reason: string | null;
    readonly runId: string | null;
  }[];
  readonly occurrencesTotal: number;
  readonly points: readonly PointLine[];
  readonly pointsTotal: number;
  /** Of each source the newest usable point of before: the age of the data begins with it. */
  readonly carried: readonly PointLine[];
  readonly drills: readonly DrillLine[];
  readonly drillsTotal: number;
  /** That ended before and may still count: of each source and depth the newest that passed. */
  readonly earlierDrills: readonly DrillLine[];
  /** Time that was approved not to count. */
  readonly excuses: readonly ExcuseView[];
}

export interface PointLine {
  readonly id: string;
  readonly deviceName: string;
  readonly captureMs: number;
  readonly sealedMs: number;
  readonly state: RestorePointState;
  readonly isUsable: boolean;
  readonly level: number | null;
}

export interface DrillLine {
  readonly id: string;
  readonly deviceName: string;
  readonly finishedMs: number;
  readonly state: CheckState;
  readonly level: number;
  /** How much older than the backup the newest entry of its databases was; null: not known. */
  readonly behindMs: number | null;
}

export interface RowsWish {
  readonly month: string;
  /** Null: every day of the month. */
  readonly day: string | null;
  readonly sourceId: string | null;
  readonly outcomes: readonly OccurrenceOutcome[];
  readonly page: number;
}

const DEVICE = { device: { select: { name: true } } } as const;
const POINT = {
  ...{ id: true, captureAt: true, sealedAt: true, state: true, isUsable: true, levelPassed: true, ...DEVICE },
} as const;
const DRILL = {
  ...{ id: true, finishedAt: true, state: true, level: true, newestBusinessAt: true, ...DEVICE },
  restorePoint: { select: { captureAt: true } },
} as const;

/** @throws HoldfastError not_found for what is foreign as for what never was. */
export async function viewSlaRows(
  services: Services,
  scope: Scope,
  customerId: string,
  wish: RowsWish,
): Promise<SlaRowsView> {
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const customer = await tx.customer.findFirst({ where: { tenantId, id: customerId } });
    if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
    const timeZone = customer.timezone;
    const window = wish.day === null ? monthWindow(wish.month, timeZone) : dayWindow(wish.day, timeZone);
    const inside = { gte: new Date(window.startMs), lt: new Date(window.endMs) };
    const { sourceId } = wish;
    const source =
      sourceId === null
        ? null
        : await tx.source.findFirst({
            where: { tenantId, customerId, id: sourceId },
            include: { device: { select: { name: true } } },
          });
    if (sourceId !== null && source === null) throw new HoldfastError('not_found', 'There is no such source.');
    const where = { tenantId, customerId, ...(sourceId === null ? {} : { sourceId }) };
    const paged = { skip: (wish.page - 1) * ROWS_A_PAGE, take: ROWS_A_PAGE } as const;
    const due = {
      ...where,
      dueAt: inside,
      ...(wish.outcomes.length === 0 ? {} : { outcome: { in: [...wish.outcomes] } }),
    };
    const occurrences = await tx.expectedOccurrence.findMany({
      where: due,
      ...paged,
      include: DEVICE,
      orderBy: [{ dueAt: 'asc' }, { id: 'asc' }],
    });
    const sealed = { ...where, sealedAt: inside };
    const points = await tx.restorePoint.findMany({
      where: sealed,
      ...paged,
      orderBy: [{ sealedAt: 'asc' }, { id: 'asc' }],
      select: POINT,
    });
    const ended = { ...where, finishedAt: inside, state: { in: ['passed', 'failed', 'void'] }, runner: { not: 'kit' } };
    const drills = await tx.drill.findMany({
      where: ended,
      ...paged,
      orderBy: [{ finishedAt: 'asc' }, { id: 'asc' }],
      select: DRILL,
    });
    // What a window begins with stands once, before its first rows.
    const isFirst = wish.page === 1 && wish.outcomes.length === 0;
    const place = { tenantId, customerId, sourceId, startMs: window.startMs };
    return {
      nowMs: services.clock.nowMs(),
      customer: { id: customer.id, name: customer.name, timeZone },
      window,
      sourceName: source === null ? null : `${source.device.name}, ${source.name}`,
      occurrences: occurrences.map((row) => ({
        id: row.id,
        deviceName: row.device.name,
        dueMs: row.dueAt.getTime(),
        outcome: row.outcome as OccurrenceOutcome | null, // held by a CHECK of the database, as the words below
        reason: row.reason,
        runId: row.runId,
      })),
      occurrencesTotal: await tx.expectedOccurrence.count({ where: due }),
      points: points.map(toPoint),
      pointsTotal: await tx.restorePoint.count({ where: sealed }),
      drills: drills.map(toDrill),
      drillsTotal: await tx.drill.count({ where: ended }),
      carried: isFirst ? await selectCarried(tx, place) : [],
      earlierDrills: isFirst ? await selectEarlierDrills(tx, place) : [],
      excuses: isFirst
        ? (
            await listExcuses(
              tx,
              { tenantId, customerId },
              window,
              source === null ? null : { sourceId: source.id, deviceId: source.deviceId },
            )
          ).filter(({ state }) => state === 'approved')
        : [],
    };
  });
}

function toPoint(row: Prisma.RestorePointGetPayload<{ select: typeof POINT }>): PointLine {
  return {
    id: row.id,
    deviceName: row.device.name,
    captureMs: row.captureAt.getTime(),
    sealedMs: row.sealedAt.getTime(),
    state: row.state as RestorePointState,
    isUsable: row.isUsable,
    level: row.levelPassed,
  };
}

function toDrill(row: Prisma.DrillGetPayload<{ select: typeof DRILL }>): DrillLine {
  return {
    id: row.id,
    deviceName: row.device.name,
    finishedMs: row.finishedAt!.getTime(),
    state: row.state as CheckState,
    level: row.level,
    behindMs: semanticRpoMs({
      captureMs: row.restorePoint.captureAt.getTime(),
      newestMs: row.newestBusinessAt?.getTime() ?? null,
    }),
  };
}

interface RowsPlace {
  readonly tenantId: string;
  readonly customerId: string;
  readonly sourceId: string | null;
  readonly startMs: number;
}

async function selectCarried(tx: Tx, { tenantId, customerId, sourceId, startMs }: RowsPlace): Promise<PointLine[]> {
  const start = new Date(startMs);
  const found = await tx.$queryRaw<{ id: string }[]>`
    SELECT p.id FROM source s JOIN device d ON d.tenant_id = s.tenant_id AND d.id = s.device_id
    CROSS JOIN LATERAL (SELECT x.id FROM restore_point x WHERE x.tenant_id = s.tenant_id AND x.source_id = s.id
      AND x.state = 'sealed' AND x.is_usable AND x.sealed_at < ${start} ORDER BY x.capture_at DESC LIMIT 1) p
    WHERE s.tenant_id = ${tenantId}::uuid AND s.customer_id = ${customerId}::uuid
      AND (${sourceId}::uuid IS NULL OR s.id = ${sourceId}::uuid) AND (d.revoked_at IS NULL OR d.revoked_at > ${start})`;
  const rows = await tx.restorePoint.findMany({
    where: { tenantId, customerId, id: { in: found.map(({ id }) => id) } },
    orderBy: [{ sealedAt: 'asc' }, { id: 'asc' }],
    take: ROWS_A_PAGE,
    select: POINT,
  });
  return rows.map(toPoint);
}

async function selectEarlierDrills(
  tx: Tx,
  { tenantId, customerId, sourceId, startMs }: RowsPlace,
): Promise<DrillLine[]> {
  const sourceIds = sourceId === null ? null : [sourceId];
  const wish = { tenantId, customerIds: [customerId], sourceIds, isLookingBack: true };
  const found = await selectOlderDrills(tx, wish, new Date(startMs));
  const rows = await tx.drill.findMany({
    where: { tenantId, customerId, id: { in: [...new Set(found.map(({ id }) => id))] } },
    orderBy: [{ finishedAt: 'asc' }, { id: 'asc' }],
    take: ROWS_A_PAGE,
    select: DRILL,
  });
  return rows.map(toDrill);
}
