import { isOwnName, type OwnName } from './own-fields.ts';

/** What the fleet list can show of a device, in its order; the name of the device is always there. */
export const FLEET_COLUMNS = [
  'status',
  'customer',
  'rpo',
  'proof',
  'level',
  'rto',
  'last',
  'history',
  'next',
  'alert',
  'owner',
  'size',
  'added',
  'policy',
  'tags',
  'note',
  'agent',
  'os',
  'seen',
] as const;
export type FleetColumn = (typeof FLEET_COLUMNS)[number];

/** What fits beside the menu on a screen of 1440 pixels. */
export const DEFAULT_COLUMNS: readonly FleetColumn[] = ['status', 'rpo', 'proof', 'level', 'last', 'history', 'alert'];

export const DENSITIES = ['comfortable', 'compact'] as const;
export type Density = (typeof DENSITIES)[number];

/** One of the list's, or one that the provider has defined. */
export type AnyColumn = FleetColumn | OwnName;

/** From an address or a saved view: what is unknown is left out; nothing at all means the usual ones. One's own come last. */
export function readColumns(names: readonly string[]): readonly AnyColumn[] {
  const wanted = [...FLEET_COLUMNS.filter((column) => names.includes(column)), ...new Set(names.filter(isOwnName))];
  return wanted.length === 0 ? DEFAULT_COLUMNS : wanted;
}
