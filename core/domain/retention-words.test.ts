import { expect, test } from 'vitest';
import { retentionWords } from './retention-words.ts';

test('what is kept is told in words, and without terms it is everything', () => {
  expect(retentionWords(undefined)).toBe('everything');
  expect(retentionWords({ withinDays: 14, daily: 30, monthly: 12 })).toBe(
    'all of the last 14 days, one a day for 30 days, one a month for 12 months',
  );
  expect(retentionWords({ last: 1, hourly: 1, yearly: 2 })).toBe(
    'the newest, one an hour for 1 hour, one a year for 2 years',
  );
  expect(retentionWords({ last: 5 })).toBe('the newest 5');
});
