import { expect, test } from 'vitest';
import { type DrillCheck, levelReached } from './drill-checks.ts';

const look = (kind: DrillCheck['kind'], state: DrillCheck['state'] = 'passed') => ({ kind, state });

test('a level is reached by its own looks alone, on top of compared files', () => {
  expect(levelReached([])).toBe(0);
  expect(levelReached([look('witness')])).toBe(3);
  expect(levelReached([look('restore')])).toBe(0);
  expect(levelReached([look('witness'), look('restore')])).toBe(4);
  expect(levelReached([look('witness'), look('restore'), look('boot')])).toBe(5);
});

test('one failure takes every level away, a look that was skipped gives none, a warning is no failure', () => {
  expect(levelReached([look('witness'), look('restore', 'failed')])).toBe(0);
  expect(levelReached([look('witness'), look('restore', 'skipped')])).toBe(3);
  expect(levelReached([look('witness'), look('row_count', 'warning')])).toBe(4);
});

test('a test of the whole system that was left out is not made up for by another', () => {
  expect(levelReached([look('witness'), look('script'), look('boot', 'skipped')])).toBe(3);
  expect(levelReached([look('witness'), look('restore'), look('script'), look('boot', 'skipped')])).toBe(4);
  expect(levelReached([look('witness'), look('boot'), look('restore', 'skipped')])).toBe(3);
});
