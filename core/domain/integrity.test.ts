import { expect, test } from 'vitest';
import {
  addSums,
  coverage,
  coveragePercent,
  NOTHING_STORED,
  type ObjectFacts,
  reachedMs,
  sumObjects,
} from './integrity.ts';

const DAY_MS = 24 * 3600_000;
const nowMs = 100 * DAY_MS;

function object(changes: Partial<ObjectFacts>): ObjectFacts {
  return {
    bytes: 10,
    sealedMs: nowMs - 50 * DAY_MS,
    isIntact: true,
    passedMs: { 0: undefined, 1: undefined, 2: undefined },
    ...changes,
  };
}

test('a higher level counts for the lower ones, and never the other way round', () => {
  const one = object({ passedMs: { 0: 5, 1: 7, 2: 9 } });
  expect([0, 1, 2].map((level) => reachedMs(one, level as 0))).toEqual([9, 9, 9]);
  const other = object({ passedMs: { 0: 9, 1: 7, 2: undefined } });
  expect([0, 1, 2].map((level) => reachedMs(other, level as 0))).toEqual([9, 7, undefined]);
});

test('what is damaged counts for nothing, however often it had passed', () => {
  const damaged = object({ isIntact: false, passedMs: { 0: nowMs, 1: nowMs, 2: nowMs } });
  const sums = sumObjects([damaged, object({ passedMs: { 0: nowMs, 1: nowMs, 2: undefined } })], 1, {
    days: 30,
    nowMs,
  });
  expect(sums).toMatchObject({ storedBytes: 20, verifiedBytes: 10, oldestMs: nowMs - 50 * DAY_MS });
  expect(coverage(sums)).toBe(0.5);
});

test('the days have a sharp end, and what was never looked at waits since it was stored', () => {
  const at = (days: number): ObjectFacts =>
    object({ passedMs: { 0: undefined, 1: nowMs - days * DAY_MS, 2: undefined } });
  const sums = sumObjects([at(30), at(30.001), object({ sealedMs: nowMs - 3 * DAY_MS })], 1, { days: 30, nowMs });
  expect(sums.verifiedBytes).toBe(10);
  expect(sums.oldestMs).toBe(nowMs - 30.001 * DAY_MS);
});

test('nothing stored is no coverage, and the sums of vaults add up', () => {
  expect(coverage(NOTHING_STORED)).toBeUndefined();
  const one = sumObjects([object({})], 1, { days: 1, nowMs });
  expect(addSums(NOTHING_STORED, one)).toEqual(one);
  expect(addSums(one, NOTHING_STORED)).toEqual(one);
});

test('a percentage is never rounded up to 100', () => {
  expect(coveragePercent(0.99999)).toBe(99);
  expect(coveragePercent(1)).toBe(100);
  expect(coveragePercent(0)).toBe(0);
});
