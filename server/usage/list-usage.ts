import { monthAfter } from '../../core/domain/calendar.ts';
import { type UsageDay, type UsageFigures, usageOfMonth } from '../../core/domain/usage.ts';
import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

const DAY_MS = 86_400_000;

export interface CustomerUsage extends UsageFigures {
  readonly customerId: string;
  readonly customer: string;
  readonly month: string;
  /** Null: the month is under way, and its figures may still rise. */
  readonly frozenMs: number | null;
}

/** Every customer that the scope may see, by name; those that were not measured in the month are left out. */
export async function listUsage(
  services: Pick<Services, 'db'>,
  scope: Scope,
  month: string,
  filter: { readonly customerId?: string } = {},
): Promise<CustomerUsage[]> {
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const mine = { tenantId, ...filter };
    const frozen = await tx.usageMonth.findMany({ where: { ...mine, month }, omit: { tenantId: true } });
    const days = await tx.usageDay.findMany({
      where: {
        ...mine,
        day: { gte: `${month}-01`, lt: `${monthAfter(month)}-01` },
        customerId: filter.customerId ?? { notIn: frozen.map(({ customerId }) => customerId) },
      },
    });
    const names = await tx.customer.findMany({
      where: { tenantId, ...(filter.customerId === undefined ? {} : { id: filter.customerId }) },
      select: { id: true, name: true },
    });
    const nameOf = new Map(names.map(({ id, name }) => [id, name]));
    const closed = new Map(frozen.map((row) => [row.customerId, row]));
    const open = Map.groupBy(days, ({ customerId }) => customerId);
    const rows = [...nameOf].flatMap(([customerId, customer]): CustomerUsage[] => {
      const row = closed.get(customerId);
      if (row !== undefined) {
        const { frozenAt, ...figures } = row;
        return [{ ...figures, customer, frozenMs: frozenAt.getTime() }];
      }
      const mineDays = open.get(customerId);
      return mineDays === undefined ? [] : [{ customerId, customer, month, ...usageOfMonth(mineDays), frozenMs: null }];
    });
    return rows.sort((a, b) => a.customer.localeCompare(b.customer, 'en'));
  });
}

/**
 * A trend over all customers that the scope may see: the sum of each day, oldest first. Where some clocks show a new day already
 * and others do not, it ends with the day that all have: half a sum would look like a loss.
 */
export async function usageTrend(
  services: Pick<Services, 'db'>,
  scope: Scope,
  range: { readonly fromDay: string; readonly customerId?: string },
): Promise<UsageDay[]> {
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const where = {
      tenantId,
      day: { gte: range.fromDay },
      ...(range.customerId === undefined ? {} : { customerId: range.customerId }),
    };
    const newest = await tx.usageDay.groupBy({ by: ['customerId'], where, _max: { day: true } });
    const rows = await tx.usageDay.groupBy({
      by: ['day'],
      where: { ...where, day: { ...where.day, lte: commonDay(newest.map(({ _max }) => _max.day ?? '')) } },
      _sum: { protectedBytes: true, storedBytes: true, devices: true, drills: true },
      orderBy: { day: 'asc' },
    });
    return rows.map(({ day, _sum: sum }) => ({
      day,
      protectedBytes: sum.protectedBytes ?? 0n,
      storedBytes: sum.storedBytes ?? 0n,
      devices: sum.devices ?? 0,
      drills: sum.drills ?? 0,
    }));
  });
}

/** Of the newest days of all: the oldest that is at most a clock's turn behind the newest. Who is further behind is measured no more. */
function commonDay(days: readonly string[]): string {
  const newest = days.reduce((a, b) => (a > b ? a : b), '');
  if (newest === '') return newest;
  const before = new Date(Date.parse(newest) - DAY_MS).toISOString().slice(0, 10);
  return days.includes(before) ? before : newest;
}
