/** The commands that change a repository, whole processes, beside stock restic on the same repositories. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { noise } from '../../core/repository/testing/noise.ts';
import { cheapenKey } from '../../core/repository/testing/cheapen-key.ts';

const HOLDFAST = fileURLToPath(new URL('../../bin/holdfast', import.meta.url));
vi.setConfig({ testTimeout: 180_000 });

let scratch: string;
let template: string;
let made = 0;
const passwordFile = (name = 'password'): string => join(scratch, name);

type Line = Readonly<Record<string, unknown>> & { readonly type: string };
interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function holdfast(command: string, repo: string, ...args: string[]): Ran {
  const where = ['--repo', repo, '--password-file', passwordFile()];
  const run = spawnSync(HOLDFAST, ['repo', ...command.split(' '), ...where, ...args], { encoding: 'utf8' });
  return { status: run.status, out: run.stdout, err: run.stderr };
}
function lines(command: string, repo: string, ...args: string[]): Line[] {
  const { status, out, err } = holdfast(command, repo, '--json', ...args);
  expect({ status, err }, out).toEqual({ status: 0, err: '' });
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}
const ofType = (all: readonly Line[], type: string): Line[] => all.filter((line) => line.type === type);

function restic(repo: string, ...args: string[]): string {
  const where = ['-r', repo, '--password-file', passwordFile(), '--no-cache'];
  return execFileSync('restic', [...where, ...args], { encoding: 'utf8', stdio: 'pipe' });
}
const ids = (repo: string): string[] =>
  (JSON.parse(restic(repo, 'snapshots', '--json')) as { id: string }[]).map(({ id }) => id);

function newRepo(): string {
  const repo = join(scratch, `repo-${(made += 1)}`);
  cpSync(template, repo, { recursive: true });
  return repo;
}
const packs = (repo: string): number =>
  readdirSync(join(repo, 'data'), { recursive: true, encoding: 'utf8' }).filter((name) => name.length > 60).length;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-write-commands-'));
  writeFileSync(passwordFile(), 'from a file\n');
  writeFileSync(passwordFile('other'), 'another one\n');
  template = join(scratch, 'template');
  restic(template, 'init');
  await cheapenKey(template, 'from a file');
  const source = join(scratch, 'source');
  for (let day = 1; day <= 4; day += 1) {
    rmSync(source, { recursive: true, force: true });
    mkdirSync(source);
    writeFileSync(join(source, 'always'), noise(50_000, 'always'));
    writeFileSync(join(source, 'now'), noise(80_000, `day ${day}`));
    const tag = day === 1 ? 'first' : 'later';
    restic(template, 'backup', '--host', 'desk', '--tag', tag, '--time', `2026-01-0${day} 12:00:00`, source);
  }
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Somebody who reads nothing of what the command says, as a pager that was left does. */
function withoutReader(command: string, repo: string, ...args: string[]): number {
  const status = join(scratch, 'status');
  const script = '{ "$@"; echo $? > "$0"; } | true';
  const where = ['--repo', repo, '--password-file', passwordFile()];
  execFileSync('bash', ['-c', script, status, HOLDFAST, 'repo', ...command.split(' '), ...where, ...args]);
  return Number(readFileSync(status, 'utf8'));
}

describe('a reader that leaves', () => {
  test('changes nothing of what is done, and is no failure', () => {
    const repo = newRepo();
    const before = packs(repo);
    expect(withoutReader('forget', repo, '--keep-last', '1', '--prune')).toBe(0);
    expect(ids(repo)).toHaveLength(1);
    expect(packs(repo)).toBeLessThan(before);
    expect(restic(repo, 'check', '--read-data')).toContain('no errors were found');
    expect(readdirSync(join(repo, 'locks'))).toEqual([]);
    expect(withoutReader('ls', repo, 'latest')).toBe(0);
    expect(withoutReader('snapshots', repo, '--json')).toBe(0);
  });

  test('is not taken for a full disk, which fails the command when its work is done', () => {
    const repo = newRepo();
    const where = ['--repo', repo, '--password-file', passwordFile()];
    const run = spawnSync(
      'bash',
      ['-c', '"$@" > /dev/full', 'bash', HOLDFAST, 'repo', 'forget', ...where, '--keep-last', '1', '--prune'],
      { encoding: 'utf8' },
    );
    expect(run).toMatchObject({ status: 1, stderr: expect.stringContaining('ENOSPC') });
    expect(run.stderr.split('\n')).toHaveLength(2);
    expect(ids(repo)).toHaveLength(1);
    expect(restic(repo, 'check')).toContain('no errors were found');
  });
});

