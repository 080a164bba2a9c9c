import { describe, expect, test } from 'vitest';
import { firstRouting } from './channel-kinds.ts';
import { channelRouting, minutesUntilTold, nextDigest, quietUntil } from './routing.ts';

const CUSTOMER = '0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee';
const event = { severity: 'warning', kind: 'missed', customerId: CUSTOMER, transition: 'opened' } as const;
const every = { minSeverity: 'info', kinds: [], customerIds: [], afterMinutes: 0 } as const;
const routing = (...rules: object[]) => channelRouting.parse({ ...firstRouting('email'), rules });

describe('rules', () => {
  test('tell by severity, kind and customer, each of them or all', () => {
    expect(minutesUntilTold(routing(every), event)).toBe(0);
    expect(minutesUntilTold(routing({ ...every, minSeverity: 'critical' }), event)).toBeNull();
    expect(minutesUntilTold(routing({ ...every, kinds: ['damage'] }), event)).toBeNull();
    expect(minutesUntilTold(routing({ ...every, kinds: ['damage', 'missed'] }), event)).toBe(0);
    const other = { ...every, customerIds: [CUSTOMER.replace('0190', '0191')] };
    expect(minutesUntilTold(routing(other), event)).toBeNull();
    expect(minutesUntilTold(routing({ ...every, customerIds: [CUSTOMER] }), event)).toBe(0);
    expect(minutesUntilTold(routing({ ...every, customerIds: [CUSTOMER] }), { ...event, customerId: null })).toBeNull();
  });
  test('of which any is enough, and the soonest counts; without any nothing is told', () => {
    expect(minutesUntilTold(routing({ ...every, afterMinutes: 30 }, { ...every, afterMinutes: 5 }), event)).toBe(5);
    expect(minutesUntilTold(routing(), event)).toBeNull();
  });
  test('leave out how it went on where nobody wants it', () => {
    const told = (tells: string, transition: 'resolved' | 'acknowledged') =>
      minutesUntilTold(channelRouting.parse({ ...routing(every), tells }), { ...event, transition }) !== null;
    expect([told('opened', 'resolved'), told('opened_and_resolved', 'resolved')]).toEqual([false, true]);
    expect([told('opened_and_resolved', 'acknowledged'), told('everything', 'acknowledged')]).toEqual([false, true]);
  });
});

describe('quiet hours', () => {
  const quiet = { from: '22:00', until: '07:00', timeZone: 'Europe/Berlin', letsCriticalThrough: true };
  const at = (text: string) => Date.parse(text);
  const until = (time: string, severity: 'warning' | 'critical' = 'warning', more: object = {}) => {
    const end = quietUntil(
      channelRouting.parse({ ...firstRouting('email'), quiet: { ...quiet, ...more } }),
      severity,
      at(time),
    );
    return end === null ? null : new Date(end).toISOString();
  };
  test('end by the clock on the wall, in the night on which it is changed too', () => {
    expect(until('2026-11-21T22:30:00Z')).toBe('2026-11-22T06:00:00.000Z');
    expect(until('2026-11-21T12:00:00Z')).toBeNull();
    // 25 October 2026: one hour twice.
    expect(until('2026-10-24T20:30:00Z')).toBe('2026-10-25T06:00:00.000Z');
    // 29 March 2026: one hour not at all.
    expect(until('2026-03-28T21:30:00Z')).toBe('2026-03-29T05:00:00.000Z');
  });
  test('let critical ones through where that is wanted, and only there', () => {
    expect(until('2026-11-21T22:30:00Z', 'critical')).toBeNull();
    expect(until('2026-11-21T22:30:00Z', 'critical', { letsCriticalThrough: false })).toBe('2026-11-22T06:00:00.000Z');
  });
  test('belong to the day on which they begin', () => {
    // Only Friday nights: Saturday early is quiet, Sunday early is not.
    expect(until('2026-11-21T03:00:00Z', 'warning', { weekdays: [5] })).toBe('2026-11-21T06:00:00.000Z');
    expect(until('2026-11-22T03:00:00Z', 'warning', { weekdays: [5] })).toBeNull();
  });
});

test('a digest comes once a day at its time, whatever the clock does', () => {
  const digest = { at: '07:30', timeZone: 'Europe/Berlin' };
  let next = Date.parse('2026-10-23T12:00:00Z');
  const times: string[] = [];
  for (let day = 0; day < 4; day += 1) {
    next = nextDigest(digest, next);
    times.push(new Date(next).toISOString());
  }
  expect(times).toEqual([
    '2026-10-24T05:30:00.000Z',
    '2026-10-25T06:30:00.000Z',
    '2026-10-26T06:30:00.000Z',
    '2026-10-27T06:30:00.000Z',
  ]);
});
