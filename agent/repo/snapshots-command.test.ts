/** The filters of the listing, as whole processes, choose what stock restic's choose. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cheapenKey } from '../../core/repository/testing/cheapen-key.ts';

const HOLDFAST = fileURLToPath(new URL('../../bin/holdfast', import.meta.url));
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-snapshots-command-'));
  writeFileSync(join(scratch, 'password'), 'a password\n');
  for (const name of ['one', 'two']) mkdirSync(join(scratch, name));
  restic('init');
  await cheapenKey(join(scratch, 'repo'), 'a password');
  const backups = [
    ['--host', 'a', '--tag', 'x', 'one'],
    ['--host', 'a', '--tag', 'x,y', 'one'],
    ['--host', 'a', 'one', 'two'],
    ['--host', 'b', '--tag', 'z', 'two'],
    ['--host', 'b', '--tag', 'y', 'one'],
  ];
  for (const [day, backup] of backups.entries()) restic('backup', '--time', `2026-01-0${day + 1} 10:00:00`, ...backup);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function restic(...args: string[]): string {
  const common = ['-r', join(scratch, 'repo'), '--password-file', join(scratch, 'password'), '--no-cache'];
  return execFileSync('restic', [...common, ...args], { cwd: scratch, encoding: 'utf8', stdio: 'pipe' });
}

function holdfast(...args: string[]): { status: number | null; out: string } {
  const common = ['--repo', join(scratch, 'repo'), '--password-file', join(scratch, 'password'), '--json'];
  const run = spawnSync(HOLDFAST, ['repo', 'snapshots', ...common, ...args], { encoding: 'utf8' });
  return { status: run.status, out: run.stdout };
}

const idsOf = (snapshots: readonly { id: string }[]): string[] => snapshots.map(({ id }) => id).sort();

test.each([
  [5, []],
  [3, ['--host', 'a']],
  [4, ['--path', 'ONE']],
  [1, ['--path', 'ONE', '--path', 'TWO']],
  [1, ['--tag', 'x,y']],
  [3, ['--tag', 'x', '--tag', 'y']],
  [0, ['--host', 'nobody']],
  [4, ['--latest', '1']],
  [2, ['--latest', '1', '--host', 'a']],
])('%i snapshots are chosen, the same as by restic, with %j', (expected, words) => {
  const args = words.map((word) => (/^(ONE|TWO)$/.test(word) ? join(scratch, word.toLowerCase()) : word));
  const { status, out } = holdfast(...args);
  expect(status).toBe(0);
  const ours = out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { id: string }]));
  expect(ours).toHaveLength(expected);
  expect(idsOf(ours)).toEqual(idsOf(JSON.parse(restic('snapshots', '--json', ...args)) ?? []));
});

test.each(['0', '-1', 'x', '1.5'])('a count of %j is refused as wrong use', (count) => {
  expect(holdfast(`--latest=${count}`).status).toBe(2);
});
