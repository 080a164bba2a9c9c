import { expect, test } from 'vitest';
import type { SourceMonthView } from '../../server/customers/queries.ts';
import type { DeviceSummary } from '../../server/fleet/view.ts';
import { customerSentence } from './customer-sentence.ts';

const HOUR = 3600_000;
const device = { dataAtMs: 1 } as DeviceSummary;
const source = (attainment: number | null, peakMs: number | null, deviceName = 'web-1') =>
  ({
    windowStartMs: Date.UTC(2026, 10, 1),
    attainment,
    peakMs,
    peakAtMs: Date.UTC(2026, 10, 12, 9),
    deviceName,
  }) as SourceMonthView;
const say = (sources: SourceMonthView[], devices = [device]) =>
  customerSentence({ month: '2026-11', devices, sources, customer: { timeZone: 'UTC' } });

test('the sentence gives attainment and worst loss of the month', () => {
  expect(say([source(0.998, 5 * HOUR + 10 * 60_000)])).toBe(
    'Your data was recoverable within the target for 99.8 % of November so far; the worst case loss was 5 h 10 min on 12 November.',
  );
});

test('a month is only called whole when nothing at all was outside the target', () => {
  expect(say([source(1, HOUR)])).toContain('for all of November so far');
  const nearly = say([source(0.9999999, HOUR)]);
  expect(nearly).not.toContain('all of November');
  expect(nearly).not.toContain('100');
});

test('the worst source speaks, however good the others are', () => {
  const sentence = say([source(1, HOUR), source(0.5, 9 * HOUR, 'desk-2'), source(1, HOUR)]);
  expect(sentence).toContain('On desk-2, the worst of 3 sources');
  expect(sentence).toContain('50.0 %');
});

test('a source that joined later is measured from its first day, and the sentence says so', () => {
  const joined = { ...source(0.9, HOUR), windowStartMs: Date.UTC(2026, 10, 9, 4) };
  expect(say([joined])).toContain('90.0 % of the time since 9 November');
});

test('before there are figures it promises none', () => {
  expect(say([])).toBe('Your data is backed up; the figures of this month follow shortly.');
  expect(say([source(0, null)], [{ dataAtMs: null } as DeviceSummary])).toBe('Your first backup is not complete yet.');
  expect(say([], [])).toBe('Nothing is protected yet.');
});
