import { expect, test } from 'vitest';
import { DRILL_CHECK_KINDS, type DrillCheckKind } from '../../../../core/domain/drill-checks.ts';
import { drillsSentence, failureAdvice } from './drills-words.ts';

const none = { failed: 0, never: 0, overdue: 0, proven: 0, extra: 0, unasked: 0 };

test('only a fleet that is proven as a whole is called so', () => {
  expect(drillsSentence({ sourcesTotal: 3, counts: { ...none, proven: 3 } })).toBe(
    'All 3 sources are proven, as deep and as often as their policies ask.',
  );
  for (const state of ['failed', 'never', 'overdue'] as const) {
    const sentence = drillsSentence({ sourcesTotal: 3, counts: { ...none, proven: 2, [state]: 1 } });
    expect(sentence, state).toMatch(/^1 source .*; 2 of 3 are proven as asked\.$/);
  }
});

test('the worst comes first, and nothing is called proven where nothing is asked or nothing was reached', () => {
  expect(drillsSentence({ sourcesTotal: 4, counts: { ...none, failed: 1, never: 2, overdue: 1 } })).toBe(
    '1 source failed its last restore test, 2 sources never reached the depth that is asked for, 1 source was not tested for too long; none is proven as asked.',
  );
  expect(drillsSentence({ sourcesTotal: 2, counts: none })).toContain('nothing is proven');
  expect(drillsSentence({ sourcesTotal: 0, counts: none })).toContain('Nothing is protected');
});

test('each kind of finding has its own advice, and damage comes before all others', () => {
  const advice = (kind: DrillCheckKind): string =>
    failureAdvice({ isDamaged: false, mismatches: 0, failedChecks: [{ kind, name: 'x' }] });
  const kinds = (Object.keys(DRILL_CHECK_KINDS) as DrillCheckKind[]).filter((kind) => kind !== 'witness');
  for (const kind of kinds) expect(advice(kind), kind).not.toContain('Look at the step at which it stopped');
  expect(failureAdvice({ isDamaged: true, mismatches: 3, failedChecks: [{ kind: 'restore', name: 'x' }] })).toContain(
    'damaged',
  );
  expect(failureAdvice({ isDamaged: false, mismatches: 3, failedChecks: [] })).toContain('differs');
});
