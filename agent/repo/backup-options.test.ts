/** The options of backup, whole processes, with stock restic to look at what was made. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { noise } from '../../core/repository/testing/noise.ts';
import { cheapenKey } from '../../core/repository/testing/cheapen-key.ts';

const HOLDFAST = fileURLToPath(new URL('../../bin/holdfast', import.meta.url));
vi.setConfig({ testTimeout: 120_000 });

let scratch: string;
let source: string;
let template: string;
let made = 0;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-backup-options-'));
  source = join(scratch, 'source');
  mkdirSync(join(source, 'sub'), { recursive: true });
  for (const name of ['a.txt', 'b.log', 'sub/c.txt', 'sub/$d']) writeFileSync(join(source, name), name);
  writeFileSync(join(scratch, 'password'), 'p\n');
  template = join(scratch, 'template');
  restic(template, 'init');
  await cheapenKey(template, 'p');
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function restic(repo: string, ...args: string[]): string {
  const where = ['-r', repo, '--password-file', join(scratch, 'password'), '--no-cache'];
  return execFileSync('restic', [...where, ...args], { encoding: 'utf8', stdio: 'pipe', maxBuffer: 2 ** 27 });
}
function newRepo(): string {
  const repo = join(scratch, `repo-${(made += 1)}`);
  cpSync(template, repo, { recursive: true });
  return repo;
}
function backup(
  repo: string,
  args: readonly string[],
  input: string | Buffer = '',
): { status: number | null; out: string; err: string } {
  const where = ['repo', 'backup', '--repo', repo, '--password-file', join(scratch, 'password')];
  const env = { ...process.env, EXCLUDED: '*.log' };
  const run = spawnSync(HOLDFAST, [...where, ...args], { encoding: 'utf8', input, env });
  return { status: run.status, out: run.stdout, err: run.stderr };
}
interface Made {
  readonly paths: readonly string[];
  readonly tags?: readonly string[];
  readonly time: string;
  readonly parent?: string;
  readonly hostname: string;
}
const snapshots = (repo: string): Made[] => JSON.parse(restic(repo, 'snapshots', '--json')) as Made[];
const files = (repo: string): string[] =>
  restic(repo, 'ls', 'latest')
    .split('\n')
    .filter((line) => line.startsWith(`${source}/`))
    .map((line) => line.slice(source.length + 1));

test('a stream on the standard input is a file of the snapshot, as with restic', () => {
  const repo = newRepo();
  const bytes = noise(3_000_000, 'input');
  expect(backup(repo, ['--stdin', '--stdin-filename', 'dumps/db.sql'], bytes)).toMatchObject({ status: 0, err: '' });
  expect(snapshots(repo)).toMatchObject([{ paths: ['/dumps/db.sql'] }]);
  const where = ['-r', repo, '--password-file', join(scratch, 'password'), '--no-cache'];
  const dumped = execFileSync('restic', [...where, 'dump', 'latest', '/dumps/db.sql'], { maxBuffer: 2 ** 27 });
  expect(dumped.equals(bytes)).toBe(true);
  const empty = backup(repo, ['--stdin'], '');
  expect(empty).toMatchObject({ status: 1 });
  expect(empty.err).toContain('without giving a single byte');
  expect(snapshots(repo)).toHaveLength(1);
});

test('the output of a command is a file, and a command that fails, however late, makes no snapshot', () => {
  const repo = newRepo();
  const run = (...command: string[]): ReturnType<typeof backup> =>
    backup(repo, ['--stdin-from-command', '--stdin-filename', 'out', '--', ...command]);
  expect(run('printf', '%s', 'a b; exit 3')).toMatchObject({ status: 0, err: '' });
  expect(restic(repo, 'dump', 'latest', '/out')).toBe('a b; exit 3');
  const late = run('sh', '-c', 'echo half; echo "the reason" >&2; exit 7');
  expect(late).toMatchObject({ status: 1 });
  expect(late.err).toMatch(/sh ended with code 7: the reason/);
  expect(run('sh', '-c', 'echo half; kill -9 $$').err).toContain('was ended by SIGKILL');
  expect(run('no-such-program-anywhere').err).toContain('cannot be started');
  expect(backup(repo, ['--command', '--', 'false'])).toMatchObject({ status: 1 });
  expect(snapshots(repo)).toHaveLength(1);
  expect(restic(repo, 'check', '--read-data')).toContain('no errors were found');
});

test('a dry run says what would be stored and stores nothing', () => {
  const repo = newRepo();
  // The lock comes and goes through a folder for what is being written.
  const contents = (): string[] =>
    readdirSync(repo, { recursive: true, encoding: 'utf8' })
      .filter((name) => name !== '.tmp')
      .sort();
  const before = contents();
  const { status, out } = backup(repo, ['--dry-run', '--json', source]);
  expect(status).toBe(0);
  const summary = JSON.parse(out.trim().split('\n').at(-1)!) as object;
  expect(summary).toMatchObject({ type: 'summary', isDryRun: true, snapshotId: null, filesNew: 4 });
  expect(backup(repo, ['--dry-run', source]).out).toContain('no snapshot was made');
  expect(contents()).toEqual(before);
});

test('tags, host, time and parent are those that were given', () => {
  const repo = newRepo();
  const time = '2024-02-29 23:30:00';
  const given = ['--tag', 'a,b', '--tag', 'c', '--host', 'desk', '--time', time];
  expect(backup(repo, [...given, '--read-concurrency', '1', source])).toMatchObject({ status: 0 });
  const limits = ['--limit-upload', '100000', '--limit-download', '100000'];
  expect(backup(repo, ['--host', 'desk', '--force', ...limits, source])).toMatchObject({ status: 0 });
  const [first, second] = snapshots(repo);
  expect(first).toMatchObject({ tags: ['a', 'b', 'c'], hostname: 'desk' });
  expect(new Date(first!.time)).toEqual(new Date(2024, 1, 29, 23, 30, 0));
  expect(second?.parent).toBeUndefined();
  expect(restic(repo, 'check', '--read-data')).toContain('no errors were found');
});

test('lists in files name what is backed up and what is not', () => {
  const repo = newRepo();
  const [list, verbatim, excludes] = ['list', 'verbatim', 'excludes'].map((name) => join(scratch, name));
  writeFileSync(list!, `# a comment\n  ${source}/*.txt  \n\n`);
  writeFileSync(verbatim!, `${source}/sub/$d\n`);
  expect(backup(repo, ['--files-from', list!, '--files-from-verbatim', verbatim!])).toMatchObject({ status: 0 });
  expect(files(repo)).toEqual(['a.txt', 'sub', 'sub/$d']);
  writeFileSync(excludes!, '\ufeff# what is not wanted\r\n$EXCLUDED\r\n\r\nsub/$$d\n');
  expect(backup(repo, ['--exclude-file', excludes!, source])).toMatchObject({ status: 0 });
  expect(files(repo)).toEqual(['a.txt', 'sub', 'sub/c.txt']);
  expect(backup(repo, ['--iexclude', 'A.TXT', '--exclude', 'sub/*', '--exclude', '!c.txt', source])).toMatchObject({
    status: 0,
  });
  expect(files(repo)).toEqual(['b.log', 'sub', 'sub/c.txt']);
  writeFileSync(list!, `${source}/*.none\n`);
  const none = backup(repo, ['--files-from', list!, source]);
  expect(none).toMatchObject({ status: 1 });
  expect(none.err).toContain('nothing matches');
});

test.each<[string[], RegExp]>([
  [[], /at least one path/],
  [['--stdin', '/etc'], /not of several/],
  [['--stdin-from-command'], /needs a command/],
  [['--stdin-filename', 'x', '/etc'], /--stdin-filename is for/],
  [['--exclude', '[a', '/etc'], /pattern "\[a" is malformed/],
  [['--exclude', 'a\\', '/etc'], /is malformed/],
  [['--exclude-larger-than', 'huge', '/etc'], /--exclude-larger-than/],
  [['--exclude-if-present', ':x', '/etc'], /FILENAME/],
  [['--time', 'yesterday', '/etc'], /--time/],
  [['--time', '2024-13-41 00:00:00', '/etc'], /--time/],
  [['--limit-upload', '0', '/etc'], /--limit-upload/],
])('wrong use (%j) is refused before the repository is looked at', (args, words) => {
  const run = backup(join(scratch, 'no-repository'), args);
  expect(run.status).toBe(2);
  expect(run.err).toMatch(words);
});
