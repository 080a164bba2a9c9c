import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isWithin } from './clock-window.ts';
import {
  choosePoint,
  type DrillFacts,
  type DrillPlanWish,
  drillCalendar,
  duePlans,
  isCovering,
  isDrillDue,
  PLAN_TIMES,
  plansOf,
  unansweredFailures,
} from './drill-plans.ts';
import { wallClockMs } from './wall-clock.ts';

const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 20, 12);
const plan = (over: Partial<DrillPlanWish> = {}): DrillPlanWish => ({
  level: 3,
  everyHours: 24,
  sampleFiles: 5,
  point: 'latest',
  withinDays: 30,
  scope: 'sample',
  hours: undefined,
  ...over,
});
const drill = (state: DrillFacts['state'], hoursAgo: number, over: Partial<DrillFacts> = {}): DrillFacts => ({
  state,
  createdMs: NOW - hoursAgo * HOUR,
  level: 3,
  pointChoice: 'latest',
  scope: 'sample',
  ...over,
});
const due = (drills: readonly DrillFacts[], over: Partial<DrillPlanWish> = {}) =>
  isDrillDue(plan(over), drills, 'UTC', NOW);

const plans = fc.record({
  level: fc.constantFrom(3 as const, 4 as const, 5 as const),
  everyHours: fc.integer({ min: 1, max: 800 }),
  sampleFiles: fc.constant(5),
  point: fc.constantFrom('latest' as const, 'random' as const, 'oldest' as const),
  withinDays: fc.constant(30),
  scope: fc.constantFrom('sample' as const, 'full' as const),
  hours: fc.constantFrom(
    undefined,
    { from: '22:00', until: '06:00' },
    { from: '08:00', until: '09:30', weekdays: [1, 3] },
  ),
});
const facts = fc.record({
  state: fc.constantFrom('queued' as const, 'running' as const, 'passed' as const, 'failed' as const, 'void' as const),
  createdMs: fc.integer({ min: 0, max: 1000 }).map((hoursAgo) => NOW - hoursAgo * HOUR),
  level: fc.constantFrom(3, 4, 5),
  pointChoice: fc.constantFrom('latest' as const, 'random' as const, 'oldest' as const, 'chosen' as const),
  scope: fc.constantFrom('sample' as const, 'full' as const),
});

describe('a plan wants a drill', () => {
  test('for a first point, after the interval, and after a failure; never beside one under way', () => {
    expect(due([])).toBe(true);
    expect(due([drill('passed', 23)])).toBe(false);
    expect(due([drill('passed', 24)])).toBe(true);
    expect(due([drill('passed', 2), drill('failed', 1)])).toBe(true);
    expect(due([drill('failed', 2), drill('passed', 1)])).toBe(false);
    expect(due([drill('queued', 0)])).toBe(false);
  });
  test('a void drill proves nothing, and is repeated after a while', () => {
    expect(due([drill('void', 0.1)])).toBe(false);
    expect(due([drill('void', 1)])).toBe(true);
    expect(due([drill('passed', 30), drill('void', 1)])).toBe(true);
    expect(due([drill('passed', 3), drill('void', 1)])).toBe(false);
  });
  test('a shallower, narrower or otherwise chosen drill does not do for it; a deeper and wider one does', () => {
    const deep = { level: 4, scope: 'full' } as const;
    expect(due([drill('passed', 1)], deep)).toBe(true);
    expect(due([drill('passed', 1, { level: 4 })], deep)).toBe(true);
    expect(due([drill('passed', 1, deep)], deep)).toBe(false);
    expect(due([drill('passed', 1, deep)])).toBe(false);
    expect(due([drill('passed', 1, { pointChoice: 'chosen' })])).toBe(true);
    expect(due([drill('passed', 1, { pointChoice: 'oldest' })], { point: 'random' })).toBe(true);
  });
  test('a failure of an older point is not followed by the next older one at once', () => {
    const failed = drill('failed', 1, { pointChoice: 'oldest' });
    expect(due([failed], { point: 'oldest', everyHours: 720 })).toBe(false);
    expect(due([drill('failed', 25, { pointChoice: 'oldest' })], { point: 'oldest', everyHours: 720 })).toBe(true);
    // The newest point is tested after it: the light has to say whether today's backup is good.
    expect(due([drill('passed', 2), failed])).toBe(true);
  });
  test('in its hours by the customer’s clock, and not outside of them', () => {
    const hours = { from: '22:00', until: '06:00' };
    expect(due([], { hours })).toBe(false);
    // 12:00 UTC is 22:00 in Brisbane.
    expect(isDrillDue(plan({ hours }), [], 'Australia/Brisbane', NOW)).toBe(true);
  });
  test('of several due plans the deepest and widest comes first', () => {
    const all = [plan(), plan({ level: 4 }), plan({ level: 4, scope: 'full' })];
    expect(duePlans(all, [], 'UTC', NOW)).toEqual([all[2], all[1], all[0]]);
  });
});

