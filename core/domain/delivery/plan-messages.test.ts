import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SEVERITIES, TRANSITIONS } from './notification.ts';
import { type ChannelFacts, planMessages, SKIP_REASONS, type WaitingDelivery } from './plan-messages.ts';
import { firstRouting } from './channel-kinds.ts';

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);
const MINUTE = 60_000;
let count = 0;

function delivery(changes: Partial<WaitingDelivery> = {}): WaitingDelivery {
  count += 1;
  return {
    id: `d${String(count).padStart(6, '0')}`,
    customerId: 'c1',
    subjectKey: `alert:${count}`,
    transition: 'opened',
    severity: 'warning',
    atMs: NOW - MINUTE,
    createdMs: NOW - MINUTE,
    dueMs: NOW,
    attempts: 0,
    asksAgain: false,
    sentIn: null,
    ...changes,
  };
}

function facts(changes: Partial<ChannelFacts> = {}): ChannelFacts {
  return {
    manner: 'people',
    routing: firstRouting('email'),
    nowMs: NOW,
    over: new Map(),
    taken: new Map(),
    told: new Set(),
    sentMs: [],
    ...changes,
  };
}

const many = (length: number, changes: Partial<WaitingDelivery> = {}): WaitingDelivery[] =>
  Array.from({ length }, () => delivery(changes));

describe('a storm', () => {
  test('of 200 alerts is one message for people, with those that are not due yet', () => {
    const storm = [...many(120), ...many(80, { dueMs: NOW + 50_000 })];
    const { messages, skips, waits } = planMessages(storm, facts());
    expect(messages.map(({ length }) => length)).toEqual([200]);
    expect([...skips, ...waits]).toEqual([]);
  });
  test('of four alerts is four messages, so that each has its thread', () => {
    expect(planMessages(many(4), facts()).messages).toHaveLength(4);
  });
  test('is one ticket for each customer at a desk, and an event each for a machine', () => {
    const storm = [...many(100), ...many(90, { customerId: 'c2' }), ...many(2, { customerId: 'c3' })];
    const desk = planMessages(storm, facts({ manner: 'desk', routing: firstRouting('halopsa') }));
    expect(desk.messages.map(({ length }) => length)).toEqual([100, 90, 1, 1]);
    const machine = planMessages(storm, facts({ manner: 'machine', routing: firstRouting('webhook') }));
    expect(machine.messages).toHaveLength(192);
  });
  test('that fails goes on as the message that it was: nothing joins it and nothing leaves it', () => {
    const tried = many(6, { attempts: 1, sentIn: 'd-leader' });
    const { messages } = planMessages([...tried, ...many(1)], facts());
    expect(new Set(messages.map((one) => one.length))).toEqual(new Set([1, 6]));
  });
});

describe('what is over', () => {
  test('before anybody was told is told to nobody, neither its beginning nor its end', () => {
    const begin = delivery({ subjectKey: 'alert:x' });
    const end = delivery({ subjectKey: 'alert:x', transition: 'resolved', atMs: NOW - 1 });
    const plan = planMessages([begin, end], facts({ over: new Map([['alert:x', NOW - 1]]) }));
    expect(plan.messages).toEqual([]);
    expect(plan.skips).toEqual([
      { id: begin.id, reason: SKIP_REASONS.over },
      { id: end.id, reason: SKIP_REASONS.untold },
    ]);
  });
  test('is told where its beginning was', () => {
    const end = delivery({ subjectKey: 'alert:x', transition: 'resolved' });
    expect(planMessages([end], facts({ told: new Set(['alert:x']) })).messages).toEqual([[end]]);
  });
  test('is told in order to a machine, even when it was short', () => {
    const begin = delivery({ subjectKey: 'alert:x', atMs: NOW - 5 });
    const end = delivery({ subjectKey: 'alert:x', transition: 'resolved', atMs: NOW - 1 });
    const over = new Map([['alert:x', NOW - 1]]);
    const plan = planMessages([end, begin], facts({ manner: 'machine', routing: firstRouting('webhook'), over }));
    expect(plan.messages).toEqual([[begin], [end]]);
  });
  test('is not told before its beginning, which is being tried again', () => {
    const begin = delivery({ subjectKey: 'alert:x', attempts: 1, dueMs: NOW + 5 * MINUTE });
    const end = delivery({ subjectKey: 'alert:x', transition: 'resolved' });
    const over = new Map([['alert:x', NOW]]);
    for (const manner of ['people', 'machine', 'desk'] as const) {
      const plan = planMessages([begin, end], facts({ manner, over }));
      expect(plan.messages, manner).toEqual([]);
      expect(
        plan.waits.map(({ id, untilMs }) => [id, untilMs]),
        manner,
      ).toEqual([[end.id, begin.dueMs]]);
    }
  });
});