describe('forget and prune', () => {
  test('remove what the rules let go, say why the others stay, and free what nobody needs', () => {
    const repo = newRepo();
    const all = ids(repo);
    const rules = ['--keep-daily', '2', '--keep-tag', 'first'];
    const planned = lines('forget', repo, '--dry-run', '--prune', ...rules);
    expect(ids(repo)).toEqual(all);
    expect(ofType(planned, 'kept').map((line) => [line['snapshotId'], line['reasons']])).toEqual([
      [all[3], ['daily snapshot']],
      [all[2], ['daily snapshot']],
      [all[0], ['has tags [first]']],
    ]);
    expect(ofType(planned, 'forgotten')).toEqual([{ type: 'forgotten', snapshotId: all[1], isDryRun: true }]);
    const before = packs(repo);
    const done = lines('forget', repo, '--prune', '--max-unused', '0', ...rules);
    const summaries = (from: readonly Line[]): unknown[] =>
      ofType(from, 'summary').map((line) => [line['command'], line['forgotten'], line['usedBytes']]);
    expect(summaries(done)).toEqual(summaries(planned));
    expect(ids(repo)).toEqual([all[0], all[2], all[3]]);
    expect(packs(repo)).toBeLessThan(before);
    expect(restic(repo, 'check', '--read-data')).toContain('no errors were found');
    expect(ofType(lines('prune', repo, '--dry-run'), 'summary')).toMatchObject([{ unusedBlobs: 0, removedPacks: 0 }]);
  });

  test('by id removes those and no others, and leaves their data to a later prune', () => {
    const repo = newRepo();
    const all = ids(repo);
    const before = packs(repo);
    const { status, out } = holdfast('forget', repo, all[1]!.slice(0, 10), 'latest');
    expect(status).toBe(0);
    expect(out).toContain('2 snapshots forgotten');
    expect(ids(repo)).toEqual([all[0], all[2]]);
    expect(packs(repo)).toBe(before);
    expect(holdfast('prune', repo)).toMatchObject({ status: 0, err: '' });
    expect(packs(repo)).toBeLessThan(before);
    expect(restic(repo, 'check', '--read-data')).toContain('no errors were found');
  });

  test.each<[string[], number, RegExp]>([
    [[], 2, /needs ids of snapshots, or rules/],
    [['--keep-tag', 'never'], 1, /--unsafe-allow-remove-all/],
    [['--keep-last', 'many'], 2, /--keep-last/],
    [['--keep-within', '3 weeks'], 2, /--keep-within/],
    [['--keep-last', '1', '--group-by', 'colour'], 2, /--group-by/],
    [['--keep-last', '1', '--prune', '--max-unused', '120%'], 2, /--max-unused/],
    [['ffffffffff'], 1, /ffffffffff/],
  ])('refuse %j, and nothing is removed', (args, status, words) => {
    const run = holdfast('forget', template, ...args);
    expect(run.status).toBe(status);
    expect(run.err).toMatch(words);
    expect(ids(template)).toHaveLength(4);
  });

  test('with --unsafe-allow-remove-all and a filter remove the last one too', () => {
    const repo = newRepo();
    expect(holdfast('forget', repo, '--unsafe-allow-remove-all', '--host', 'desk', '--prune')).toMatchObject({
      status: 0,
    });
    expect(ids(repo)).toEqual([]);
    expect(packs(repo)).toBe(0);
  });

  test('wait for nobody: while a backup may be running they refuse, and say who it is', async () => {
    const repo = newRepo();
    const held = spawn('restic', ['-r', repo, '--password-file', passwordFile(), '--no-cache', 'backup', '--stdin'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const ended = new Promise((resolve) => held.once('exit', resolve));
    while (!existsSync(join(repo, 'locks')) || readdirSync(join(repo, 'locks')).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 10));
    for (const command of ['prune', 'forget --keep-last 1', 'repair index'])
      expect(holdfast(command, repo)).toMatchObject({ status: 1, err: expect.stringMatching(/locked: process \d+/) });
    // It is at work: a lock of a process that runs is not stale.
    expect(ofType(lines('unlock', repo), 'summary')).toMatchObject([{ removed: 0, left: 1 }]);
    held.kill('SIGKILL');
    await ended;
    expect(ofType(lines('unlock', repo), 'summary')).toMatchObject([{ removed: 1, left: 0 }]);
    expect(holdfast('prune', repo)).toMatchObject({ status: 0 });
  });
});

test('unlock --remove-all removes every lock', async () => {
  const repo = newRepo();
  mkdirSync(join(repo, 'locks'), { recursive: true });
  writeFileSync(join(repo, 'locks', 'a'.repeat(64)), 'no lock at all');
  expect(ofType(lines('unlock', repo), 'summary')).toMatchObject([{ removed: 0, left: 1 }]);
  expect(ofType(lines('unlock', repo, '--remove-all'), 'summary')).toMatchObject([{ removed: 1, left: 0 }]);
  expect(readdirSync(join(repo, 'locks'))).toEqual([]);
});

test('keys are added, listed, exchanged and removed, and stock restic opens with each', () => {
  const repo = newRepo();
  const other = ['--new-password-file', passwordFile('other')];
  const [added] = ofType(lines('key add', repo, ...other, '--host', 'elsewhere'), 'summary');
  const listed = ofType(lines('key list', repo), 'key');
  expect(listed).toHaveLength(2);
  expect(listed.find(({ id }) => id === added?.['keyId'])).toMatchObject({ isInUse: false, hostname: 'elsewhere' });
  const own = String(listed.find(({ isInUse }) => isInUse === true)?.['id']);
  const withOther = ['-r', repo, '--password-file', passwordFile('other'), '--no-cache'];
  execFileSync('restic', [...withOther, 'snapshots'], { stdio: 'pipe' });
  const refused = holdfast('key remove', repo, own);
  expect(refused).toMatchObject({ status: 1 });
  expect(refused.err).toContain('Nothing was removed');
  expect(holdfast('key remove', repo, String(added?.['keyId']))).toMatchObject({ status: 0 });
  expect(spawnSync('restic', [...withOther, 'snapshots']).status).not.toBe(0);
  expect(holdfast('key passwd', repo, ...other)).toMatchObject({ status: 0 });
  expect(holdfast('snapshots', repo)).toMatchObject({ status: 1 });
  execFileSync('restic', [...withOther, 'check'], { stdio: 'pipe' });
  expect(holdfast('key', template)).toMatchObject({ status: 2 });
  expect(holdfast('key remove', template)).toMatchObject({ status: 2 });
});

test('copy brings snapshots into a repository that cuts files alike, once', () => {
  const target = join(scratch, `repo-${(made += 1)}`);
  const from = ['--from-repo', template, '--from-password-file', passwordFile()];
  expect(holdfast('init', target, '--copy-chunker-params', ...from)).toMatchObject({ status: 0 });
  const config = (repo: string): unknown =>
    (JSON.parse(restic(repo, 'cat', 'config')) as { chunker_polynomial: string }).chunker_polynomial;
  expect(config(target)).toBe(config(template));
  const latest = ids(template).at(-1)!;
  expect(ofType(lines('copy', target, ...from, 'latest'), 'copied')).toMatchObject([
    { sourceId: latest, wasThere: false },
  ]);
  expect(ofType(lines('copy', target, ...from, '--host', 'desk'), 'summary')).toMatchObject([
    { copied: 3, skipped: 1 },
  ]);
  expect(restic(target, 'check', '--read-data')).toContain('no errors were found');
  expect(holdfast('copy', target)).toMatchObject({ status: 2 });
});

test('repair makes the index anew and snapshots without what is lost', () => {
  const repo = newRepo();
  rmSync(join(repo, 'index'), { recursive: true });
  mkdirSync(join(repo, 'index'));
  expect(holdfast('repair index', repo)).toMatchObject({ status: 0, err: '' });
  expect(restic(repo, 'check', '--read-data')).toContain('no errors were found');
  expect(ofType(lines('repair snapshots', repo), 'summary')).toMatchObject([{ broken: 0 }]);
  const [name] = readdirSync(join(repo, 'data'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.length > 60,
  );
  rmSync(join(repo, 'data', name!));
  const mended = holdfast('repair index', repo);
  expect(mended).toMatchObject({ status: 3 });
  expect(mended.err).toContain('is missing; what it held is lost');
  const repaired = holdfast('repair snapshots', repo, '--forget');
  expect(repaired.status).toBe(0);
  expect(restic(repo, 'check', '--read-data')).toContain('no errors were found');
  expect(holdfast('repair', template)).toMatchObject({ status: 2 });
  expect(holdfast('repair packs', template)).toMatchObject({ status: 2 });
});

test('repair packs keeps a copy of what it removes, and what was intact', () => {
  const repo = newRepo();
  const packIds = readdirSync(join(repo, 'data'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.length > 60)
    .map((file) => file.slice(3));
  const folder = join(scratch, 'copies');
  mkdirSync(folder);
  const args = ['repo', 'repair', 'packs', '--repo', repo, '--password-file', passwordFile(), packIds[0]!];
  const run = spawnSync(HOLDFAST, args, { encoding: 'utf8', cwd: folder });
  expect(run).toMatchObject({ status: 0, stderr: '' });
  expect(readdirSync(folder)).toEqual([`pack-${packIds[0]}`]);
  expect(existsSync(join(repo, 'data', packIds[0]!.slice(0, 2), packIds[0]!))).toBe(false);
  expect(restic(repo, 'check', '--read-data')).toContain('no errors were found');
});