test('a drill from before a loss serves no plan any more, and still answers the failures before it', () => {
  const before = drill('passed', 1, { isOutdated: true });
  expect(isDrillDue(plan(), [drill('passed', 1)], 'UTC', NOW)).toBe(false);
  expect(isDrillDue(plan(), [before], 'UTC', NOW)).toBe(true);
  expect(unansweredFailures([drill('failed', 2), before])).toEqual([]);
});

test('a failure of level 4 is not taken back by a pass of level 3', () => {
  const failed = drill('failed', 5, { level: 4 });
  expect(unansweredFailures([failed, drill('passed', 1)])).toEqual([failed]);
  expect(unansweredFailures([failed, drill('passed', 1, { level: 4 })])).toEqual([]);
  expect(unansweredFailures([drill('passed', 9, { level: 5 }), failed])).toEqual([failed]);
  // It was asked to open a dump, and there was none any more: it compared files.
  expect(unansweredFailures([failed, drill('passed', 1, { level: 4, depth: 3 })])).toEqual([failed]);
  const ofFiles = { ...failed, depth: 3 };
  expect(unansweredFailures([ofFiles, drill('passed', 1, { level: 3 })])).toEqual([]);
});

test('a failure is not taken back by a pass of data from before, however deep it looked', () => {
  const failed = drill('failed', 5, { pointMs: NOW - 6 * HOUR });
  expect(unansweredFailures([failed, drill('passed', 1, { level: 5, pointMs: NOW - 30 * HOUR })])).toEqual([failed]);
  expect(unansweredFailures([failed, drill('passed', 1, { pointMs: NOW - 6 * HOUR })])).toEqual([]);
  expect(unansweredFailures([failed, drill('passed', 1, { pointMs: NOW - 2 * HOUR })])).toEqual([]);
  expect(unansweredFailures([{ ...failed, isAnswered: true }])).toEqual([]);
});

test('after a failure of the newest point no older one is tested, and the next newer one is', () => {
  const failed = drill('failed', 1, { level: 4, pointMs: NOW - 2 * HOUR });
  const point = (hoursAgo: number) => ({ id: 'point', captureMs: NOW - hoursAgo * HOUR, levelPassed: 3 });
  const wish = plan({ level: 4 });
  expect(choosePoint([point(26)], wish, 'seed', NOW)?.id).toBe('point');
  expect(choosePoint([point(26)], wish, 'seed', NOW, [failed])).toBeUndefined();
  expect(choosePoint([point(1)], wish, 'seed', NOW, [failed])?.id).toBe('point');
  // A plan that looks less deep than what failed has nothing to wait for.
  expect(choosePoint([{ ...point(26), levelPassed: 1 }], plan(), 'seed', NOW, [failed])?.id).toBe('point');
});

