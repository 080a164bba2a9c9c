/** A filter's text as terms with their places; what they mean is decided in parse-filter.ts. */
import { FilterError } from './filter-error.ts';

export type Term =
  | { readonly kind: 'open' | 'close' | 'minus'; readonly start: number; readonly end: number }
  | {
      readonly kind: 'word';
      readonly start: number;
      readonly end: number;
      /** Before the comparison; null for a bare word. */
      readonly field: string | null;
      readonly comparison: string;
      readonly values: readonly Value[];
    };

export interface Value {
  readonly text: string;
  readonly isQuoted: boolean;
  readonly start: number;
  readonly end: number;
}

/** A provider's own columns have a dot; any other word with one is looked for as it is. */
const COMPARISON = /^([Mm][Yy]\.[A-Za-z0-9_]+|[A-Za-z][A-Za-z_-]*)(:?(?:<=|>=|!=|<|>|=)|:)/;

export function readTerms(text: string): Term[] {
  const terms: Term[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (/\s/.test(char)) at++;
    else if (char === '(' || char === ')') {
      terms.push({ kind: char === '(' ? 'open' : 'close', start: at, end: at + 1 });
      at++;
    } else if (char === '-') {
      terms.push({ kind: 'minus', start: at, end: at + 1 });
      at++;
    } else {
      const term = readWord(text, at);
      terms.push(term);
      at = term.end;
    }
  }
  return terms;
}

function readWord(text: string, start: number): Term & { kind: 'word' } {
  const [whole, field, comparison] = COMPARISON.exec(text.slice(start)) ?? [];
  if (whole === undefined || field === undefined || comparison === undefined) {
    const value = readValue(text, start, false);
    return { kind: 'word', start, end: value.end, field: null, comparison: '', values: [value] };
  }
  const values: Value[] = [];
  let at = start + whole.length;
  for (;;) {
    const value = readValue(text, at, true);
    values.push(value);
    at = value.end;
    if (text[at] !== ',') break;
    at++;
  }
  return { kind: 'word', start, end: at, field, comparison: comparison.replace(/^:(?=.)/, ''), values };
}

/** Up to the next space, bracket or quote; in a list also up to the next comma. */
function readValue(text: string, start: number, isListed: boolean): Value {
  if (text[start] === '"') return readQuoted(text, start);
  let end = start;
  const stops = isListed ? /[\s()",]/ : /[\s()"]/;
  while (end < text.length && !stops.test(text[end]!)) end++;
  return { text: text.slice(start, end), isQuoted: false, start, end };
}

function readQuoted(text: string, start: number): Value {
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"') return { text: value, isQuoted: true, start, end: at + 1 };
    if (char === '\\' && at + 1 < text.length) at++;
    value += text[at]!;
  }
  throw new FilterError('This quotation mark is never closed.', start, text.length);
}
