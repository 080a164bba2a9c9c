import { describe, expect, test } from 'vitest';
import { KIND_WORDS } from '../../../../core/domain/alerts/kinds.ts';
import { firstRouting } from '../../../../core/domain/delivery/channel-kinds.ts';
import type { ChannelSummary, NotificationsView } from '../../../../server/delivery/view.ts';
import { notificationsSentence, routingWords } from './notification-words.ts';

const ID = '0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee';

test('a routing is one line that a person understands', () => {
  const routing = firstRouting('email');
  expect(routingWords(routing, new Map())).toBe('Warnings and critical');
  const rules = [{ minSeverity: 'critical' as const, kinds: ['damage'], customerIds: [ID], afterMinutes: 15 }];
  const quiet = { from: '22:00', until: '07:00', timeZone: 'UTC', letsCriticalThrough: true };
  const digest = { at: '07:30', timeZone: 'UTC' };
  expect(routingWords({ ...routing, rules, quiet, digest }, new Map([[ID, 'Lindqvist']]))).toBe(
    `Critical about ${KIND_WORDS.damage.name.toLowerCase()} of Lindqvist, when nobody took it for 15 minutes; quiet 22:00 to 07:00; digest at 07:30`,
  );
  expect(routingWords({ ...routing, rules: [] }, new Map())).toBe('No alerts');
});

describe('the sentence', () => {
  const view = (...states: ChannelSummary['state'][]): NotificationsView => ({
    nowMs: 0,
    channels: states.map((state) => ({ state }) as ChannelSummary),
    customers: [],
    canChange: true,
    canMail: true,
    isCustomer: false,
  });
  test.each([
    [[], 'Nobody is told anything yet.'],
    [['works'], 'One channel tells people what needs them.'],
    [['works', 'unused'], 'Two channels tell people what needs them.'],
    [['works', 'resting', 'off'], 'Two channels of 3 do not get through.'],
    [['off'], 'No channel gets through: alerts are seen in the portal alone.'],
  ] as const)('of %j is true', (states, sentence) => expect(notificationsSentence(view(...states))).toBe(sentence));
});
