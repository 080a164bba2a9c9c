import { expect, test } from 'vitest';
import { barDays, buildHistory, HISTORY_DAYS } from './history.ts';

const noon = Date.UTC(2026, 10, 21, 12);

test('the bar has 28 days that end today, each once, over a change of the clocks too', () => {
  for (const [nowMs, timeZone] of [
    [noon, 'UTC'],
    [Date.UTC(2026, 9, 30, 23, 30), 'Europe/Stockholm'],
    [Date.UTC(2026, 2, 10, 3), 'America/New_York'],
  ] as const) {
    const days = buildHistory([], barDays(nowMs, timeZone));
    expect(days).toHaveLength(HISTORY_DAYS);
    expect(new Set(days.map((day) => day.day)).size).toBe(HISTORY_DAYS);
    expect(days.every((day) => day.worst === null)).toBe(true);
  }
  expect(buildHistory([], barDays(noon, 'UTC')).at(-1)?.day).toBe('2026-11-21');
  expect(buildHistory([], barDays(Date.UTC(2026, 9, 30, 23, 30), 'Europe/Stockholm')).at(-1)?.day).toBe('2026-10-31');
});

test('one bad outcome decides how the day is drawn, whatever else went well', () => {
  const [today] = buildHistory(
    [
      { day: '2026-11-21', kind: 'ok', count: 23 },
      { day: '2026-11-21', kind: 'missed', count: 1 },
      { day: '2026-11-21', kind: 'drill_passed', count: 2 },
      { day: '2026-11-21', kind: 'extra', count: 3 },
    ],
    barDays(noon, 'UTC'),
  ).slice(-1);
  expect(today).toMatchObject({ worst: 'missed', drillsPassed: 2, drillsFailed: 0, extraPoints: 3 });
  expect(today?.counts.ok).toBe(23);
});

test('an excuse never hides a success or a failure of the same day', () => {
  const worst = (kind: 'ok' | 'failed') =>
    buildHistory(
      [
        { day: '2026-11-21', kind: 'excused', count: 5 },
        { day: '2026-11-21', kind, count: 1 },
      ],
      barDays(noon, 'UTC'),
    ).at(-1)?.worst;
  expect(worst('ok')).toBe('ok');
  expect(worst('failed')).toBe('failed');
});
