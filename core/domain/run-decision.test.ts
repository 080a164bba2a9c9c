import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PolicyDocument, policyDocument } from './policy.ts';
import { decideRun, type RunQuestion, type TryFacts } from './run-decision.ts';
import { expectedTimes } from './schedule.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const T = Date.UTC(2026, 10, 20, 12);
const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const DEVICE = 'a-device';

const policy = (schedule: unknown, pausedUntilMs?: number): PolicyDocument =>
  policyDocument.parse({
    paths: ['/srv'],
    schedule,
    rpoMinutes: 1440,
    rtoMinutes: 240,
    drill: { level: 3, everyHours: 24, sampleFiles: 5 },
    ...(pausedUntilMs === undefined ? {} : { pausedUntilMs }),
  });
const daily = policy({ everyMinutes: 1440, windowMinutes: 60 });
const ask = (over: Partial<RunQuestion>) =>
  decideRun({ policy: daily, deviceId: DEVICE, dueMs: T, tries: [], isRunning: false, nowMs: T, ...over });
const failed = (startedMs: number, failedMs = startedMs + MINUTE): TryFacts => ({ startedMs, failedMs });

describe('a scheduled backup', () => {
  test('begins when it is due, not before, and not beside another', () => {
    expect(ask({})).toEqual({ kind: 'start', why: 'due', stopAtMs: null });
    expect(ask({ nowMs: T - 1 })).toEqual({ kind: 'wait', why: 'not_due', untilMs: T });
    expect(ask({ isRunning: true })).toMatchObject({ kind: 'wait', why: 'running' });
  });
  test('waits for the end of a pause and then is caught up', () => {
    const paused = policy(daily.schedule, T + 5 * HOUR);
    expect(ask({ policy: paused, nowMs: T + HOUR })).toEqual({ kind: 'wait', why: 'paused', untilMs: T + 5 * HOUR });
    expect(ask({ policy: paused, nowMs: T + 5 * HOUR })).toMatchObject({ kind: 'start', why: 'caught_up' });
  });
  test('is caught up after the window, unless the policy says otherwise', () => {
    expect(ask({ nowMs: T + 60 * MINUTE })).toMatchObject({ why: 'due' });
    expect(ask({ nowMs: T + 60 * MINUTE + 1 })).toMatchObject({ kind: 'start', why: 'caught_up' });
    const strict = policy({ ...daily.schedule, catchUp: false });
    expect(ask({ policy: strict, nowMs: T + 61 * MINUTE })).toEqual({ kind: 'skip', why: 'too_late' });
    expect(ask({ policy: strict, nowMs: T + 59 * MINUTE })).toMatchObject({ kind: 'start' });
  });
  test('is tried again after growing waits inside its window, and given up with the window or the tries', () => {
    const terms = policy({ everyMinutes: 1440, windowMinutes: 60, retryMinutes: [5, 20] });
    const once = [failed(T)];
    expect(ask({ policy: terms, tries: once, nowMs: T + 2 * MINUTE })).toEqual({
      kind: 'wait',
      why: 'retry',
      untilMs: T + 6 * MINUTE,
    });
    expect(ask({ policy: terms, tries: once, nowMs: T + 6 * MINUTE })).toMatchObject({ kind: 'start', why: 'retry' });
    const twice = [...once, failed(T + 6 * MINUTE)];
    expect(ask({ policy: terms, tries: twice, nowMs: T + 8 * MINUTE })).toMatchObject({ untilMs: T + 27 * MINUTE });
    const thrice = [...twice, failed(T + 27 * MINUTE)];
    expect(ask({ policy: terms, tries: thrice, nowMs: T + 28 * MINUTE })).toEqual({ kind: 'skip', why: 'tries_used' });
    expect(ask({ policy: terms, tries: [failed(T, T + 56 * MINUTE)], nowMs: T + 57 * MINUTE })).toEqual({
      kind: 'skip',
      why: 'too_late',
    });
    const never = policy({ everyMinutes: 1440, windowMinutes: 60, retryMinutes: [] });
    expect(ask({ policy: never, tries: once, nowMs: T + 2 * MINUTE })).toEqual({ kind: 'skip', why: 'tries_used' });
  });
  test('that was cut short goes on at once; one that caught up has a window of its own', () => {
    expect(ask({ tries: [{ startedMs: T, failedMs: null }], nowMs: T + MINUTE })).toMatchObject({ kind: 'start' });
    const late = T + 7 * HOUR;
    expect(ask({ tries: [failed(late)], nowMs: late + 11 * MINUTE })).toMatchObject({ kind: 'start', why: 'retry' });
    expect(ask({ tries: [failed(late, late + 55 * MINUTE)], nowMs: late + 56 * MINUTE })).toMatchObject({
      kind: 'skip',
    });
  });
  test('of a calendar with an end is stopped there; one that catches up has as long', () => {
    const night = policy({ cron: ['0 22 * * *'], timeZone: 'Europe/Berlin', windowMinutes: 60, endMinutes: 240 });
    const [time] = expectedTimes(night.schedule, DEVICE, T, T + 24 * HOUR);
    const { dueMs, windowEndMs } = time!;
    expect(windowEndMs).toBe(Date.UTC(2026, 10, 20, 21) + 240 * MINUTE);
    expect(ask({ policy: night, dueMs, nowMs: dueMs })).toEqual({ kind: 'start', why: 'due', stopAtMs: windowEndMs });
    const nextDay = dueMs + 12 * HOUR;
    expect(ask({ policy: night, dueMs, nowMs: nextDay })).toEqual({
      kind: 'start',
      why: 'caught_up',
      stopAtMs: nextDay + 240 * MINUTE,
    });
  });
  test(`never waits for a moment that is past, and after its wait begins or is given up (seed ${seed})`, () => {
    const tries = fc.array(
      fc.record({ started: fc.nat(300), took: fc.nat(60), isCut: fc.boolean() }).map(
        ({ started, took, isCut }): TryFacts => ({
          startedMs: T + started * MINUTE,
          failedMs: isCut ? null : T + (started + took) * MINUTE,
        }),
      ),
      { maxLength: 7 },
    );
    fc.assert(
      fc.property(tries, fc.nat(600), fc.boolean(), (list, after, catchUp) => {
        const question = {
          policy: policy({ everyMinutes: 1440, windowMinutes: 240, catchUp }, T + 30 * MINUTE),
          tries: list,
          nowMs: T + after * MINUTE,
        };
        let decision = ask(question);
        for (let step = 0; decision.kind === 'wait'; step++) {
          expect(step).toBeLessThan(3);
          expect(decision.untilMs).toBeGreaterThan(question.nowMs);
          question.nowMs = decision.untilMs!;
          decision = ask(question);
        }
        if (list.length >= 5) expect(decision.kind).toBe('skip');
      }),
      { seed, numRuns: 300 },
    );
  });
});
