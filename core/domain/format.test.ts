import { expect, test } from 'vitest';
import {
  formatBytes,
  formatCountOf,
  formatDuration,
  formatElapsed,
  formatExact,
  formatRelative,
  formatTick,
} from './format.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test('a duration shows two units at most and is never rounded up', () => {
  expect(formatDuration(59_999)).toBe('59 s');
  expect(formatDuration(60 * MINUTE - 1)).toBe('59 min');
  expect(formatDuration(5 * HOUR + 10 * MINUTE + 59_000)).toBe('5 h 10 min');
  expect(formatDuration(47 * HOUR)).toBe('47 h');
  expect(formatDuration(3 * DAY + 4 * HOUR)).toBe('3 days 4 h');
  expect(formatDuration(40 * DAY + 4 * HOUR)).toBe('40 days');
  expect(formatDuration(-5)).toBe('0 s');
});

test('elapsed times keep the precision that a drill needs', () => {
  expect(formatElapsed(740)).toBe('740 ms');
  expect(formatElapsed(3290)).toBe('3.2 s');
  expect(formatElapsed(125_000)).toBe('2 min 5 s');
});

test('a relative time says whether it lies before or after now', () => {
  expect(formatRelative(0, 2 * HOUR)).toBe('2 h ago');
  expect(formatRelative(2 * HOUR, 0)).toBe('in 2 h');
  expect(formatRelative(4000, 0)).toBe('just now');
});

test('bytes keep three digits and never reach the next unit by rounding', () => {
  expect(formatBytes(1)).toBe('1 byte');
  expect(formatBytes(999)).toBe('999 bytes');
  expect(formatBytes(999_999)).toBe('999 kB');
  expect(formatBytes(1_240_000_000)).toBe('1.24 GB');
});

test('counts carry their noun in the right number', () => {
  expect(formatCountOf(1, 'file')).toBe('1 file');
  expect(formatCountOf(20_431, 'file')).toBe('20,431 files');
});

test('exact times and axis labels follow the zone of the customer', () => {
  const at = Date.UTC(2026, 10, 21, 23, 30, 5);
  expect(formatExact(at, 'UTC')).toContain('23:30:05');
  expect(formatExact(at, 'Europe/Stockholm')).toContain('22 Nov 2026, 00:30:05');
  expect(formatTick(at, MINUTE, 'UTC')).toBe('23:30:05');
  expect(formatTick(at, 5 * HOUR, 'UTC')).toBe('23:30');
  expect(formatTick(at, 5 * DAY, 'UTC')).toBe('21 Nov, 23:30');
});
