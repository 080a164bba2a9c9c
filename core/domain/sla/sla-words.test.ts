import { expect, test } from 'vitest';
import { customerFigures } from './customer-figures.ts';
import { causeWords, figureName, figureValue, monthSentence } from './sla-words.ts';

const none = customerFigures([], { startMs: 0, endMs: 1 }, { restores: [], databaseDrills: [] });
const view = {
  month: '2026-11',
  isOver: true,
  customer: { id: 'c', name: 'C', timeZone: 'Europe/Stockholm' },
  sources: [],
  figures: {
    ...none,
    sources: 1,
    worst: { sourceId: 's', deviceId: 'd', share: 1 },
    peak: { sourceId: 's', deviceId: 'd', ageMs: 18_600_000, atMs: Date.parse('2026-11-12T12:00:00Z') },
  },
};

test('a month is said in one plain sentence, with the worst case and its day', () => {
  expect(monthSentence(view)).toBe(
    'Your data was recoverable within the target for all of November 2026; the worst case was 5 h 10 min on 12 November.',
  );
  expect(monthSentence({ ...view, isOver: false })).toContain('all of November 2026 so far');
});
test('a share is cut, never rounded up, and a worst source is named', () => {
  const figures = { ...view.figures, sources: 2, worst: { ...view.figures.worst, share: 0.99999 } };
  expect(monthSentence({ ...view, figures })).toContain('On one source, the worst of 2 sources, your data was');
  expect(monthSentence({ ...view, figures })).toContain('99.9 % of November 2026');
});
test('a month without figures is not called well', () => {
  expect(monthSentence({ ...view, figures: none })).toBe('Nothing was measured in November 2026.');
  expect(monthSentence({ ...view, figures: null, isOver: false })).toBe('Nothing was measured in November 2026 yet.');
});
test('figures and causes are told in words', () => {
  expect(figureName('tier/servers', new Map([['servers', 'Servers']]))).toBe('Time within the target, Servers');
  expect(figureValue('tier/servers', 0.5)).toBe('50.00 %');
  expect(figureValue('peak', 3_600_000)).toBe('1 h');
  expect(figureValue('credit', 5)).toBe('5 %');
  expect(causeWords(['excuse_approved', 'point_locked'])).toBe(
    'Time was excused, and a restore point was found damaged.',
  );
});
