import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FilterError } from './filter-error.ts';
import { parseFilter } from './parse-filter.ts';
import { printFilter } from './print-filter.ts';
import { suggestFilter } from './suggest-filter.ts';

const seed = Date.now() % 2 ** 31;
const PIECES = [
  ' ',
  '(',
  ')',
  '-',
  '"',
  '\\',
  ',',
  ':',
  '<',
  '>=',
  '!=',
  'or',
  'and',
  'not',
  'status',
  'failed',
  'rpo',
  '24h',
  'sort',
  'x',
  'none',
  'agent',
  '1.4',
  '\u0000',
  'ß',
  '😀',
];
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((pieces) => pieces.join('')),
);

test('whatever is typed is a filter that prints and reads back alike, or an error with its place inside of the text', () => {
  console.log(`seed ${seed}`);
  let understood = 0;
  fc.assert(
    fc.property(text, (typed) => {
      let filter: ReturnType<typeof parseFilter>;
      try {
        filter = parseFilter(typed);
      } catch (error) {
        if (!(error instanceof FilterError)) throw error;
        expect(error.start).toBeGreaterThanOrEqual(0);
        expect(error.end).toBeGreaterThan(error.start);
        expect(error.end).toBeLessThanOrEqual(typed.length);
        return;
      }
      understood++;
      expect(parseFilter(printFilter(filter))).toEqual(filter);
    }),
    { seed, numRuns: 20_000 },
  );
  expect(understood).toBeGreaterThan(500);
});

test('a suggestion for any text at any place replaces a part of it', () => {
  fc.assert(
    fc.property(text, fc.nat(), (typed, at) => {
      const place = typed.length === 0 ? 0 : at % (typed.length + 1);
      for (const { start } of suggestFilter(typed, place, { customer: ['Hill Dental'] })) {
        expect(start).toBeGreaterThanOrEqual(0);
        expect(start).toBeLessThanOrEqual(place);
      }
    }),
    { seed, numRuns: 5000 },
  );
});
