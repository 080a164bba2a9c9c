/** What the list shows, as it stands in the address: a link is the whole view. */
import type { DayRule } from '../../../core/domain/fleet-filter/day-rule.ts';
import { type AnyColumn, DEFAULT_COLUMNS, type Density } from '../../../core/domain/fleet-filter/columns.ts';

export interface FleetAddress {
  readonly filter: string;
  readonly columns: readonly AnyColumn[];
  readonly density: Density;
  readonly dayRule: DayRule;
}

export function fleetHref({ filter, columns, density, dayRule }: FleetAddress): string {
  const query = addressQuery({ filter, columns });
  if (density === 'compact') query.set('density', density);
  if (dayRule !== 'each') query.set('days', dayRule);
  return query.size === 0 ? '/fleet' : `/fleet?${query}`;
}

export function exportHref(address: Pick<FleetAddress, 'filter' | 'columns'>): string {
  const query = addressQuery(address);
  return query.size === 0 ? '/api/fleet/export' : `/api/fleet/export?${query}`;
}

function addressQuery({ filter, columns }: Pick<FleetAddress, 'filter' | 'columns'>): URLSearchParams {
  const query = new URLSearchParams();
  if (filter !== '') query.set('filter', filter);
  if (columns.join(',') !== DEFAULT_COLUMNS.join(',')) query.set('columns', columns.join(','));
  return query;
}
