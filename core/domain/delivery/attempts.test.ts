import { describe, expect, test } from 'vitest';
import { afterChannelFailure, afterFailure, ATTEMPTS_MAX, RETRY_WAITS_MS } from './attempts.ts';

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const counts = { attempts: 1, unknowns: 0, createdMs: NOW, nowMs: NOW };
const refused = { state: 'refused', reason: 'later', response: '' } as const;
const unknown = { state: 'unknown', reason: 'hung up', response: '' } as const;

describe('a delivery', () => {
  test('that is refused is tried five times, each later than the one before', () => {
    const waits = [];
    for (let attempts = 1; attempts <= ATTEMPTS_MAX; attempts += 1) {
      const next = afterFailure(refused, { ...counts, attempts });
      waits.push(next.step === 'again' ? next.atMs - NOW : null);
    }
    expect(waits).toEqual([...RETRY_WAITS_MS, null]);
  });
  test('waits as long as the other side asks for, within reason', () => {
    expect(afterFailure({ ...refused, waitMs: 600_000 }, counts)).toEqual({ step: 'again', atMs: NOW + 600_000 });
    expect(afterFailure({ ...refused, waitMs: 30 * DAY }, counts)).toEqual({ step: 'again', atMs: NOW + 7_200_000 });
  });
  test('of which nobody knows whether it arrived is sent twice, and never five times', () => {
    expect(afterFailure(unknown, { ...counts, unknowns: 1 }).step).toBe('again');
    expect(afterFailure(unknown, { ...counts, attempts: 2, unknowns: 2 }).step).toBe('end');
  });
  test('that is rejected, or too old, ends', () => {
    expect(afterFailure({ ...refused, state: 'rejected' }, counts).step).toBe('end');
    expect(afterFailure(refused, { ...counts, createdMs: NOW - 3 * DAY }).step).toBe('end');
  });
});

describe('a channel', () => {
  test('rests after five failures in a row, longer each time, an hour at most', () => {
    const rests: (number | null)[] = [];
    let health = { failures: 0, failingSinceMs: null as number | null };
    for (let times = 0; times < 12; times += 1) {
      const next = afterChannelFailure(health, NOW);
      rests.push(next.restsUntilMs === null ? null : (next.restsUntilMs - NOW) / 60_000);
      health = next;
    }
    expect(rests).toEqual([null, null, null, null, 2, 4, 8, 16, 32, 60, 60, 60]);
  });
  test('is switched off after days without anything that arrives, and not after a bad hour', () => {
    expect(afterChannelFailure({ failures: 50, failingSinceMs: NOW - 3_600_000 }, NOW).isDisabled).toBe(false);
    expect(afterChannelFailure({ failures: 3, failingSinceMs: NOW - 5 * DAY }, NOW).isDisabled).toBe(false);
    expect(afterChannelFailure({ failures: 12, failingSinceMs: NOW - 3 * DAY }, NOW).isDisabled).toBe(true);
  });
});
