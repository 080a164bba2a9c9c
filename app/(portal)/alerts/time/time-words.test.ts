import { expect, test } from 'vitest';
import { minutesText } from './time-words.ts';

test('what is above the budget never reads as the budget, and what is a round figure stays one', () => {
  expect(minutesText(3.0001)).toBe('3.1 min');
  expect(minutesText(3)).toBe('3.0 min');
  expect(minutesText(0.1 + 0.2)).toBe('0.3 min');
  expect(minutesText(0)).toBe('0.0 min');
});
