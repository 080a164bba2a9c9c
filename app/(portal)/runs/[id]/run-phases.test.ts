import { expect, test } from 'vitest';
import type { RunDetailView, RunLine } from '../../../../server/runs/queries.ts';
import { runPhases } from './run-phases.ts';
import { runSentence } from './run-sentence.ts';

const run = (over: Partial<RunLine>): RunLine => ({
  id: '',
  trigger: 'schedule',
  state: 'running',
  outcome: null,
  startedMs: 0,
  committedMs: null,
  finishedMs: null,
  lastProgressMs: 0,
  progress: null,
  snapshotId: null,
  selectedFiles: 3,
  selectedBytes: 3000,
  storedBytes: 0,
  unreadCount: 0,
  unreadBytes: 0,
  errorMessage: null,
  ...over,
});
const manifest = { objects: 4 } as unknown as RunDetailView['manifest'];
const agent = { kind: 'agent', filesDone: 0, filesTotal: 0, bytesDone: 0, bytesTotal: 0, bytesAdded: 0 } as const;
const states = (over: Partial<RunLine>, its: RunDetailView['manifest'] = null) =>
  runPhases({ run: run(over), manifest: its }).map((step) => step.state);

test('only a sealed run has every phase done', () => {
  expect(states({ state: 'sealed', committedMs: 5, finishedMs: 9 }, manifest)).toEqual(Array(5).fill('done'));
  for (const state of ['running', 'committed', 'failed', 'aborted'])
    expect(states({ state, committedMs: 5 }, manifest), state).not.toEqual(Array(5).fill('done'));
});

test('a running backup shows where the agent is', () => {
  expect(states({})).toEqual(['running', 'waiting', 'waiting', 'waiting', 'waiting']);
  expect(states({ progress: { ...agent, phase: 'read' } })).toEqual([
    'done',
    'running',
    'waiting',
    'waiting',
    'waiting',
  ]);
  expect(states({ progress: { ...agent, phase: 'done' } })).toEqual(['done', 'done', 'done', 'running', 'waiting']);
});

test('a failed run shows the phase in which it failed, and nothing after it as done', () => {
  expect(states({ state: 'failed', progress: { ...agent, phase: 'read' } })).toEqual([
    'done',
    'failed',
    'skipped',
    'skipped',
    'skipped',
  ]);
  expect(states({ state: 'failed', committedMs: 5 }, manifest)).toEqual(['done', 'done', 'done', 'done', 'failed']);
});

test('only a sealed run without unread files is called complete', () => {
  expect(runSentence(run({ state: 'sealed', outcome: 'ok' }))).toContain('complete');
  expect(runSentence(run({ state: 'sealed', outcome: 'partial', unreadCount: 2 }))).toContain('without 2 files');
  for (const state of ['running', 'committed', 'failed', 'aborted'])
    expect(runSentence(run({ state })), state).not.toContain('is complete');
});
