/** The value of one comparison, by the kind of its field. */
import { type FieldName, fieldOf } from './fields.ts';
import { FilterError } from './filter-error.ts';
import { type Comparison, type FilterNode, versionNumbers } from './filter.ts';
import { nearestWord } from './nearest-word.ts';
import type { Value } from './read-terms.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  min: 60_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
/** A hundred years: longer than anything, and far inside what a date can hold. */
const SPAN_MS_MAX = 100 * 365 * 86_400_000;
const UNIT_BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  pb: 1e15,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};

/** Largest first, for the printer. */
export const SPAN_UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;
export const BYTE_UNITS = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
  ['B', 1],
] as const;

export function readComparison(
  name: FieldName,
  comparison: Comparison,
  values: readonly Value[],
  term: { readonly start: number; readonly end: number },
): FilterNode {
  const { kind, canBeNone, example } = fieldOf(name);
  const first = values[0]!;
  if (values.some(({ text, isQuoted }) => text === '' && !isQuoted))
    throw new FilterError(`A value is missing after “${name}”, such as ${example}.`, term.start, term.end);
  if (values.length === 1 && first.text.toLowerCase() === 'none' && !first.isQuoted && comparison === 'is') {
    if (canBeNone === undefined) throw new FilterError(`Every device has a value for “${name}”.`, term.start, term.end);
    return { kind: 'none', field: name };
  }
  if (kind === 'text' || kind === 'word' || kind === 'tag') return readTexts(name, comparison, values, term);
  if (values.length > 1)
    throw new FilterError(`“${name}” takes one value, such as ${example}.`, values[1]!.start, values.at(-1)!.end);
  if (kind === 'version') {
    if (!/^\d{1,9}(?:\.\d{1,9})*$/.test(first.text))
      throw new FilterError(
        `“${first.text}” is no version; write numbers, such as ${example}.`,
        first.start,
        first.end,
      );
    return { kind: 'version', field: name, comparison: equalIfIs(comparison), numbers: versionNumbers(first.text) };
  }
  if (kind !== 'number' && (comparison === 'is' || comparison === '=' || comparison === '!='))
    throw new FilterError(`Say whether “${name}” is more or less than that, such as ${example}.`, term.start, term.end);
  const amount = kind === 'number' ? readNumber(first, example) : kind === 'bytes' ? readBytes(first) : readSpan(first);
  return { kind: 'amount', field: name, comparison: equalIfIs(comparison), amount };
}

function equalIfIs(comparison: Comparison): Exclude<Comparison, 'is'> {
  return comparison === 'is' ? '=' : comparison;
}

function readTexts(
  name: FieldName,
  comparison: Comparison,
  values: readonly Value[],
  term: { readonly start: number; readonly end: number },
): FilterNode {
  const { kind, words = [], example } = fieldOf(name);
  if (comparison !== 'is' && comparison !== '=' && comparison !== '!=')
    throw new FilterError(`“${name}” is neither more nor less than anything; write ${example}.`, term.start, term.end);
  const texts = values.map((value) => {
    const text = value.text.toLowerCase();
    if (text === '')
      throw new FilterError(`A value is missing after “${name}”, such as ${example}.`, value.start, value.end);
    if (kind === 'word' && !words.includes(text)) {
      const near = nearestWord(text, words);
      throw new FilterError(
        `“${value.text}” is no value of “${name}”.${near === undefined ? ` There are: ${words.join(', ')}.` : ` Did you mean “${near}”?`}`,
        value.start,
        value.end,
      );
    }
    return text;
  });
  // A word of a closed list is equal or it is not: one way to say it.
  const wanted = kind !== 'text' && comparison === '=' ? 'is' : comparison;
  return { kind: 'texts', field: name, comparison: wanted, texts: [...new Set(texts)] };
}

function readNumber({ text, start, end }: Value, example: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new FilterError(`“${text}” is no whole number, such as in ${example}.`, start, end);
  return Number(text);
}

/** "24h", "1d12h", "90min". */
function readSpan({ text, start, end }: Value): number {
  const parts = [...text.toLowerCase().matchAll(/(\d{1,9}(?:\.\d{1,3})?)(min|[smhdw])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text.toLowerCase())
    throw new FilterError(`“${text}” is no length of time; write 30min, 24h, 1d12h or 2w.`, start, end);
  const spanMs = parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit!]!, 0);
  if (spanMs > SPAN_MS_MAX) throw new FilterError('This is longer than a hundred years.', start, end);
  return Math.round(spanMs);
}

/** "500GB", "1.5TiB". */
function readBytes({ text, start, end }: Value): number {
  const [, count, unit = 'b'] = /^(\d{1,15}(?:\.\d{1,3})?)([kmgtp]?i?b)?$/i.exec(text) ?? [];
  const factor = UNIT_BYTES[unit.toLowerCase()];
  const bytes = Number(count) * (factor ?? Number.NaN);
  if (!Number.isFinite(bytes)) throw new FilterError(`“${text}” is no size; write 500MB, 20GB or 1.5TB.`, start, end);
  if (bytes > Number.MAX_SAFE_INTEGER) throw new FilterError('This is more than can be counted.', start, end);
  return Math.round(bytes);
}
