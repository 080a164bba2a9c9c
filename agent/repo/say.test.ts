import { expect, test } from 'vitest';
import { clearingProgress } from './say.ts';

test('the line of progress is taken away before anything is said behind it, and only when there is one', () => {
  const said: string[] = [];
  const io = clearingProgress({
    out: (line) => said.push(`out ${line}`),
    err: (line) => said.push(`err ${line}`),
    progress: (line) => said.push(`progress ${line}`),
  });
  io.out('first');
  io.progress?.('half');
  io.progress?.('more');
  io.err('broken');
  io.out('last');
  expect(said).toEqual(['out first', 'progress half', 'progress more', 'progress ', 'err broken', 'out last']);
});

test('without a terminal nothing is added', () => {
  const io = { out: () => undefined, err: () => undefined, progress: undefined };
  expect(clearingProgress(io)).toBe(io);
});
