/** The rows behind the figures of a month: what was expected, what came of it, and the drills; of one source or day, or of all. */
import { HoldfastError } from '../../core/base/errors.ts';
import { dayWindow, monthWindow } from '../../core/domain/calendar.ts';
import type { CheckState, OccurrenceOutcome, RestorePointState } from '../../core/domain/outcome.ts';
import type { Interval } from '../../core/domain/sla/intervals.ts';
import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

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
  readonly points: readonly {
    readonly id: string;
    readonly deviceName: string;
    readonly captureMs: number;
    readonly sealedMs: number;
    readonly state: RestorePointState;
    readonly isUsable: boolean;
    readonly level: number | null;
  }[];
  readonly pointsTotal: number;
  readonly drills: readonly {
    readonly id: string;
    readonly deviceName: string;
    readonly finishedMs: number;
    readonly state: CheckState;
    readonly level: number;
  }[];
  readonly drillsTotal: number;
}

export interface RowsWish {
  readonly month: string;
  /** Null: every day of the month. */
  readonly day: string | null;
  readonly sourceId: string | null;
  readonly outcomes: readonly OccurrenceOutcome[];
  readonly page: number;
}

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
    const device = { device: { select: { name: true } } } as const;
    const due = {
      ...where,
      dueAt: inside,
      ...(wish.outcomes.length === 0 ? {} : { outcome: { in: [...wish.outcomes] } }),
    };
    const occurrences = await tx.expectedOccurrence.findMany({
      where: due,
      ...paged,
      include: device,
      orderBy: [{ dueAt: 'asc' }, { id: 'asc' }],
    });
    const sealed = { ...where, sealedAt: inside };
    const points = await tx.restorePoint.findMany({
      where: sealed,
      ...paged,
      orderBy: [{ sealedAt: 'asc' }, { id: 'asc' }],
      select: { id: true, captureAt: true, sealedAt: true, state: true, isUsable: true, levelPassed: true, ...device },
    });
    const ended = { ...where, finishedAt: inside, state: { in: ['passed', 'failed', 'void'] }, runner: { not: 'kit' } };
    const drills = await tx.drill.findMany({
      where: ended,
      ...paged,
      orderBy: [{ finishedAt: 'asc' }, { id: 'asc' }],
      select: { id: true, finishedAt: true, state: true, level: true, ...device },
    });
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
      points: points.map((row) => ({
        id: row.id,
        deviceName: row.device.name,
        captureMs: row.captureAt.getTime(),
        sealedMs: row.sealedAt.getTime(),
        state: row.state as RestorePointState,
        isUsable: row.isUsable,
        level: row.levelPassed,
      })),
      pointsTotal: await tx.restorePoint.count({ where: sealed }),
      drills: drills.map((row) => ({
        id: row.id,
        deviceName: row.device.name,
        finishedMs: row.finishedAt!.getTime(),
        state: row.state as CheckState,
        level: row.level,
      })),
      drillsTotal: await tx.drill.count({ where: ended }),
    };
  });
}