test(`due means: nothing under way, in the hours, and no covering pass within the interval (seed ${seed})`, () => {
  fc.assert(
    fc.property(plans, fc.array(facts, { maxLength: 8 }), (wish, drills) => {
      if (!isDrillDue(wish, drills, 'UTC', NOW)) return;
      expect(drills.every(({ state }) => state !== 'queued' && state !== 'running')).toBe(true);
      if (wish.hours !== undefined) expect(isWithin(wish.hours, wallClockMs(NOW, 'UTC'))).toBe(true);
      expect(drills.every((one) => one.state !== 'void' || NOW - one.createdMs >= PLAN_TIMES.voidRetryMs)).toBe(true);
      const covering = drills
        .filter((one) => (one.state === 'passed' || one.state === 'failed') && isCovering(one, wish))
        .sort((a, b) => b.createdMs - a.createdMs);
      const [newest] = covering;
      if (newest?.state === 'passed' && unansweredFailures(drills).every(({ level }) => level > wish.level))
        expect(NOW - newest.createdMs).toBeGreaterThanOrEqual(wish.everyHours * HOUR);
    }),
    { seed, numRuns: 500 },
  );
});

test(`the calendar is in order, inside the hours, an interval apart, and its first drill is due then (seed ${seed})`, () => {
  const untilMs = NOW + 28 * 24 * HOUR;
  fc.assert(
    fc.property(
      fc.array(plans, { minLength: 1, maxLength: 3 }),
      fc.array(facts, { maxLength: 6 }),
      (wishes, drills) => {
        const planned = drillCalendar(wishes, drills, 'Europe/Berlin', NOW, untilMs);
        for (const [at, wish] of wishes.entries()) {
          const mine = planned.filter((one) => one.plan === at).map(({ atMs }) => atMs);
          for (const [n, atMs] of mine.entries()) {
            expect(atMs >= NOW && atMs < untilMs).toBe(true);
            if (wish.hours !== undefined) expect(isWithin(wish.hours, wallClockMs(atMs, 'Europe/Berlin'))).toBe(true);
            if (n > 0) expect(atMs - mine[n - 1]!).toBeGreaterThanOrEqual(wish.everyHours * HOUR);
          }
          const isOpen = drills.some(({ state }) => state === 'queued' || state === 'running');
          if (mine[0] !== undefined && !isOpen) expect(isDrillDue(wish, drills, 'Europe/Berlin', mine[0])).toBe(true);
          if (wish.everyHours < 300) expect(mine.length).toBeGreaterThan(0);
        }
        expect(planned.map(({ atMs }) => atMs)).toEqual(planned.map(({ atMs }) => atMs).sort((a, b) => a - b));
      },
    ),
    { seed, numRuns: 200 },
  );
});

describe('the point', () => {
  const point = (id: string, daysAgo: number, levelPassed: number | null = 1) => ({
    id,
    captureMs: NOW - daysAgo * 24 * HOUR,
    levelPassed,
  });
  const points = [point('old', 40), point('middle', 20, 3), point('new', 1)];
  const choose = (over: Partial<DrillPlanWish>, of = points, drawn = 'seed') =>
    choosePoint(of, plan(over), drawn, NOW)?.id;
  test('latest: the newest, once it is verified, and not again at the level that it has', () => {
    expect(choose({})).toBe('new');
    expect(choose({}, [...points, point('newest', 0, null)])).toBeUndefined();
    expect(choose({}, [...points, point('newest', 0, 3)])).toBeUndefined();
    expect(choose({ level: 4 }, [...points, point('newest', 0, 3)])).toBe('newest');
    expect(choose({}, [])).toBeUndefined();
  });
  test('oldest: the oldest that is kept; random: any within the window, by the seed', () => {
    expect(choose({ point: 'oldest' })).toBe('old');
    const drawn = new Set(Array.from({ length: 50 }, (_, n) => choose({ point: 'random' }, points, `${n}`)));
    expect(drawn).toEqual(new Set(['middle', 'new']));
    expect(choose({ point: 'random' }, [...points].reverse(), 'x')).toBe(choose({ point: 'random' }, points, 'x'));
  });
});

test('what a plan leaves out is the newest point, a sample, at any hour', () => {
  const [first, second] = plansOf({
    drill: { level: 3, everyHours: 24, sampleFiles: 5 },
    moreDrills: [{ level: 4, everyHours: 720, sampleFiles: 5, point: 'oldest', scope: 'full' }],
  });
  expect(first).toEqual(plan());
  expect(second).toMatchObject({ level: 4, point: 'oldest', scope: 'full', withinDays: 30 });
});
