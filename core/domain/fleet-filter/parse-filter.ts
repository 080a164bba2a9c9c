/** Text to tree. Whatever is wrong is a FilterError with its place; no text makes it throw anything else. */
import { OCCURRENCE_OUTCOMES, PROTECTION_STATES } from '../outcome.ts';
import { FIELD_NAMES, findField, isSortName, SORT_NAMES } from './fields.ts';
import {
  type Comparison,
  FILTER_CHARS_MAX,
  FILTER_DEPTH_MAX,
  type FilterNode,
  type FilterSort,
  type FleetFilter,
} from './filter.ts';
import { FilterError } from './filter-error.ts';
import { nearestWord } from './nearest-word.ts';
import { isOwnName, readOwnComparison } from './own-fields.ts';
import { readTerms, type Term } from './read-terms.ts';
import { readComparison } from './read-value.ts';

/** @throws FilterError */
export function parseFilter(text: string): FleetFilter {
  if (text.length > FILTER_CHARS_MAX)
    throw new FilterError(`A filter has at most ${FILTER_CHARS_MAX} characters.`, FILTER_CHARS_MAX, text.length);
  return new Parser(readTerms(text), text.length).parse();
}

class Parser {
  readonly #terms: readonly Term[];
  readonly #length: number;
  #at = 0;
  #sort: FilterSort | null = null;

  constructor(terms: readonly Term[], length: number) {
    this.#terms = terms;
    this.#length = length;
  }

  parse(): FleetFilter {
    const where = this.#readOr(0);
    const rest = this.#terms[this.#at];
    if (rest !== undefined) throw new FilterError('There is no opening bracket for this one.', rest.start, rest.end);
    return { where, sort: this.#sort };
  }

  #readOr(depth: number): FilterNode | null {
    const first = this.#readAnd(depth);
    const parts = [first];
    let separator = this.#takeWord('or');
    while (separator !== undefined) {
      const part = this.#readAnd(depth);
      if (first === null || part === null)
        throw new FilterError(
          '“or” stands between two conditions; write it in quotes to look for the word.',
          separator.start,
          separator.end,
        );
      parts.push(part);
      separator = this.#takeWord('or');
    }
    return parts.length === 1
      ? first
      : join(
          'or',
          parts.filter((part) => part !== null),
        );
  }

