import { formatCount, formatCountOf } from '../../core/domain/format.ts';
import { percentText } from '../../core/domain/sla/percent-text.ts';
import { monthWords } from '../../core/domain/sla/sla-words.ts';
import type { ExecutiveSummary } from '../../server/reports/executive-summary.ts';
import type { FleetSlaView } from '../../server/sla/view-fleet-sla.ts';

/** How all customers did in a month. Of whom nothing was measured, nothing is claimed. */
export function fleetSlaSentence({ sums, total, month }: Pick<FleetSlaView, 'sums' | 'total' | 'month'>): string {
  const { customersBelow, unmeasured } = sums;
  const name = monthWords(month);
  if (total === unmeasured) return `Nothing was measured in ${name}.`;
  const rest = unmeasured === 0 ? '' : `; of ${formatCountOf(unmeasured, 'customer')} nothing was measured`;
  if (customersBelow > 0)
    return `In ${name} ${formatCountOf(customersBelow, 'customer')} of ${formatCount(total)} ${customersBelow === 1 ? 'has' : 'have'} sources below target${rest}.`;
  return `In ${name} every source of ${formatCountOf(total - unmeasured, 'customer')} is within its target${rest}.`;
}

/** The same for whoever runs the provider: the worst by name. */
export function summarySentence({
  customers,
  sums,
  month,
}: Pick<ExecutiveSummary, 'sums' | 'month'> & {
  readonly customers: readonly Pick<ExecutiveSummary['customers'][number], 'name' | 'worstShare'>[];
}): string {
  const { customersBelow, unmeasured } = sums;
  const total = customers.length;
  const name = monthWords(month);
  if (total === unmeasured) return `Nothing was measured in ${name}.`;
  const rest = unmeasured === 0 ? '' : `; of ${formatCountOf(unmeasured, 'customer')} nothing was measured`;
  if (customersBelow === 0)
    return `In ${name} every system of ${formatCountOf(total - unmeasured, 'customer')} was recoverable as agreed${rest}.`;
  const [worst] = customers;
  const share =
    worst?.worstShare == null ? '' : `; worst is ${worst.name} with a system at ${percentText(worst.worstShare, 2)}`;
  return `In ${name} ${formatCount(customersBelow)} of ${formatCountOf(total, 'customer')} had systems below target${share}${rest}.`;
}
