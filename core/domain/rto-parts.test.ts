import { expect, test } from 'vitest';
import { elapsedRtoMs, estimateFullRtoMs, technicalRtoMs } from './rto-parts.ts';

test('the work is counted without the queue, the wait with it, and nothing measured is no number', () => {
  const timings = { queue: 5000, locate: 100, transfer: 1000, checks: 50, total: 99_999 };
  expect(technicalRtoMs(timings)).toBe(1150);
  expect(elapsedRtoMs(timings)).toBe(6150);
  expect(technicalRtoMs({ queue: 5 })).toBeUndefined();
  expect(elapsedRtoMs({})).toBeUndefined();
});

test('an estimate takes the pace of the slowest tenth, and there is none without a pace', () => {
  const paces = Array.from({ length: 11 }, (_, at) => (at + 1) * 1000);
  expect(estimateFullRtoMs({ locate: 500, transfer: 70, checks: 30 }, 20_000, paces)).toBe(530 + 10_000);
  expect(estimateFullRtoMs({ locate: 500 }, 1000, [])).toBeUndefined();
  expect(estimateFullRtoMs({ locate: 500 }, 1000, [0])).toBeUndefined();
});
