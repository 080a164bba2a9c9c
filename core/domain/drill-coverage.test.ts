import { expect, test } from 'vitest';
import { type CoverageEvent, coverageCells, worstCoverage } from './drill-coverage.ts';

const HOUR = 3_600_000;
const nowMs = 1000 * HOUR;
const event = (level: number, hoursAgo: number): CoverageEvent => ({
  level,
  drillId: `${level}-${hoursAgo}`,
  endedMs: nowMs - hoursAgo * HOUR,
});
const daily3 = { level: 3, everyHours: 24 } as const;
const monthly4 = { level: 4, everyHours: 720 } as const;
const states = (facts: Partial<Parameters<typeof coverageCells>[0]>): string[] =>
  coverageCells({ plans: [daily3], passes: [], failures: [], graceMs: 4 * HOUR, nowMs, ...facts }).map(
    ({ state }) => state,
  );

test('a level is proven only while its newest pass is younger than its interval and the grace', () => {
  expect(states({ passes: [event(3, 28)] })).toEqual(['proven', 'unasked', 'unasked']);
  expect(states({ passes: [event(3, 28.1)] })).toEqual(['overdue', 'unasked', 'unasked']);
});

test('what is asked for and was never reached says so, whatever shallower drills have passed', () => {
  expect(states({ plans: [daily3, monthly4], passes: [event(3, 1)] })).toEqual(['proven', 'never', 'unasked']);
  expect(states({})).toEqual(['never', 'unasked', 'unasked']);
});

test('a deeper pass proves the shallower levels too, each by the interval that asks for it', () => {
  expect(states({ plans: [daily3, monthly4], passes: [event(4, 20)] })).toEqual(['proven', 'proven', 'unasked']);
  expect(states({ plans: [daily3, monthly4], passes: [event(4, 200)] })).toEqual(['overdue', 'proven', 'unasked']);
  // A monthly plan of level 4 asks for level 3 as well.
  expect(states({ plans: [monthly4], passes: [event(3, 200)] })).toEqual(['proven', 'never', 'unasked']);
});

test('a failure stands for its level and the deeper ones, not for the shallower', () => {
  const passes = [event(4, 200), event(3, 2)];
  expect(states({ plans: [daily3, monthly4], passes, failures: [event(4, 1)] })).toEqual([
    'proven',
    'failed',
    'unasked',
  ]);
  expect(states({ plans: [daily3, monthly4], passes, failures: [event(3, 1)] })).toEqual([
    'failed',
    'failed',
    'unasked',
  ]);
});

test('a level that nobody asks for is never counted as proven', () => {
  expect(states({ passes: [event(5, 1)] })).toEqual(['proven', 'extra', 'extra']);
});

test('what passed before a loss is a proof no more, and what passed since is', () => {
  const at = nowMs - 2 * HOUR;
  expect(states({ passes: [event(3, 3)], lossMs: at })[0]).toBe('overdue');
  expect(states({ passes: [event(3, 1)], lossMs: at })[0]).toBe('proven');
});

test('the worst of what is asked for stands for the source', () => {
  const cells = (facts: Partial<Parameters<typeof coverageCells>[0]>) =>
    coverageCells({ plans: [daily3, monthly4], passes: [], failures: [], graceMs: 0, nowMs, ...facts });
  expect(worstCoverage(cells({ passes: [event(3, 1)] }))).toBe('never');
  expect(worstCoverage(cells({ passes: [event(4, 1)] }))).toBe('proven');
  expect(worstCoverage(cells({ passes: [event(4, 1)], failures: [event(3, 0)] }))).toBe('failed');
  expect(worstCoverage(cells({ plans: [] }))).toBeUndefined();
});
