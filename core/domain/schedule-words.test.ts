import { expect, test } from 'vitest';
import { limitsWords, scheduleWords, speedWords } from './schedule-words.ts';

test('an interval and a calendar read as a person would say them', () => {
  expect(scheduleWords({ everyMinutes: 1440, windowMinutes: 240 })).toBe('every day, on time within 4 h');
  expect(
    scheduleWords({ cron: ['0 22 * * mon-fri'], timeZone: 'Europe/Berlin', windowMinutes: 120, endMinutes: 480 }),
  ).toBe('at 22:00 on Mon to Fri (Europe/Berlin), begins within 2 h, is stopped after 8 h');
  expect(scheduleWords({ cron: ['30 6,18 * * *', '0 3 * * sun'], windowMinutes: 90 })).toBe(
    'at 06:30 and 18:30 every day; and at 03:00 on Sunday, begins within 1 h 30 min',
  );
  expect(scheduleWords({ cron: ['0 */2 1,15 jan *'], windowMinutes: 30 })).toBe(
    '12 times a day from 00:00 to 22:00 on day 1 and 15 of the month in Jan, begins within 30 min',
  );
  expect(scheduleWords({ cron: ['0 1 13 * fri'], windowMinutes: 30 })).toContain('on Friday or on day 13 of the month');
});
test('terms of retry and catching up are said where they are set', () => {
  const base = { everyMinutes: 60, windowMinutes: 30 };
  expect(scheduleWords({ ...base, retryMinutes: [5, 10, 60] })).toMatch(/tried again after 5 min, 10 min then 1 h$/);
  expect(scheduleWords({ ...base, retryMinutes: [], catchUp: false })).toMatch(
    /not tried again after a failure, a missed one is not caught up$/,
  );
});
test('limits are one sentence a rule', () => {
  const rule = { upBytesPerSecond: 1_500_000, downBytesPerSecond: null };
  expect(limitsWords(undefined)).toEqual([]);
  expect(
    limitsWords({
      timeZone: 'Europe/Berlin',
      rules: [
        { weekdays: [1, 2, 3, 4, 5], from: '08:00', until: '18:00', ...rule },
        { from: '00:00', until: '00:00', upBytesPerSecond: null, downBytesPerSecond: 64_000 },
      ],
    }),
  ).toEqual([
    'Mon to Fri from 08:00 to 18:00 (Europe/Berlin): at most 1.5 MB/s up',
    'every day for 24 hours from 00:00 (Europe/Berlin): at most 64 kB/s down',
  ]);
  expect(speedWords({ upBytesPerSecond: null, downBytesPerSecond: null })).toBe('not limited');
});
