/** Twelve months of a customer, with their days: what a yearly report is made of. From the roll-ups alone. */
import { HoldfastError } from '../../core/base/errors.ts';
import type { CustomerFigures } from '../../core/domain/sla/customer-figures.ts';
import type { Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { readFiguresJson } from './read-figures.ts';

export interface SlaYear {
  readonly customer: { readonly id: string; readonly name: string; readonly timeZone: string };
  readonly months: readonly {
    readonly month: string;
    readonly figures: CustomerFigures;
    readonly frozenMs: number | null;
  }[];
  readonly days: readonly {
    readonly day: string;
    readonly share: number | null;
    readonly bad: number;
    readonly peakMs: number | null;
  }[];
}

/** `lastMonth` and the eleven before it. @throws HoldfastError not_found. */
export async function loadSlaYear(
  services: Services,
  scope: Scope,
  customerId: string,
  lastMonth: string,
): Promise<SlaYear> {
  const { tenantId } = scope;
  const first = new Date(Date.UTC(Number(lastMonth.slice(0, 4)), Number(lastMonth.slice(5)) - 12, 1))
    .toISOString()
    .slice(0, 7);
  return await withScope(services, scope, async (tx) => {
    const customer = await tx.customer.findFirst({ where: { tenantId, id: customerId } });
    if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
    const where = { tenantId, customerId };
    const months = await tx.customerMonth.findMany({
      where: { ...where, month: { gte: first, lte: lastMonth } },
      orderBy: { month: 'asc' },
      select: { month: true, figures: true, frozenAt: true },
    });
    const days = await tx.customerDay.findMany({
      where: { ...where, day: { gte: `${first}-01`, lte: `${lastMonth}-31` } },
      orderBy: { day: 'asc' },
    });
    return {
      customer: { id: customer.id, name: customer.name, timeZone: customer.timezone },
      months: months.map(({ month, figures, frozenAt }) => ({
        month,
        figures: readFiguresJson(figures),
        frozenMs: frozenAt?.getTime() ?? null,
      })),
      days: days.map((row) => ({
        day: row.day,
        share: row.windowSeconds === 0n ? null : 1 - Number(row.violationSeconds) / Number(row.windowSeconds),
        bad: row.missed + row.failed + row.stuck,
        peakMs: row.peakExposureSeconds === null ? null : Number(row.peakExposureSeconds) * 1000,
      })),
    };
  });
}
