import { monthBefore } from '../../core/domain/calendar.ts';
import type { Scope } from '../access/scope.ts';
import type { Services } from '../services.ts';
import { CUSTOMERS_A_PAGE, type FleetSlaLine, type FleetSlaView, viewFleetSla } from '../sla/view-fleet-sla.ts';
import { csvLine } from '../../core/base/csv.ts';

export interface SummaryLine extends FleetSlaLine {
  /** Of the month before; null: the customer was not measured then. */
  readonly before: Pick<FleetSlaLine, 'attainment' | 'worstShare' | 'readiness'> | null;
}

export interface ExecutiveSummary {
  readonly month: string;
  readonly monthBefore: string;
  /** Every customer, the worst first. */
  readonly customers: readonly SummaryLine[];
  readonly sums: FleetSlaView['sums'];
  readonly sumsBefore: FleetSlaView['sums'];
}

/** All customers of a month with what changed since the month before. @throws HoldfastError forbidden. */
export async function executiveSummary(services: Services, scope: Scope, month: string): Promise<ExecutiveSummary> {
  const earlierMonth = monthBefore(month);
  const now = await allCustomers(services, scope, month);
  const before = await allCustomers(services, scope, earlierMonth);
  const earlier = new Map(before.customers.map((line) => [line.customerId, line]));
  return {
    month,
    monthBefore: earlierMonth,
    sums: now.sums,
    sumsBefore: before.sums,
    customers: now.customers.map((line) => {
      const one = earlier.get(line.customerId);
      const { attainment, worstShare, readiness } = one ?? line;
      return { ...line, before: one === undefined ? null : { attainment, worstShare, readiness } };
    }),
  };
}

async function allCustomers(services: Services, scope: Scope, month: string) {
  const customers: FleetSlaLine[] = [];
  for (let page = 1; ; page++) {
    const view = await viewFleetSla(services, scope, { month, page });
    customers.push(...view.customers);
    if (view.customers.length < CUSTOMERS_A_PAGE) return { customers, sums: view.sums };
  }
}

const HEAD = [
  ...['Customer', 'Share of time within the target', 'Month before', 'Worst system', 'Month before', 'Systems'],
  ...['Below target', 'Oldest data (s)', 'Tested in time', 'Ready (of 100)', 'Month before', 'Credit (%)', 'Closed'],
];

export function summaryCsv({ customers }: ExecutiveSummary): string {
  const rows = customers.map((line) => [
    ...[line.name, line.attainment, line.before?.attainment ?? null, line.worstShare, line.before?.worstShare ?? null],
    ...[line.sources, line.belowTarget, line.peakMs === null ? null : Math.round(line.peakMs / 1000), line.drilled.met],
    ...[line.readiness, line.before?.readiness ?? null, line.credit, line.isFrozen ? 'yes' : 'no'],
  ]);
  return [HEAD, ...rows].map(csvLine).join('');
}
