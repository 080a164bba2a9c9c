import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { policyDocument, withTimeZone } from './policy.ts';
import {
  expectedTimes,
  isSilent,
  isStuck,
  longestPauseMinutes,
  nextExpected,
  type OccurrenceFacts,
  planOccurrences,
  type RunFacts,
  resolveOccurrence,
  SCHEDULE_TIMES,
  spreadMs,
} from './schedule.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const T = Date.UTC(2026, 10, 20);
const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

const schedule = fc.record({
  everyMinutes: fc.constantFrom(15, 60, 90, 240, 720, 1440, 2880, 10_080),
  windowMinutes: fc.integer({ min: 5, max: 1440 }),
});

describe('expected times', () => {
  test(`lie one interval apart, in order, inside the asked stretch (seed ${seed})`, () => {
    fc.assert(
      fc.property(schedule, fc.uuid(), fc.nat(30 * 24 * 60), (s, id, ahead) => {
        const times = expectedTimes(s, id, T, T + ahead * MINUTE);
        times.forEach((time, at) => {
          expect(time.dueMs).toBeGreaterThanOrEqual(T);
          expect(time.dueMs).toBeLessThan(T + ahead * MINUTE);
          if (at > 0) expect(time.dueMs - times[at - 1]!.dueMs).toBe(s.everyMinutes * MINUTE);
          expect(time.windowEndMs).toBeLessThanOrEqual(time.dueMs + s.everyMinutes * MINUTE);
        });
        expect(Math.abs(times.length - (ahead * MINUTE) / (s.everyMinutes * MINUTE))).toBeLessThanOrEqual(1);
      }),
      { seed, numRuns: 200 },
    );
  });
  test('a daily backup is due after midnight UTC, within the spread', () => {
    const [first] = expectedTimes({ everyMinutes: 1440, windowMinutes: 60 }, 'a-device', T, T + DAY);
    expect(first!.dueMs - T).toBe(spreadMs('a-device', 1440));
    expect(first!.dueMs - T).toBeLessThan(SCHEDULE_TIMES.spreadMaxMs);
  });
  test('a thousand devices do not begin in the same minute', () => {
    const perMinute = new Map<number, number>();
    for (let n = 0; n < 1000; n++) {
      const at = spreadMs(`01935e3a-7c00-7000-8000-${String(n).padStart(12, '0')}`, 1440);
      perMinute.set(at, (perMinute.get(at) ?? 0) + 1);
    }
    // 1000 over 240 minutes is 4.2 each; an even throw of dice stays far below 20.
    expect(perMinute.size).toBeGreaterThan(180);
    expect(Math.max(...perMinute.values())).toBeLessThan(20);
  });
});

const calendar = fc.record({
  cron: fc.constantFrom<string[]>(
    ['0 22 * * *'],
    ['30 2 * * *'],
    ['0 */6 * * mon-fri', '15 3 * * sun'],
    ['0 1 1,15 * *'],
  ),
  timeZone: fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo'),
  windowMinutes: fc.integer({ min: 5, max: 1440 }),
});

