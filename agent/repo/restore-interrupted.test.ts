/** A restore that is killed, as a whole process, and what the next one makes of what it left. */
import { spawn } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  linkSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { UNFINISHED_MODE } from '../../core/filesystem/restored-file.ts';
import { describeTree } from '../../core/repository/testing/nasty-tree.ts';
import { noise } from '../../core/repository/testing/noise.ts';
import { HOLDFAST, type Programs, startPrograms } from './testing/run-programs.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let programs: Programs;
let source: string;

beforeAll(async () => {
  programs = await startPrograms('restore-interrupted');
  source = join(programs.scratch, 'source');
  for (let folder = 0; folder < 10; folder += 1) {
    mkdirSync(join(source, `folder-${folder}`), { recursive: true });
    for (let file = 0; file < 40; file += 1)
      writeFileSync(join(source, `folder-${folder}`, `file-${file}`), noise(20_000 + file * 100, `${folder} ${file}`));
  }
  for (let file = 0; file < 5; file += 1)
    writeFileSync(join(source, `large-${file}`), noise(6_000_000, `large ${file}`));
  symlinkSync('large-0', join(source, 'link'));
  linkSync(join(source, 'large-1'), join(source, 'zz-second-name'));
  programs.restic('backup', '-q', source);
});
afterAll(() => programs.remove());

const namesIn = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];

/** Those that stand under their own names. */
function filesIn(folder: string): Map<string, Stats> {
  const names = namesIn(folder).filter((name) => !name.includes('.holdfast-restore-'));
  return new Map(
    names.map((name) => [name, lstatSync(join(folder, name))] as const).filter(([, stat]) => stat.isFile()),
  );
}

/** How often a restore may be done before this process has seen it begin: others may have the processors. */
const TRIES_MAX = 20;

/**
 * Starts a restore and kills it when so many entries are in the target. Begins again, by `prepare`, when the restore was
 * faster than the killer.
 */
async function restoreUntilKilled(
  target: string,
  entries: number,
  prepare: () => void,
  ...args: string[]
): Promise<void> {
  const command = ['repo', 'restore', ...programs.common, '--target', target, ...args, `latest:${source}`];
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    // bin/holdfast becomes the program itself by exec: there is one process to kill.
    const child = spawn(HOLDFAST, command, { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    while (child.exitCode === null && namesIn(target).length < entries)
      await new Promise((resolve) => setTimeout(resolve, 2));
    child.kill('SIGKILL');
    await ended;
    if (child.signalCode === 'SIGKILL') return;
    expect(child.exitCode).toBe(0);
    prepare();
  }
  throw new Error('The restore was always faster than the test: nothing was interrupted.');
}

const isUnfinished = (stat: Stats): boolean => (stat.mode & 0o7777) === UNFINISHED_MODE;

test('after kill -9 no half file has a whole one’s mode, and the same command completes the tree without rewriting', async () => {
  const target = join(programs.scratch, 'killed');
  let whole = new Map<string, Stats>();
  for (const entries of [100, 200, 300]) {
    await restoreUntilKilled(target, entries, () => {
      // Whole by now: what is looked at from here on begins anew.
      rmSync(target, { recursive: true });
      whole = new Map();
    });
    const left = filesIn(target);
    for (const [name, stat] of left) {
      if (isUnfinished(stat)) continue;
      // Whatever does not bear the mark is whole, by size and by time.
      const original = statSync(join(source, name));
      expect([name, stat.size, Math.round(stat.mtimeMs)]).toEqual([name, original.size, Math.round(original.mtimeMs)]);
    }
    for (const [name, { ino }] of whole) expect([name, left.get(name)?.ino]).toEqual([name, ino]);
    whole = new Map([...left].filter(([, stat]) => !isUnfinished(stat)));
  }
  expect(whole.size).toBeGreaterThan(50);
  const last = programs.holdfast('restore', '--json', '--verify', '--target', target, `latest:${source}`);
  expect(last).toMatchObject({ status: 0, err: '' });
  const [summary] = last.ofType('summary');
  expect(summary).toMatchObject({ outcome: 'complete', skipped: 0, damaged: 0, filesVerified: 10 * 40 + 5 });
  expect(Number(summary?.['unchanged'])).toBeGreaterThanOrEqual(whole.size);
  expect(describeTree(target)).toEqual(describeTree(source));
  const after = filesIn(target);
  for (const [name, { ino }] of whole) expect(after.get(name)?.ino).toBe(ino);
});

test('one that was replacing files leaves each as it was or as it will be, and the next one completes and cleans up', async () => {
  const target = join(programs.scratch, 'replaced');
  const prepare = (): void => {
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target);
    for (let file = 0; file < 5; file += 1) writeFileSync(join(target, `large-${file}`), `mine ${file}`);
  };
  prepare();
  await restoreUntilKilled(target, 60, prepare, '--overwrite', 'if-changed');
  for (let file = 0; file < 5; file += 1)
    expect([6, 6_000_000]).toContain(statSync(join(target, `large-${file}`)).size);
  const last = programs.holdfast(
    'restore',
    '--overwrite',
    'if-changed',
    '--verify',
    '--target',
    target,
    `latest:${source}`,
  );
  expect(last).toMatchObject({ status: 0, err: '' });
  expect(describeTree(target)).toEqual(describeTree(source));
});
