/**
 * Columns that a provider has defined, as the filter asks for them: `my.site:oslo my.seats>5 my.renewal<2027-01-01`. The parser
 * knows no provider: what a device has there decides what a comparison means, and a column that nobody has defined holds nowhere.
 */
import { FilterError } from './filter-error.ts';
import type { Comparison, FilterNode } from './filter.ts';
import type { Value } from './read-terms.ts';

export const OWN_FIELD_KINDS = ['text', 'number', 'date', 'choice'] as const;
export type OwnFieldKind = (typeof OWN_FIELD_KINDS)[number];

/** By the key of the column. A date is text, 2026-11-21. */
export type OwnValues = Readonly<Record<string, string | number>>;

const PREFIX = 'my.';
const NAME = /^my\.[a-z0-9_]{1,40}$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const NUMBER = /^-?\d{1,12}(?:\.\d{1,6})?$/;

export type OwnName = `my.${string}`;

export function isOwnName(text: string): text is OwnName {
  return NAME.test(text);
}

export function ownKey(name: OwnName): string {
  return name.slice(PREFIX.length);
}

export function ownName(key: string): OwnName {
  return `${PREFIX}${key}`;
}

/** A word for a column from what people call it; empty where nothing of it is left. */
export function keyOf(label: string): string {
  return label
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
    .replace(/ /g, '_')
    .slice(0, 40);
}

/** A day of the calendar, as 2026-11-21. */
export function isDate(text: string): boolean {
  const atMs = DATE.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // The 31st of February would be read as one of March.
  return !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(text);
}

/** @throws FilterError */
export function readOwnComparison(
  name: OwnName,
  comparison: Comparison,
  values: readonly Value[],
  term: { readonly start: number; readonly end: number },
): FilterNode {
  const key = ownKey(name);
  const first = values[0]!;
  const empty = values.find(({ text }) => text === '');
  if (empty !== undefined)
    throw new FilterError(`A value is missing after “${name}”, such as ${name}:text.`, term.start, term.end);
  if (comparison === 'is' && values.length === 1 && !first.isQuoted && first.text.toLowerCase() === 'none')
    return { kind: 'own', key, comparison: 'none', texts: [] };
  if (comparison === 'is' || comparison === '=' || comparison === '!=')
    return { kind: 'own', key, comparison, texts: [...new Set(values.map(({ text }) => text.toLowerCase()))] };
  if (values.length > 1)
    throw new FilterError(`More or less than one value, such as ${name}>5.`, values[1]!.start, values.at(-1)!.end);
  if (!NUMBER.test(first.text) && !isDate(first.text))
    throw new FilterError(
      `“${first.text}” is neither a number nor a date; write ${name}>5 or ${name}<2027-01-31.`,
      first.start,
      first.end,
    );
  const text = isDate(first.text) ? first.text : String(Number(first.text));
  return { kind: 'own', key, comparison, texts: [text] };
}

/** Does what a device has there fit? Nothing is neither more nor less than anything. */
export function matchesOwn(node: FilterNode & { readonly kind: 'own' }, values: OwnValues): boolean {
  const value = values[node.key];
  const { comparison, texts } = node;
  if (comparison === 'none') return value === undefined;
  const own = value === undefined ? null : String(value).toLowerCase();
  if (comparison === 'is') return own !== null && texts.some((text) => own.includes(text));
  if (comparison === '=') return own !== null && texts.includes(own);
  if (comparison === '!=') return own === null || !texts.includes(own);
  const wanted = texts[0]!;
  const order = DATE.test(wanted)
    ? typeof value === 'string' && DATE.test(value)
      ? value.localeCompare(wanted)
      : null
    : typeof value === 'number'
      ? value - Number(wanted)
      : null;
  if (order === null) return false;
  return comparison === '<'
    ? order < 0
    : comparison === '<='
      ? order <= 0
      : comparison === '>'
        ? order > 0
        : order >= 0;
}

/** The columns that a filter asks for. */
export function ownKeysOf(node: FilterNode): readonly string[] {
  if (node.kind === 'own') return [node.key];
  if (node.kind === 'not') return ownKeysOf(node.part);
  return node.kind === 'and' || node.kind === 'or' ? node.parts.flatMap(ownKeysOf) : [];
}

/** For a filter that asks for a column that is not there: a list that is empty by a slip of the pen would look like good news. */
export function unknownColumn(key: string, known: readonly string[]): string {
  const there =
    known.length === 0
      ? 'None is defined yet: the menu Columns of the fleet list does that.'
      : `There are: ${known.map(ownName).join(', ')}.`;
  return `There is no column “${ownName(key)}”. ${there}`;
}
