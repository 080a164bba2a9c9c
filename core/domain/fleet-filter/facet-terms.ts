/** The conditions that a click on a facet writes: those at the top of the filter, all of which must hold. */
import type { FieldName } from './fields.ts';
import type { FilterNode, FleetFilter } from './filter.ts';

/** The words of a field that the filter asks for at its top, such as `status:failed,missed`; none when it does not. */
export function chosenWords({ where }: FleetFilter, field: FieldName): readonly string[] {
  return topParts(where).flatMap((part) => (isChoice(part, field) ? part.texts : []));
}

/** The filter with the word added to the choice of its field, or taken out of it where it is chosen. */
export function toggleWord(filter: FleetFilter, field: FieldName, word: string): FleetFilter {
  const chosen = chosenWords(filter, field);
  const text = word.toLowerCase();
  const next = chosen.includes(text) ? chosen.filter((one) => one !== text) : [...chosen, text];
  // A customer or a policy of the list is meant as a whole, not whoever has a name like it.
  const comparison = field === 'customer' || field === 'policy' ? '=' : 'is';
  const choice: FilterNode[] = next.length === 0 ? [] : [{ kind: 'texts', field, comparison, texts: next }];
  return { ...filter, where: joinTop([...withoutChoice(filter.where, field), ...choice]) };
}

/** What is left of the top of a filter without the choice of a field: what that field's own counts are counted among. */
export function withoutChoice(where: FilterNode | null, field: FieldName): FilterNode[] {
  return topParts(where).filter((part) => !isChoice(part, field));
}

export function joinTop(parts: readonly FilterNode[]): FilterNode | null {
  return parts.length === 0 ? null : parts.length === 1 ? parts[0]! : { kind: 'and', parts };
}

function topParts(where: FilterNode | null): readonly FilterNode[] {
  return where === null ? [] : where.kind === 'and' ? where.parts : [where];
}

function isChoice(part: FilterNode, field: FieldName): part is FilterNode & { kind: 'texts' } {
  return part.kind === 'texts' && part.field === field && part.comparison !== '!=';
}
