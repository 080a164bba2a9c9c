import { expect, test } from 'vitest';
import type { ReportDayState } from './month-report.ts';
import { breachSentence } from './report-words.ts';

const days = (...states: readonly ReportDayState[]): { state: ReportDayState }[] => states.map((state) => ({ state }));

test('a month in which nothing was measured is not said to have kept its target', () => {
  for (const month of [days(), days('unknown', 'unknown'), days('outside', 'unknown')])
    expect(breachSentence({ shown: 0, total: 0, days: month })).toBe(
      'Nothing was measured, so nothing is known about it.',
    );
});

test('a month that is excused as a whole is neither kept nor unknown', () => {
  expect(breachSentence({ shown: 0, total: 0, days: days('outside', 'unknown', 'excused') })).toBe(
    'All of the time that was measured is excused.',
  );
});

test('a month that was measured in part says how many days are unknown', () => {
  expect(breachSentence({ shown: 0, total: 0, days: days('within', 'unknown', 'unknown') })).toBe(
    'In the time that was measured the newest backup of a system was never older than its target. 2 days were not measured.',
  );
  expect(breachSentence({ shown: 0, total: 0, days: days('within', 'unknown') })).toContain('1 day was not measured.');
});

test('a month that was measured whole says so, and breaches are counted', () => {
  expect(breachSentence({ shown: 0, total: 0, days: days('within', 'outside') })).toBe(
    'At no time was the newest backup of a system older than its target.',
  );
  expect(breachSentence({ shown: 1, total: 1, days: days('breach') })).toMatch(/^Once the newest backup/);
  expect(breachSentence({ shown: 2, total: 3, days: days('breach', 'unknown') })).toBe(
    '3 times the newest backup of a system was older than its target. Until the next backup, a loss would have cost more than agreed. The 2 longest are listed.',
  );
});
