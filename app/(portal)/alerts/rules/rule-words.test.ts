import { expect, test } from 'vitest';
import { builtInRule } from '../../../../core/domain/alerts/rules.ts';
import type { BackTestView, RuleView } from '../../../../server/alerts/view.ts';
import { backTestSentence, limitsWords, mendedWords, noiseWords, rulesSentence } from './rule-words.ts';

test('limits are told with their units, and a filter is not kept quiet', () => {
  expect(limitsWords(builtInRule('no_point'))).toBe('servers 24 hours, workstations 72 hours');
  expect(limitsWords(builtInRule('damage'))).toBe('');
  expect(limitsWords({ ...builtInRule('failing'), filter: { classes: ['server'] } })).toBe(
    'failures in a row 3 backups, some devices only',
  );
});

test('a share comes with its count and is never rounded up', () => {
  expect(noiseWords({ noiseShare: 0.999, noisy: 999, over: 1000 })).toBe('99 % (999 of 1,000)');
  expect(noiseWords({ noiseShare: null, noisy: 0, over: 0 })).toBe('no case');
  expect(mendedWords({ actionable: 3, over: 4, reopened: 1, alerts: 5 })).toBe('3 of 4 mended, 1 of 5 came back');
  expect(mendedWords({ actionable: 0, over: 4, reopened: 0, alerts: 5 })).toBe('0 of 4 mended');
});

const view = (over: number, noiseShare: number, isEnabled = true) =>
  ({ rule: { ...builtInRule('missed'), isEnabled }, noise: { over, noiseShare } }) as RuleView;
test('the page says which rule calls mostly for nothing, once there are enough cases to say so', () => {
  expect(rulesSentence([view(4, 1), view(100, 0.5)])).toBe('All 2 rules are on, and none calls mostly for nothing.');
  expect(rulesSentence([view(5, 0.6), view(0, 0, false)])).toBe(
    '1 of 2 rules are on; “An expected backup did not happen” calls mostly for nothing.',
  );
});

const DAY = 86_400_000;
const tried: BackTestView = {
  days: 30,
  knownMs: 30 * DAY,
  about: 'device',
  looked: 40,
  total: 40,
  alerts: 12,
  hit: 3,
  customersHit: 2,
  noisy: 9,
  stillOpen: 0,
  medianMs: 1,
  longestMs: 2,
  worst: [],
  perDay: [],
};
test('a test on the past says how often, for whom, and how much for nothing; and when it saw a part alone', () => {
  expect(backTestSentence(tried)).toBe(
    'In the last 30 days it would have opened 12 alerts at 40 devices: 3 devices of 2 customers, 9 over by themselves within an hour.',
  );
  expect(backTestSentence({ ...tried, alerts: 0 })).toBe(
    'In the last 30 days it would not have opened an alert at 40 devices.',
  );
  expect(backTestSentence({ ...tried, total: 9000 })).toContain('at 40 of 9,000 devices');
  expect(backTestSentence({ ...tried, total: 0 })).toBe('The rule looks at no device.');
});

test('days of which nothing is known are not called quiet', () => {
  const young = { ...tried, alerts: 0, knownMs: 3.5 * DAY };
  expect(backTestSentence(young)).toBe(
    'What it looks at is known for the last 3 days alone, not for 30 days. In this time it would not have opened an alert at 40 devices.',
  );
  expect(backTestSentence({ ...young, knownMs: 5 * 3_600_000 })).toContain('for the last 5 h alone');
});

test('a quota, a customer and a policy are called so', () => {
  const one = { ...tried, alerts: 1, hit: 1, customersHit: 1, noisy: 0 };
  expect(backTestSentence({ ...one, about: 'quota', total: 2, looked: 2 })).toContain(
    'opened 1 alert at 2 quotas: 1 quota of 1 customer, none over',
  );
  expect(backTestSentence({ ...one, about: 'customer' })).toContain('opened 1 alert: 1 customer, none over');
  expect(backTestSentence({ ...one, about: 'setting', total: 0 })).toContain('opened 1 alert: 1 policy or vault of 1');
});