describe('an escalation', () => {
  const one = delivery({ subjectKey: 'alert:e', asksAgain: true, atMs: NOW - 15 * MINUTE });
  test('is told when nobody has taken the alert', () => {
    expect(planMessages([one], facts()).messages).toEqual([[one]]);
  });
  test('is not when somebody has, or when it is over', () => {
    const taken = planMessages([one], facts({ taken: new Map([['alert:e', NOW - MINUTE]]) }));
    expect(taken.skips).toEqual([{ id: one.id, reason: SKIP_REASONS.taken }]);
    const over = planMessages([one], facts({ manner: 'machine', over: new Map([['alert:e', NOW - MINUTE]]) }));
    expect(over.skips).toEqual([{ id: one.id, reason: SKIP_REASONS.over }]);
  });
  test('is: what was taken before it came back does not count', () => {
    const plan = planMessages([one], facts({ taken: new Map([['alert:e', NOW - 60 * MINUTE]]) }));
    expect(plan.messages).toEqual([[one]]);
  });
  test('is not drawn forward by a storm', () => {
    const later = delivery({ asksAgain: true, dueMs: NOW + 30_000 });
    expect(planMessages([...many(10), later], facts()).messages.flat()).not.toContain(later);
  });
});

describe('quiet hours', () => {
  const quiet = { from: '22:00', until: '07:00', timeZone: 'Europe/Berlin', letsCriticalThrough: true };
  const night = Date.UTC(2026, 10, 21, 23, 0, 0);
  const morning = Date.UTC(2026, 10, 22, 6, 0, 0);
  const routing = { ...firstRouting('email'), quiet };
  test('hold back what is not critical until they end, and then it is told', () => {
    const warning = delivery({ dueMs: night, atMs: night, createdMs: night });
    const critical = delivery({ dueMs: night, atMs: night, createdMs: night, severity: 'critical' });
    const plan = planMessages([warning, critical], facts({ routing, nowMs: night }));
    expect(plan.messages).toEqual([[critical]]);
    expect(plan.waits).toEqual([{ id: warning.id, untilMs: morning, reason: 'Quiet hours' }]);
    expect(planMessages([{ ...warning, dueMs: morning }], facts({ routing, nowMs: morning })).messages).toHaveLength(1);
  });
  test('hold back no test that a person asked for', () => {
    const asked = delivery({ transition: 'test', severity: 'info', dueMs: night });
    expect(planMessages([asked], facts({ routing, nowMs: night })).messages).toEqual([[asked]]);
  });
});

describe('the rate', () => {
  test('beyond it everything that is left is one message in the last place, and nothing is lost', () => {
    const routing = { ...firstRouting('email'), perHour: 3 };
    const sentMs = [NOW - 50 * MINUTE];
    const plan = planMessages(many(4), facts({ routing, sentMs }));
    expect(plan.messages.map(({ length }) => length)).toEqual([1, 3]);
    expect(plan.waits).toEqual([]);
  });
  test('used up, it waits until the oldest message is an hour old', () => {
    const routing = { ...firstRouting('email'), perHour: 2 };
    const sentMs = [NOW - 50 * MINUTE, NOW - 10 * MINUTE];
    const plan = planMessages(many(1), facts({ routing, sentMs }));
    expect(plan.messages).toEqual([]);
    expect(plan.waits.map(({ untilMs }) => untilMs)).toEqual([NOW + 10 * MINUTE]);
  });
});

test('what could not be sent for three days is not sent any more', () => {
  const old = delivery({ attempts: 2, createdMs: NOW - 73 * 60 * MINUTE });
  expect(planMessages([old], facts()).skips).toEqual([{ id: old.id, reason: SKIP_REASONS.old }]);
});

test('whatever waits is in exactly one place of the plan, or keeps waiting for its time', () => {
  const one = fc.record({
    subject: fc.integer({ min: 0, max: 5 }),
    customerId: fc.constantFrom('c1', 'c2', null),
    transition: fc.constantFrom(...TRANSITIONS),
    severity: fc.constantFrom(...SEVERITIES),
    atAgo: fc.integer({ min: 0, max: 100 * 60 }),
    dueIn: fc.integer({ min: -600, max: 600 }),
    attempts: fc.integer({ min: 0, max: 4 }),
    asksAgain: fc.boolean(),
  });
  const sets = { deliveries: fc.array(one, { maxLength: 40 }), manner: fc.constantFrom('people', 'machine', 'desk') };
  fc.assert(
    fc.property(fc.record({ ...sets, perHour: fc.integer({ min: 1, max: 10 }), sent: fc.nat({ max: 12 }) }), (made) => {
      const list = made.deliveries.map(({ subject, atAgo, dueIn, ...rest }) =>
        delivery({
          ...rest,
          subjectKey: `alert:${subject}`,
          atMs: NOW - atAgo * MINUTE,
          createdMs: NOW - atAgo * MINUTE,
          dueMs: NOW + dueIn * 1000,
        }),
      );
      const routing = { ...firstRouting('email'), perHour: made.perHour };
      const sentMs = Array.from({ length: made.sent }, (_, at) => NOW - (made.sent - at) * MINUTE);
      const { manner } = made;
      const plan = planMessages(list, facts({ manner, routing, sentMs }));
      const placed = [...plan.skips, ...plan.waits, ...plan.messages.flat()].map(({ id }) => id);
      expect(new Set(placed).size).toBe(placed.length);
      const left = list.filter(({ id }) => !placed.includes(id));
      expect(left.every(({ dueMs }) => dueMs > NOW)).toBe(true);
      expect(plan.messages.every(({ length }) => length > 0)).toBe(true);
      expect(plan.waits.every(({ untilMs }) => untilMs > NOW)).toBe(true);
      if (manner === 'machine') expect(plan.messages.every(({ length }) => length === 1)).toBe(true);
    }),
  );
});
