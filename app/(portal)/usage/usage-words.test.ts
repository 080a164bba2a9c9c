import { expect, test } from 'vitest';
import { changeWords, forecastWords } from './usage-words.ts';

test('a change is said against what was, and is never rounded away', () => {
  expect(changeWords(5, null)).toBe('new this month');
  expect(changeWords(5, 0)).toBe('new this month');
  expect(changeWords(0, 0)).toBe('as before');
  expect(changeWords(1000, 1000)).toBe('as before');
  expect(changeWords(1001, 1000)).toBe('a little more');
  expect(changeWords(999, 1000)).toBe('a little less');
  expect(changeWords(1125, 1000)).toBe('12 % more');
  expect(changeWords(0, 1000)).toBe('100 % less');
});

test('the forecast says when what was agreed is full, at which pace, and from how many days', () => {
  const at = { usedBytes: 66e9, bytesPerDay: 5e9, days: 28 };
  const quota = { bytes: 100e9, usedShare: 0.66, daysLeft: 6 };
  expect(forecastWords({ ...at, quota })).toEqual({
    name: 'Quota is full',
    value: 'in 6 days',
    note: '66 % of 100 GB used; grows by 5.00 GB a day, from 28 days of the last four weeks',
    isTight: true,
  });
  expect(forecastWords({ ...at, quota: { ...quota, daysLeft: 0, usedShare: 1.2 } })).toMatchObject({ value: 'now' });
  expect(forecastWords({ ...at, bytesPerDay: 0, quota: { ...quota, daysLeft: null } })).toMatchObject({
    value: 'not at this pace',
    isTight: false,
  });
  expect(forecastWords({ ...at, quota: null })).toMatchObject({
    value: '5.00 GB a day',
    note: 'no quota is agreed on; from 28 days of the last four weeks',
  });
});
