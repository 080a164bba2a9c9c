/** A question about devices as a tree. Made by parseFilter; what it can hold is checked there, so that others need not. */
import type { FieldName, SortName } from './fields.ts';

/** `is` is written `:`; it means a part of a text, one of several words, or an equal number. */
export type Comparison = 'is' | '=' | '!=' | '<' | '<=' | '>' | '>=';

export type FilterNode =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly FilterNode[] }
  | { readonly kind: 'not'; readonly part: FilterNode }
  /** Looked for in the names of device, machine and customer. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'none'; readonly field: FieldName }
  /** Any of the texts: words of a closed list, tags, or parts of a name; in lower case. */
  | {
      readonly kind: 'texts';
      readonly field: FieldName;
      readonly comparison: 'is' | '=' | '!=';
      readonly texts: readonly string[];
    }
  /** A column that the provider has defined (own-fields.ts). `none` without texts; more and less with one. */
  | {
      readonly kind: 'own';
      readonly key: string;
      readonly comparison: Comparison | 'none';
      readonly texts: readonly string[];
    }
  /** Milliseconds, bytes or a plain number. */
  | {
      readonly kind: 'amount';
      readonly field: FieldName;
      readonly comparison: Exclude<Comparison, 'is'>;
      readonly amount: number;
    }
  /** Numbers of a version without zeros at the end: 1.4.0 and 1.4 are one. */
  | {
      readonly kind: 'version';
      readonly field: FieldName;
      readonly comparison: Exclude<Comparison, 'is'>;
      readonly numbers: readonly number[];
    };

export interface FilterSort {
  readonly by: SortName;
  readonly isDescending: boolean;
}

export interface FleetFilter {
  /** Null: every device. */
  readonly where: FilterNode | null;
  /** Null: the most urgent first. */
  readonly sort: FilterSort | null;
}

export const EVERY_DEVICE: FleetFilter = { where: null, sort: null };

/** Longer texts are refused before they are read. */
export const FILTER_CHARS_MAX = 2000;
/** Deeper nesting than this is no question of a person. */
export const FILTER_DEPTH_MAX = 20;

/** The first number is 0 when nothing is left: every version has an order. */
export function versionNumbers(version: string): number[] {
  const [text = '0'] = /^\d{1,9}(?:\.\d{1,9})*/.exec(version) ?? [];
  const numbers = text.split('.').map(Number);
  while (numbers.length > 1 && numbers.at(-1) === 0) numbers.pop();
  return numbers;
}
