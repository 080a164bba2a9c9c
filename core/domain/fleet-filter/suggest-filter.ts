/** What may be typed next, at a place in an unfinished filter. */
import { ownName } from './own-fields.ts';
import { FIELD_NAMES, fieldOf, type FieldName, findField, SORT_NAMES } from './fields.ts';

export interface FilterSuggestion {
  /** Replaces the text from `start` to the place. */
  readonly text: string;
  readonly start: number;
  readonly meaning: string;
}

/** Names that only the service knows: of customers, policies and tags. */
export type KnownNames = Readonly<Partial<Record<FieldName, readonly string[]>>> & {
  /** Columns of the provider's own, with what people call them and the values that they can have. */
  readonly own?: readonly { readonly key: string; readonly label: string; readonly choices: readonly string[] }[];
};

const SUGGESTIONS_MAX = 8;

export function suggestFilter(text: string, place: number, known: KnownNames): FilterSuggestion[] {
  const start = termStart(text, place);
  const typed = text.slice(start, place).replace(/^-/, '');
  const from = place - typed.length;
  const [, fieldText, comparison, list] =
    /^(my\.[A-Za-z0-9_]+|[A-Za-z_]+)(:?(?:<=|>=|!=|<|>|=)|:)([\s\S]*)$/.exec(typed) ?? [];
  if (fieldText === undefined || comparison === undefined || list === undefined)
    return suggestFields(typed, from, known);
  // Of a list of values the last one is being typed.
  const last = list.slice(list.lastIndexOf(',') + 1);
  return suggestValues(fieldText, last, place - last.length, known);
}

/** Where the term begins in which the place lies: the last space or bracket before it that no quotation marks hold. */
function termStart(text: string, place: number): number {
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < place; at++) {
    const char = text[at]!;
    if (char === '\\' && isQuoted) at++;
    else if (char === '"') isQuoted = !isQuoted;
    else if (!isQuoted && /[\s()]/.test(char)) start = at + 1;
  }
  return start;
}

function suggestFields(typed: string, start: number, { own = [] }: KnownNames): FilterSuggestion[] {
  const word = typed.toLowerCase();
  if (word.startsWith('"')) return [];
  const fields = FIELD_NAMES.filter(
    (name) =>
      name.startsWith(word) || (fieldOf(name).aliases ?? []).some((alias) => word !== '' && alias.startsWith(word)),
  ).map((name) => {
    const { kind, meaning } = fieldOf(name);
    const isAmount = kind === 'age' || kind === 'span' || kind === 'number' || kind === 'bytes' || kind === 'version';
    return { text: `${name}${isAmount ? '>' : ':'}`, start, meaning };
  });
  const sort = 'sort'.startsWith(word) ? [{ text: 'sort:', start, meaning: 'the order of the list' }] : [];
  const mine = own
    .filter(({ key, label }) => word !== '' && (ownName(key).startsWith(word) || label.toLowerCase().startsWith(word)))
    .map(({ key, label }) => ({ text: `${ownName(key)}:`, start, meaning: label }));
  return word === '' ? fields.slice(0, SUGGESTIONS_MAX) : [...fields, ...mine, ...sort].slice(0, SUGGESTIONS_MAX);
}

function suggestValues(fieldText: string, typed: string, start: number, known: KnownNames): FilterSuggestion[] {
  const wanted = typed.replace(/^"/, '').toLowerCase();
  const isMatching = (value: string): boolean => value.toLowerCase().includes(wanted) && value.toLowerCase() !== wanted;
  if (fieldText.toLowerCase() === 'sort')
    return SORT_NAMES.filter((name) => name.startsWith(wanted.replace(/^-/, '')))
      .map((name) => ({ text: `${typed.startsWith('-') ? '-' : ''}${name}`, start, meaning: fieldOf(name).meaning }))
      .slice(0, SUGGESTIONS_MAX);
  const mine = known.own?.find(({ key }) => ownName(key) === fieldText.toLowerCase());
  if (mine !== undefined)
    return mine.choices
      .filter(isMatching)
      .slice(0, SUGGESTIONS_MAX)
      .map((value) => ({
        text: quotedIfNeeded(value),
        start,
        meaning: mine.label,
      }));
  const name = findField(fieldText);
  if (name === undefined) return [];
  const { kind, words, canBeNone, meaning } = fieldOf(name);
  const values = words ?? known[name] ?? valuesFor(kind);
  const none = canBeNone === true && wanted !== '' && 'none'.startsWith(wanted) ? ['none'] : [];
  return [...values.filter(isMatching), ...none].slice(0, SUGGESTIONS_MAX).map((value) => ({
    text: quotedIfNeeded(value),
    start,
    meaning,
  }));
}

function quotedIfNeeded(value: string): string {
  return /^[^\s(),"\\]+$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}

function valuesFor(kind: string): readonly string[] {
  if (kind === 'age' || kind === 'span') return ['1h', '4h', '24h', '2d', '7d', '30d'];
  if (kind === 'bytes') return ['1GB', '100GB', '1TB'];
  return kind === 'number' ? ['0', '1', '2', '3', '4', '5'] : [];
}