describe('times of a calendar', () => {
  test(`increase, lie in their own window, and do not depend on the stretch that is asked for (seed ${seed})`, () => {
    fc.assert(
      fc.property(calendar, fc.uuid(), fc.nat(365), fc.nat(40), (s, id, day, ahead) => {
        const fromMs = T + day * DAY;
        const times = expectedTimes(s, id, fromMs, fromMs + ahead * DAY);
        const cutMs = fromMs + (ahead * DAY) / 3;
        expect([...expectedTimes(s, id, fromMs, cutMs), ...expectedTimes(s, id, cutMs, fromMs + ahead * DAY)]).toEqual(
          times,
        );
        times.forEach((time, at) => {
          expect(time.windowEndMs).toBeGreaterThan(time.dueMs);
          if (at > 0) expect(times[at - 1]!.dueMs).toBeLessThan(time.dueMs);
          if (at > 0) expect(times[at - 1]!.windowEndMs).toBeLessThanOrEqual(time.dueMs);
          // At least half of the window is left for the run, where the next one does not cut it.
          expect(time.windowEndMs - time.dueMs).toBeLessThanOrEqual(s.windowMinutes * MINUTE);
        });
      }),
      { seed, numRuns: 100 },
    );
  });
  test(`are planned a day ahead without a hole, and a plan that is carried out is stable (seed ${seed})`, () => {
    fc.assert(
      fc.property(calendar, fc.uuid(), fc.nat(365), (s, deviceId, day) => {
        const nowMs = T + day * DAY;
        const lastDueMs = expectedTimes(s, deviceId, nowMs - 31 * DAY, nowMs + 1).at(-1)!.dueMs;
        const input = { schedule: s, deviceId, nowMs, sinceMs: T, lastDueMs };
        const { create } = planOccurrences({ ...input, future: [] });
        expect(create.at(-1)!.dueMs).toBeGreaterThanOrEqual(nowMs + DAY);
        expect(create).toEqual(expectedTimes(s, deviceId, lastDueMs + 1, create.at(-1)!.dueMs + 1));
        const future = create.map((time, n) => ({ ...time, id: String(n) }));
        expect(planOccurrences({ ...input, future })).toEqual({ create: [], removeIds: [] });
      }),
      { seed, numRuns: 60 },
    );
  });
  test('are found however far away, and say how long a device may rest', () => {
    const rare = { cron: ['0 1 29 feb *'], timeZone: 'UTC', windowMinutes: 30 };
    expect(new Date(nextExpected(rare, 'd', T)!.dueMs).toISOString()).toMatch(/^2028-02-29T01:/);
    expect(longestPauseMinutes(rare, T)).toBe(7 * 1440);
    expect(longestPauseMinutes({ cron: ['0 1 * * mon-fri'], windowMinutes: 30 }, T)).toBe(3 * 1440);
    expect(longestPauseMinutes({ everyMinutes: 60, windowMinutes: 30 }, T)).toBe(60);
  });
});

describe('the policy document', () => {
  const base = {
    paths: ['/srv'],
    rpoMinutes: 120,
    rtoMinutes: 240,
    drill: { level: 3, everyHours: 24, sampleFiles: 5 },
  };
  const isTaken = (schedule: unknown, more: object = {}) =>
    policyDocument.safeParse({ ...base, schedule, ...more }).success;
  test('takes a document of before, and keeps it as it was', () => {
    const schedule = { everyMinutes: 60, windowMinutes: 30 };
    expect(policyDocument.parse({ ...base, schedule }).schedule).toEqual(schedule);
  });
  test('takes a calendar, and refuses one that cannot be meant', () => {
    const night = { cron: ['0 22 * * *'], windowMinutes: 60 };
    expect(isTaken(night)).toBe(true);
    expect(isTaken({ ...night, timeZone: 'Mars/Olympus' })).toBe(false);
    expect(isTaken({ ...night, cron: ['0 25 * * *'] })).toBe(false);
    expect(isTaken({ ...night, cron: ['*/10 * * * *'] })).toBe(false);
    expect(isTaken({ ...night, endMinutes: 30 })).toBe(false);
    expect(isTaken({ ...night, everyMinutes: 60 })).toBe(false);
  });
  test('lends the customer’s zone to what names none', () => {
    const rule = { from: '08:00', until: '18:00', upBytesPerSecond: 1e6, downBytesPerSecond: null };
    const policy = policyDocument.parse({
      ...base,
      schedule: { cron: ['0 22 * * *'], windowMinutes: 60 },
      limits: { timeZone: 'Asia/Tokyo', rules: [rule] },
    });
    const lent = withTimeZone(policy, 'Europe/Berlin');
    expect(lent.schedule).toMatchObject({ timeZone: 'Europe/Berlin' });
    expect(lent.limits?.timeZone).toBe('Asia/Tokyo');
  });
});

