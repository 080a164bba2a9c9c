/** The one text for a filter: parseFilter reads it back as the same tree. */
import { OCCURRENCE_OUTCOMES, PROTECTION_STATES } from '../outcome.ts';
import { fieldOf } from './fields.ts';
import type { FilterNode, FleetFilter } from './filter.ts';
import { ownName } from './own-fields.ts';
import { BYTE_UNITS, SPAN_UNITS } from './read-value.ts';

export function printFilter({ where, sort }: FleetFilter): string {
  const condition = where === null ? '' : printNode(where, false);
  const order = sort === null ? '' : `sort:${sort.isDescending ? '-' : ''}${sort.by}`;
  return condition !== '' && order !== '' && where?.kind === 'or'
    ? `(${condition}) ${order}`
    : [condition, order].filter((part) => part !== '').join(' ');
}

/** `isInner`: something binds it to its neighbours, so that what binds weaker needs brackets. */
function printNode(node: FilterNode, isInner: boolean): string {
  switch (node.kind) {
    case 'and': {
      const text = node.parts.map((part) => printNode(part, true)).join(' ');
      return isInner ? `(${text})` : text;
    }
    case 'or': {
      const text = node.parts
        .map((part) => (part.kind === 'and' ? printNode(part, false) : printNode(part, true)))
        .join(' or ');
      return isInner ? `(${text})` : text;
    }
    case 'not':
      return `-${printNode(node.part, true)}`;
    case 'text':
      return quote(node.text, isPlainWord(node.text));
    case 'none':
      return `${node.field}:none`;
    case 'texts':
      return `${node.field}${node.comparison === 'is' ? ':' : node.comparison}${node.texts.map(quoteValue).join(',')}`;
    case 'own':
      if (node.comparison === 'none') return `${ownName(node.key)}:none`;
      return `${ownName(node.key)}${node.comparison === 'is' ? ':' : node.comparison}${node.texts.map(quoteValue).join(',')}`;
    case 'amount':
      return `${node.field}${node.comparison}${printAmount(fieldOf(node.field).kind, node.amount)}`;
    case 'version':
      return `${node.field}${node.comparison}${node.numbers.join('.')}`;
  }
}

/** Read back as one value of a list. */
function quoteValue(text: string): string {
  return quote(text, /^[^\s(),"\\<>=!:]+$/.test(text) && text !== 'none');
}

function printAmount(kind: string, amount: number): string {
  if (kind === 'number') return String(amount);
  if (kind === 'bytes') {
    const [unit, factor] = BYTE_UNITS.find(([, size]) => amount >= size && amount % size === 0) ?? ['B', 1];
    return `${amount / factor}${unit}`;
  }
  // Whole milliseconds: what is left of the last second is written as thousandths of one.
  let rest = amount;
  let text = '';
  for (const [unit, size] of SPAN_UNITS) {
    const count = unit === 's' ? rest / size : Math.floor(rest / size);
    if (count === 0) continue;
    text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === '' ? '0s' : text;
}

const KEYWORDS: ReadonlySet<string> = new Set(['or', 'and', 'not', ...PROTECTION_STATES, ...OCCURRENCE_OUTCOMES]);

/** Read back as it is: no bracket, no comparison, no word that means something. */
function isPlainWord(text: string): boolean {
  return /^[^\s()"\\<>=!:-][^\s()"\\<>=!:]*$/.test(text) && !KEYWORDS.has(text);
}

function quote(text: string, isPlain: boolean): string {
  return isPlain ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}
