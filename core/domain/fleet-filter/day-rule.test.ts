import { expect, test } from 'vitest';
import type { OccurrenceOutcome } from '../outcome.ts';
import { DAY_RULES, dayOutcome, readDayRule } from './day-rule.ts';

const shown = (...outcomes: OccurrenceOutcome[]) =>
  DAY_RULES.flatMap((rule) => (rule === 'each' ? [] : [dayOutcome(outcomes, rule)]));

test('a day shows its worst, its last, its best, or that its backups differ', () => {
  expect(shown('ok', 'failed', 'late')).toEqual(['failed', 'late', 'ok', 'mixed']);
  expect(shown('ok', 'ok')).toEqual(['ok', 'ok', 'ok', 'ok']);
  expect(shown('missed')).toEqual(['missed', 'missed', 'missed', 'missed']);
  expect(shown()).toEqual([undefined, undefined, undefined, undefined]);
});

test('an excuse neither makes a day better nor mixed; it is shown where nothing else is', () => {
  expect(shown('failed', 'excused')).toEqual(['failed', 'failed', 'failed', 'failed']);
  expect(shown('excused', 'excused')).toEqual(['excused', 'excused', 'excused', 'excused']);
});

test('a word that is no rule means each backup for itself', () => {
  expect(readDayRule('worst')).toBe('worst');
  expect(readDayRule('bad')).toBe('each');
  expect(readDayRule(undefined)).toBe('each');
});