describe('the plan of occurrences', () => {
  const plan = (over: Partial<Parameters<typeof planOccurrences>[0]>) =>
    planOccurrences({
      schedule: { everyMinutes: 60, windowMinutes: 30 },
      deviceId: 'd',
      nowMs: T,
      sinceMs: T - DAY,
      lastDueMs: T - 20 * MINUTE,
      future: [],
      ...over,
    });

  test(`reaches at least 24 hours ahead, is stable when carried out, and leaves no hole (seed ${seed})`, () => {
    fc.assert(
      fc.property(schedule, fc.uuid(), fc.nat(40 * 24 * 60), (s, deviceId, ago) => {
        const lastDueMs = T - ago * MINUTE;
        const input = { schedule: s, deviceId, nowMs: T, sinceMs: T - 90 * DAY, lastDueMs };
        const first = planOccurrences({ ...input, future: [] });
        expect(first.create.at(-1)!.dueMs).toBeGreaterThanOrEqual(T + DAY);
        const everyMs = s.everyMinutes * MINUTE;
        let previous = Math.max(lastDueMs, T - SCHEDULE_TIMES.catchUpMs);
        for (const time of first.create) {
          expect(time.dueMs - previous).toBeLessThanOrEqual(1.5 * everyMs);
          previous = time.dueMs;
        }
        const past = first.create.filter((time) => time.dueMs <= T);
        const future = first.create.filter((time) => time.dueMs > T).map((time, n) => ({ ...time, id: String(n) }));
        const again = planOccurrences({ ...input, lastDueMs: past.at(-1)?.dueMs ?? lastDueMs, future });
        expect(again).toEqual({ create: [], removeIds: [] });
      }),
      { seed, numRuns: 200 },
    );
  });
  test('does not demand a second backup right after the one at enrolment', () => {
    const [first] = plan({}).create;
    expect(first!.dueMs - (T - 20 * MINUTE)).toBeGreaterThanOrEqual(30 * MINUTE);
  });
  test('writes what was expected while nobody swept', () => {
    const created = plan({ lastDueMs: T - 5 * HOUR }).create;
    expect(created.filter((time) => time.dueMs <= T).length).toBeGreaterThanOrEqual(4);
  });
  test('expects nothing during a pause, and neither afterwards what fell into it', () => {
    const pausedUntilMs = T + 5 * HOUR;
    const ahead = plan({ pausedUntilMs }).create;
    expect(ahead[0]!.dueMs).toBeGreaterThanOrEqual(pausedUntilMs);
    expect(plan({ pausedUntilMs, future: [{ ...plan({}).create[0]!, id: 'f' }] }).removeIds).toEqual(['f']);
    const after = plan({ pausedUntilMs, nowMs: pausedUntilMs + 2 * HOUR }).create;
    expect(after.map(({ dueMs }) => dueMs)).toEqual(expect.arrayContaining(ahead.map(({ dueMs }) => dueMs)));
    expect(after[0]!.dueMs).toBe(ahead[0]!.dueMs);
  });
  test('takes back what an earlier policy expected', () => {
    const stale = { id: 'stale', dueMs: T + 7 * MINUTE + 1, windowEndMs: T + 10 * MINUTE };
    expect(plan({ future: [stale] }).removeIds).toEqual(['stale']);
    const longer = plan({}).create[0]!;
    expect(plan({ future: [{ id: 'w', dueMs: longer.dueMs, windowEndMs: longer.windowEndMs + 1 }] })).toMatchObject({
      removeIds: ['w'],
    });
  });
});

