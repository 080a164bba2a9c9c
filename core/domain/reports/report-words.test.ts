import { expect, test } from 'vitest';
import type { ReportDayState } from './month-report.ts';
import { restoreFigures } from '../sla/restore-service.ts';
import { breachSentence, restoreSentence, semanticSentence } from './report-words.ts';

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

test('restores are told with their numbers, and a month that was not measured is not said to have had none', () => {
  expect(restoreSentence(null)).toContain('not measured');
  const span = { startMs: 0, endMs: 100_000_000 };
  expect(restoreSentence(restoreFigures([], span))).toBe('Nobody asked for a restore that ended in this month.');
  const one = { asker: 'customer' as const, requestedMs: 0, firstByteMs: 500, endedMs: 40_000 };
  const words = restoreSentence(
    restoreFigures(
      [
        { ...one, state: 'delivered' },
        { ...one, state: 'abandoned', asker: 'provider' },
        { ...one, state: 'cancelled' },
        { ...one, state: 'delivered', asker: 'machine', endedMs: 80_000 },
      ],
      span,
    ),
  );
  expect(words).toBe(
    '2 of 3 restores were delivered: half of them within 40.0 s of the request, 19 of 20 within 1 min 20 s. 1 failed. 1 of 2 was asked for by the customer’s own people. 1 more was begun at the machine itself.',
  );
});

test('what is inside restored databases is told with its number, and what no test could see is not said to be new', () => {
  expect(semanticSentence(null)).toBe('');
  expect(semanticSentence({ of: 0, unknown: 0, worst: null, medianMs: null })).toBe('');
  expect(semanticSentence({ of: 0, unknown: 3, worst: null, medianMs: null })).toContain('not measured');
  expect(semanticSentence({ of: 2, unknown: 1, worst: { drillId: 'd', behindMs: 7_200_000 }, medianMs: 60_000 })).toBe(
    'Inside the restored databases the newest entry was at most 2 h older than the backup, in half of the tests at most 1 min (n = 2; 1 test found no time).',
  );
});
