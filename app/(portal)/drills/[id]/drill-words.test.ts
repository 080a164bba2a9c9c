import { expect, test } from 'vitest';
import type { DrillCheck } from '../../../../core/domain/drill-checks.ts';
import type { DrillDetailView, DrillLine } from '../../../../server/drills/queries.ts';
import { drillSentence } from './drill-words.ts';

const line: DrillLine = {
  id: 'x',
  level: 3,
  trigger: 'manual',
  state: 'passed',
  filesPlanned: 50,
  filesDone: 50,
  filesMatched: 50,
  bytesPlanned: 1000,
  bytesDone: 1000,
  createdMs: 0,
  startedMs: 0,
  finishedMs: 1,
  errorMessage: null,
  restorePointId: 'p',
  runner: 'service',
  scope: 'sample',
  pointChoice: 'latest',
};
const look = (kind: DrillCheck['kind'], state: DrillCheck['state']): DrillCheck => ({
  ...{ kind, state, name: 'x', subject: 'x', expected: null, actual: null, output: '', ms: 1 },
});
const say = (
  drill: Partial<DrillLine>,
  rest: Partial<Omit<Parameters<typeof drillSentence>[0], 'drill'>> = {},
): string => drillSentence({ drill: { ...line, ...drill }, checks: [], levelReached: 3, voided: null, ...rest });
const word: NonNullable<DrillDetailView['voided']> = { byName: 'Hanna', atMs: 1, words: 'A wrong rule.' };

test('only a drill that passed is said to work, and a level that it did not reach is said', () => {
  expect(say({})).toBe('The restore works: all 50 files of the sample came back as they were, 1.00 kB.');
  expect(say({ scope: 'full' })).toContain('all 50 files came back');
  expect(say({ level: 4 }, { levelReached: 3 })).toMatch(/nothing to open, so level 4 was not reached/);
  expect(say({ level: 5 }, { levelReached: 5 })).toMatch(/, and the test of the whole system passed\.$/);
  expect(say({ level: 5 }, { levelReached: 4 })).toMatch(/the whole system was not tested, so level 5 was not reached/);
  expect(say({ level: 4 }, { levelReached: 4, checks: [look('restore', 'warning')] })).toMatch(/1 thing to look at/);
  for (const state of ['queued', 'running', 'failed', 'void'] as const)
    expect(say({ state }, { levelReached: null }), state).not.toContain('works');
});

test('a failure says whether bytes or contents were wrong', () => {
  expect(say({ state: 'failed', filesMatched: 48 })).toContain('2 files did not come back');
  expect(say({ state: 'failed' }, { checks: [look('row_count', 'failed')] })).toContain(
    'one look at what is in them failed',
  );
  expect(say({ state: 'failed', filesDone: 0, filesMatched: 0 })).toContain('before files could be compared');
});

test('a verdict that a person withdrew is told from a drill that could not run', () => {
  expect(say({ state: 'void' })).toContain('could not be carried out');
  expect(say({ state: 'void' }, { voided: word })).toContain('withdrawn by a person');
});