  #readAnd(depth: number): FilterNode | null {
    const parts: FilterNode[] = [];
    for (;;) {
      const term = this.#terms[this.#at];
      if (term === undefined || term.kind === 'close' || isWord(term, 'or')) break;
      const joiner = this.#takeWord('and');
      if (joiner !== undefined) {
        const next = this.#terms[this.#at];
        if (
          parts.length === 0 ||
          next === undefined ||
          next.kind === 'close' ||
          isWord(next, 'or') ||
          isWord(next, 'and')
        )
          throw new FilterError(
            '“and” stands between two conditions; write it in quotes to look for the word.',
            joiner.start,
            joiner.end,
          );
        continue;
      }
      const part = this.#readOne(depth);
      if (part !== null) parts.push(part);
    }
    return parts.length === 0 ? null : join('and', parts);
  }

  /** One condition; null for `sort:`, which is none. */
  #readOne(depth: number): FilterNode | null {
    const term = this.#terms[this.#at]!;
    if (depth >= FILTER_DEPTH_MAX) throw new FilterError('This is nested too deep.', term.start, term.end);
    this.#at++;
    if (term.kind === 'minus' || isWord(term, 'not')) {
      const next = this.#terms[this.#at];
      if (next === undefined || next.kind === 'close' || isWord(next, 'or') || isWord(next, 'and'))
        throw new FilterError('Say what must not be the case.', term.start, term.end);
      const part = this.#readOne(depth + 1);
      if (part === null)
        throw new FilterError('An order cannot be turned round; write sort:-name.', term.start, next.end);
      return part.kind === 'not' ? part.part : { kind: 'not', part };
    }
    if (term.kind === 'open') {
      const sortBefore = this.#sort;
      const part = this.#readOr(depth + 1);
      const close = this.#terms[this.#at];
      if (close === undefined) throw new FilterError('This bracket is never closed.', term.start, this.#length);
      this.#at++;
      if (part === null || this.#sort !== sortBefore)
        throw new FilterError(
          part === null ? 'There is nothing between these brackets.' : 'The order stands outside of brackets.',
          term.start,
          close.end,
        );
      return part;
    }
    if (term.kind !== 'word') throw new FilterError('Nothing was expected here.', term.start, term.end);
    return this.#readWord(term, depth);
  }

  #readWord(term: Term & { kind: 'word' }, depth: number): FilterNode | null {
    if (term.field === null) return bareWord(term.values[0]!.text, term.values[0]!.isQuoted, term);
    if (term.field.toLowerCase() === 'sort') return this.#readSort(term, depth);
    const comparison = term.comparison === ':' ? 'is' : (term.comparison as Comparison);
    const own = term.field.toLowerCase();
    if (isOwnName(own)) return readOwnComparison(own, comparison, term.values, term);
    const name = findField(term.field);
    const fieldEnd = term.start + term.field.length;
    if (name === undefined) {
      const near = nearestWord(term.field, FIELD_NAMES);
      throw new FilterError(
        `There is no field “${term.field}”.${near === undefined ? ' Put the word in quotes to look for it in names.' : ` Did you mean “${near}”?`}`,
        term.start,
        fieldEnd,
      );
    }
    return readComparison(name, comparison, term.values, term);
  }

  #readSort(term: Term & { kind: 'word' }, depth: number): null {
    const value = term.values[0]!;
    const [, minus, word = ''] = /^(-?)(.*)$/s.exec(value.text) ?? [];
    const name = findField(word);
    if (term.values.length > 1 || term.comparison !== ':')
      throw new FilterError('The list has one order, such as sort:-proof.', term.start, term.end);
    if (depth > 0) throw new FilterError('The order stands outside of brackets.', term.start, term.end);
    if (name === undefined || !isSortName(name)) {
      const near = nearestWord(word, SORT_NAMES);
      throw new FilterError(
        `The list cannot be sorted by “${word}”.${near === undefined ? ` It can by: ${SORT_NAMES.join(', ')}.` : ` Did you mean “${near}”?`}`,
        value.text === '' ? term.start : value.start,
        value.text === '' ? term.end : value.end,
      );
    }
    if (this.#sort !== null) throw new FilterError('There is an order already.', term.start, term.end);
    this.#sort = { by: name, isDescending: minus === '-' };
    return null;
  }

  #takeWord(word: string): Term | undefined {
    const term = this.#terms[this.#at];
    if (term === undefined || !isWord(term, word)) return undefined;
    this.#at++;
    return term;
  }
}

function isWord(term: Term, word: string): boolean {
  if (term.kind !== 'word' || term.field !== null) return false;
  const [value] = term.values;
  return value !== undefined && !value.isQuoted && value.text.toLowerCase() === word;
}

/** A word of a state means the state; any other is looked for in names. */
function bareWord(text: string, isQuoted: boolean, place: { start: number; end: number }): FilterNode {
  const word = text.toLowerCase();
  if (word.trim() === '')
    throw new FilterError('There is nothing between these quotation marks.', place.start, place.end);
  if (!isQuoted && (PROTECTION_STATES as readonly string[]).includes(word))
    return { kind: 'texts', field: 'status', comparison: 'is', texts: [word] };
  if (!isQuoted && (OCCURRENCE_OUTCOMES as readonly string[]).includes(word))
    return { kind: 'texts', field: 'last', comparison: 'is', texts: [word] };
  return { kind: 'text', text: word };
}

/** Nested alike becomes flat: one tree for one meaning. */
function join(kind: 'and' | 'or', parts: readonly FilterNode[]): FilterNode {
  const flat = parts.flatMap((part) => (part.kind === kind ? part.parts : [part]));
  return flat.length === 1 ? flat[0]! : { kind, parts: flat };
}