describe('what became of an occurrence', () => {
  const open: OccurrenceFacts = { dueMs: T, windowEndMs: T + HOUR, outcome: null, nextDueMs: T + DAY };
  const run = (over: Partial<RunFacts>): RunFacts => ({
    id: 'r',
    state: 'sealed',
    outcome: 'ok',
    startedMs: T + MINUTE,
    lastProgressMs: T + MINUTE,
    committedMs: T + 10 * MINUTE,
    errorMessage: null,
    ...over,
  });
  const after = T + HOUR + SCHEDULE_TIMES.graceMs;
  const failed = run({ state: 'failed', outcome: 'failed', committedMs: null, errorMessage: 'Disk full.' });
  const outcome = (runs: RunFacts[], nowMs = after, occurrence = open) =>
    resolveOccurrence(occurrence, runs, nowMs)?.outcome;

  test('ok inside the window, late after it', () => {
    expect(outcome([run({})], T + 11 * MINUTE)).toBe('ok');
    expect(outcome([run({ committedMs: T + HOUR })])).toBe('ok');
    expect(outcome([run({ committedMs: T + HOUR + 1 })])).toBe('late');
  });
  test('no run is missed, but only after window and grace', () => {
    expect(outcome([], after - 1)).toBeUndefined();
    expect(outcome([])).toBe('missed');
  });
  test('a failed try decides nothing while the window is open, and a good retry makes it ok', () => {
    expect(outcome([failed], after - 1)).toBeUndefined();
    expect(outcome([failed])).toBe('failed');
    expect(outcome([failed, run({ id: 'r2' })])).toBe('ok');
  });
  test('a run that works, or waits for the server, keeps it open', () => {
    const working = run({ state: 'running', outcome: null, committedMs: null, lastProgressMs: after - MINUTE });
    expect(outcome([working])).toBeUndefined();
    expect(outcome([run({ state: 'committed', outcome: null })], after + DAY)).toBeUndefined();
  });
  test('a run that fell silent, or was given up, is stuck', () => {
    const silent = run({ state: 'running', outcome: null, committedMs: null });
    expect(isStuck(silent, T + HOUR)).toBe(true);
    expect(outcome([silent])).toBe('stuck');
    expect(outcome([run({ state: 'aborted', outcome: 'failed', committedMs: null })])).toBe('stuck');
  });
  test('partial is partial, and a complete retry outdoes it', () => {
    const partial = run({ outcome: 'partial' });
    expect(outcome([partial])).toBe('partial');
    expect(outcome([partial, run({ id: 'r2', committedMs: T + 20 * MINUTE })])).toBe('ok');
  });
  test('missed, failed and stuck become late when the machine catches up before the next due time; good ones stay', () => {
    const late = [run({ committedMs: T + 5 * HOUR })];
    for (const recorded of ['missed', 'failed', 'stuck'] as const)
      expect(outcome(late, T + 5 * HOUR, { ...open, outcome: recorded })).toBe('late');
    for (const recorded of ['ok', 'late', 'partial', 'excused'] as const)
      expect(outcome(late, T + 5 * HOUR, { ...open, outcome: recorded })).toBeUndefined();
    expect(outcome([run({ committedMs: T + 2 * DAY })], T + 2 * DAY, { ...open, outcome: 'missed' })).toBeUndefined();
  });
  test(`a sealed, complete run never leaves it missed, failed or stuck (seed ${seed})`, () => {
    const anyRun = fc
      .record({
        state: fc.constantFrom('running', 'committed', 'sealed', 'failed', 'aborted'),
        at: fc.nat(23 * 60),
      })
      .map(({ state, at }) =>
        run({
          state,
          outcome: state === 'sealed' ? 'ok' : null,
          committedMs: state === 'sealed' || state === 'committed' ? T + at * MINUTE : null,
        }),
      );
    fc.assert(
      fc.property(fc.array(anyRun, { maxLength: 6 }), fc.nat(3 * 24 * 60), (runs, at) => {
        const found = outcome(runs, T + at * MINUTE);
        if (runs.some((one) => one.state === 'sealed')) expect(['ok', 'late']).toContain(found);
        else expect(['missed', 'failed', 'stuck', undefined]).toContain(found);
      }),
      { seed, numRuns: 300 },
    );
  });
});

describe('silence', () => {
  test('is measured from the last word or the enrolment, by the interval of the policy', () => {
    expect(isSilent(T, T - DAY, 60, T + 2 * HOUR)).toBe(false);
    expect(isSilent(T, T - DAY, 60, T + 2 * HOUR + 1)).toBe(true);
    expect(isSilent(T, T - DAY, 1440, T + 23 * HOUR)).toBe(false);
    expect(isSilent(null, T, 60, T + HOUR)).toBe(false);
    expect(isSilent(null, T, 60, T + 3 * HOUR)).toBe(true);
  });
});
