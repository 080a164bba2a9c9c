import { expect, test } from 'vitest';
import { ProgressLine } from './progress-line.ts';

function line(isTTY: boolean): { progress: ProgressLine; written: string[]; later: (ms: number) => void } {
  const written: string[] = [];
  let nowMs = 0;
  const progress = new ProgressLine({ isTTY, columns: 20, write: (text) => written.push(text) }, () => nowMs);
  return { progress, written, later: (ms) => void (nowMs += ms) };
}

test('on a terminal the line is rewritten in place, cut to its width, and cleared for what stays', () => {
  const { progress, written } = line(true);
  progress.update('a', 'first');
  progress.update('a', 'a text that is longer than the terminal');
  progress.say('stays');
  expect(written).toEqual(['\r\u001b[2Kfirst', '\r\u001b[2Ka text that is lon…', '\r\u001b[2K', 'stays\n']);
});

test('elsewhere a line is written for each new stage, and in between every ten seconds', () => {
  const { progress, written, later } = line(false);
  progress.update('read', '1 of 9');
  progress.update('read', '2 of 9');
  later(9999);
  progress.update('read', '3 of 9');
  later(1);
  progress.update('read', '4 of 9');
  progress.update('check', 'checking');
  expect(written).toEqual(['1 of 9\n', '4 of 9\n', 'checking\n']);
});
