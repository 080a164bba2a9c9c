import { expect, test } from 'vitest';
import { runProgress } from './run-progress.ts';

const agent = {
  kind: 'agent',
  filesDone: 50,
  filesTotal: 200,
  bytesDone: 5e6,
  bytesTotal: 20e6,
  bytesAdded: 1e6,
} as const;
const times = { startedMs: 0, lastProgressMs: 2000 };

test('a run that reads shows files, bytes and the mean rate', () => {
  expect(runProgress({ state: 'running', progress: { ...agent, phase: 'read' }, ...times })).toEqual({
    label: 'Reading and uploading',
    share: 0.25,
    words: '50 of 200 files, 5.00 MB of 20.0 MB, 2.50 MB a second',
  });
});

test('what has no total yet shows no share, and nothing divides by zero', () => {
  for (const phase of ['scan', 'index', 'done'] as const)
    expect(runProgress({ state: 'running', progress: { ...agent, phase }, ...times })?.share).toBeNull();
  const empty = { ...agent, phase: 'read', bytesDone: 0, bytesTotal: 0 } as const;
  expect(runProgress({ state: 'running', progress: empty, startedMs: 5, lastProgressMs: 5 })?.share).toBeNull();
  expect(
    runProgress({ state: 'committed', progress: { kind: 'seal', done: 0, total: 0 }, ...times })?.share,
  ).toBeNull();
});

test('a committed run is not called done while the server still checks it', () => {
  const sealing = runProgress({ state: 'committed', progress: { kind: 'seal', done: 30, total: 40 }, ...times });
  expect(sealing).toMatchObject({ share: 0.75, words: '30 of 40 objects' });
});

test('a run that has ended has no progress', () => {
  for (const state of ['sealed', 'failed', 'aborted'])
    expect(runProgress({ state, progress: { ...agent, phase: 'read' }, ...times })).toBeUndefined();
});
