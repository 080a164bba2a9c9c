import { expect, test } from 'vitest';
import { changeWords } from './usage-words.ts';

test('a change is said against what was, and is never rounded away', () => {
  expect(changeWords(5, null)).toBe('new this month');
  expect(changeWords(5, 0)).toBe('new this month');
  expect(changeWords(0, 0)).toBe('as before');
  expect(changeWords(1000, 1000)).toBe('as before');
  expect(changeWords(1001, 1000)).toBe('a little more');
  expect(changeWords(999, 1000)).toBe('a little less');
  expect(changeWords(1125, 1000)).toBe('12 % more');
  expect(changeWords(0, 1000)).toBe('100 % less');
});
