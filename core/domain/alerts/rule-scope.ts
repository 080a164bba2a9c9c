/**
 * The filter language of the fleet list as far as rules use it: by what a device is, never by how its backups are doing. A rule
 * that looked at a state would come and go with what it is about.
 */
import { type FieldName } from '../fleet-filter/fields.ts';
import { FilterError } from '../fleet-filter/filter-error.ts';
import { ownName } from '../fleet-filter/own-fields.ts';
import type { FilterNode } from '../fleet-filter/filter.ts';
import { type FleetRecord, matchFilter } from '../fleet-filter/match-filter.ts';
import { parseFilter } from '../fleet-filter/parse-filter.ts';

export const SCOPE_FIELDS = [
  'tag',
  'customer',
  'policy',
  'name',
  'host',
  'os',
  'custody',
  'agent',
  'target',
] as const satisfies readonly FieldName[];

/** What a device is. */
export type DescribedDevice = Pick<
  FleetRecord,
  'tags' | 'targetMs' | Exclude<(typeof SCOPE_FIELDS)[number], 'tag' | 'target'>
>;

/** Null: every device. @throws FilterError for what is no filter, has an order, or asks for a state. */
export function parseRuleScope(text: string): FilterNode | null {
  const { where, sort } = parseFilter(text);
  if (sort !== null) throw new FilterError('A rule has no order; leave “sort:” out.', 0, text.length);
  const state = where === null ? undefined : stateOf(where);
  if (state !== undefined)
    throw new FilterError(
      `“${state}” ${state === 'note' || state.startsWith('my.') ? 'is not known to rules' : 'changes while the rule looks'}. A rule chooses devices by ${SCOPE_FIELDS.join(', ')}, or by a part of a name.`,
      0,
      text.length,
    );
  return where;
}

function stateOf(node: FilterNode): string | undefined {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.parts.map(stateOf).find((field) => field !== undefined);
    case 'not':
      return stateOf(node.part);
    case 'text':
      return undefined;
    case 'own':
      return ownName(node.key);
    default:
      return isScopeField(node.field) ? undefined : node.field;
  }
}

function isScopeField(field: FieldName): boolean {
  return (SCOPE_FIELDS as readonly FieldName[]).includes(field);
}

export function matchesScope(where: FilterNode | null, device: DescribedDevice): boolean {
  return matchFilter(where, { ...NO_STATE, ...device }, 0);
}

/** Is asked for by no scope. */
const NO_STATE: Omit<FleetRecord, keyof DescribedDevice> = {
  status: 'unknown',
  last: null,
  run: null,
  flags: [],
  dataAtMs: null,
  proofAtMs: null,
  ranAtMs: null,
  seenAtMs: null,
  enrolledAtMs: 0,
  nextAtMs: null,
  rtoMs: null,
  level: null,
  sizeBytes: null,
  addedBytes: null,
  alerts: 0,
  damage: 0,
  note: null,
  own: {},
};
