/** The commands as a person or a script runs them, whole processes, beside stock restic on the same repositories. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { noise } from '../../core/repository/testing/noise.ts';
import { cheapenKey } from '../../core/repository/testing/cheapen-key.ts';

/** Reading at its beginning is an I/O error, for root too. */
const UNREADABLE = `/proc/${process.pid}/mem`;
const HOLDFAST = fileURLToPath(new URL('../../bin/holdfast', import.meta.url));

// Some twenty programs a test.
vi.setConfig({ testTimeout: 180_000 });

let scratch: string;
let source: string;
let passwordFile: string;
let template: string;
let made = 0;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-repo-command-'));
  source = join(scratch, 'source');
  mkdirSync(join(source, 'sub'), { recursive: true });
  writeFileSync(join(source, 'sub', 'a.txt'), 'first '.repeat(10_000));
  writeFileSync(join(source, 'sub', 'b.bin'), noise(300_000, 'b'));
  writeFileSync(join(source, 'left.tmp'), 'left out');
  passwordFile = join(scratch, 'password');
  writeFileSync(passwordFile, 'from a file\n');
  template = newFolder('template');
  expect(holdfast('init', template)).toMatchObject({ status: 0, err: '' });
  await cheapenKey(template, 'from a file');
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}
type Line = Readonly<Record<string, unknown>> & { readonly type: string };

function holdfast(command: string, repo: string, ...args: string[]): Ran {
  const run = spawnSync(HOLDFAST, ['repo', command, '--repo', repo, '--password-file', passwordFile, ...args], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

/** With --json; each line has to be an object that says what it is. */
function holdfastJson(command: string, repo: string, ...args: string[]): { status: number | null; lines: Line[] } {
  const { status, out, err } = holdfast(command, repo, '--json', ...args);
  expect(err).toBe('');
  const lines = out
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
  for (const line of lines) expect(typeof line.type).toBe('string');
  return { status, lines };
}

function restic(repo: string, ...args: string[]): string {
  return execFileSync('restic', ['-r', repo, '--password-file', passwordFile, '--no-cache', ...args], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

const newFolder = (name: string): string => join(scratch, `${name}-${(made += 1)}`);

function newRepo(): string {
  const repo = newFolder('repo');
  cpSync(template, repo, { recursive: true });
  return repo;
}

const ofType = (lines: readonly Line[], type: string): Line[] => lines.filter((line) => line.type === type);
/** Folders are made with the first file in them; a file that a running restic still writes is renamed at any time. */
const filesUnder = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
        (name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile() ?? false,
      )
    : [];

/** The pack whose bytes hold a text that did not compress away is the largest one. */
function largestPack(repo: string): string {
  const packs = filesUnder(join(repo, 'data')).map((name) => join(repo, 'data', name));
  return packs.reduce((a, b) => (statSync(b).size > statSync(a).size ? b : a));
}

describe('a repository from the first command to the last', () => {
  test('holds what stock restic finds whole and restores to the same bytes, and so do we', () => {
    const repo = newFolder('repo');
    const init = holdfastJson('init', repo);
    expect(init).toMatchObject({ status: 0, lines: [{ type: 'initialized', path: repo }] });

    const first = holdfastJson('backup', repo, '--exclude', '*.tmp', '--tag', 'nightly', '--host', 'desk', source);
    expect(first.status).toBe(0);
    expect(ofType(first.lines, 'summary')).toMatchObject([
      { command: 'backup', outcome: 'complete', parent: null, filesSelected: 2, filesNew: 2, unread: 0 },
    ]);
    const id = String(ofType(first.lines, 'summary')[0]?.['snapshotId']);

    appendFileSync(join(source, 'sub', 'a.txt'), 'more');
    const second = holdfastJson('backup', repo, '--exclude', '*.tmp', '--host', 'desk', source);
    expect(ofType(second.lines, 'summary')).toMatchObject([{ parent: id, filesChanged: 1, filesUnmodified: 1 }]);

    const snapshots = holdfastJson('snapshots', repo);
    expect(snapshots.lines).toMatchObject([
      { type: 'snapshot', id, hostname: 'desk', tags: ['nightly'], paths: [source], files: 2 },
      { type: 'snapshot', parent: id, tags: [] },
    ]);
    expect(JSON.parse(restic(repo, 'snapshots', '--json'))).toMatchObject([{ id }, { parent: id }]);

    const listed = holdfast('ls', repo, 'latest', join(source, 'sub'));
    expect(listed.out.trim().split('\n')).toEqual([
      join(source, 'sub'),
      join(source, 'sub', 'a.txt'),
      join(source, 'sub', 'b.bin'),
    ]);

    const checked = holdfastJson('check', repo, '--read-data');
    expect(checked.status).toBe(0);
    expect(ofType(checked.lines, 'summary')).toMatchObject([{ isIntact: true, snapshots: 2, findings: 0 }]);
    expect(restic(repo, 'check', '--read-data')).toContain('no errors were found');

    const [ours, theirs] = [newFolder('restored'), newFolder('restored')];
    const restored = holdfastJson('restore', repo, '--target', ours, 'latest');
    expect(restored.status).toBe(0);
    expect(ofType(restored.lines, 'summary')).toMatchObject([{ outcome: 'complete', files: 2, damaged: 0 }]);
    restic(repo, 'restore', 'latest', '--target', theirs);
    for (const target of [ours, theirs])
      execFileSync('diff', ['-r', '--exclude=*.tmp', source, join(target, source)], { encoding: 'utf8' });
    expect(existsSync(join(ours, source, 'left.tmp'))).toBe(false);
  });

  test('that stock restic made is listed, checked, continued and restored', () => {
    const repo = newFolder('repo');
    restic(repo, 'init');
    restic(repo, 'backup', '--host', 'desk', source);
    expect(ofType(holdfastJson('snapshots', repo).lines, 'snapshot')).toHaveLength(1);
    const { lines } = holdfastJson('backup', repo, '--host', 'desk', source);
    expect(ofType(lines, 'summary')).toMatchObject([{ filesNew: 0, filesChanged: 0, filesUnmodified: 3 }]);
    expect(holdfast('check', repo, '--read-data')).toMatchObject({ status: 0, err: '' });
    const target = newFolder('restored');
    expect(holdfast('restore', repo, '--target', target, 'latest')).toMatchObject({ status: 0, err: '' });
    execFileSync('diff', ['-r', source, join(target, source)]);
  });

  test('restores a part, into what is there by the rule that was given', () => {
    const repo = newRepo();
    holdfast('backup', repo, source);
    const target = newFolder('restored');
    const place = join(source, 'sub', 'a.txt');
    const restore = (...args: string[]): Ran =>
      holdfast('restore', repo, '--target', target, '--include', place, ...args, 'latest');
    expect(restore()).toMatchObject({ status: 0 });
    expect(filesUnder(target)).toEqual([place.slice(1)]);
    writeFileSync(join(target, place), 'something newer');
    const refused = restore();
    expect(refused).toMatchObject({ status: 3 });
    expect(refused.err).toContain(`Not restored: ${place}`);
    expect(readFileSync(join(target, place), 'utf8')).toBe('something newer');
    expect(restore('--overwrite', 'always')).toMatchObject({ status: 0 });
    expect(readFileSync(join(target, place))).toEqual(readFileSync(place));
  });

  test('is left out of a backup of the folder that it lies in', () => {
    const folder = newFolder('home');
    mkdirSync(folder);
    writeFileSync(join(folder, 'note'), 'x');
    const repo = join(folder, 'backups');
    holdfast('init', repo);
    holdfast('backup', repo, folder);
    const { lines } = holdfastJson('backup', repo, folder);
    expect(ofType(lines, 'summary')).toMatchObject([{ filesSelected: 1, unread: 0 }]);
  });
});

describe('what cannot be done', () => {
  test('when nothing that was asked for is there, no snapshot is made: an empty one would look like a backup', () => {
    const repo = newRepo();
    const [missing, empty] = [join(scratch, 'never'), newFolder('empty')];
    mkdirSync(empty);
    for (const paths of [[missing], [empty], [missing, empty]]) {
      const { status, lines } = holdfastJson('backup', repo, ...paths);
      expect(status).toBe(1);
      expect(lines).toMatchObject([
        { type: 'error', code: 'source_missing', message: expect.stringContaining(paths.toSorted().at(-1)!) },
      ]);
    }
    expect(holdfastJson('snapshots', repo).lines).toEqual([]);
  });

  test('of several paths those that are missing or empty are told, and the others are in a partial snapshot, as with restic', () => {
    const repo = newRepo();
    const [missing, empty] = [join(scratch, 'never'), newFolder('empty')];
    mkdirSync(empty);
    const { status, lines } = holdfastJson('backup', repo, missing, source, empty);
    expect(status).toBe(3);
    expect(ofType(lines, 'unread')).toMatchObject([
      { path: empty, reason: 'vanished', message: expect.stringContaining('empty') },
      { path: missing, reason: 'vanished' },
    ]);
    expect(ofType(lines, 'summary')).toMatchObject([{ outcome: 'partial', unread: 2, filesSelected: 3 }]);
    const [snapshot] = JSON.parse(restic(repo, 'snapshots', '--json')) as { paths: string[] }[];
    expect(snapshot!.paths).toEqual([empty, source].sort());
    expect(restic(repo, 'ls', 'latest')).toContain(empty);
    expect(restic(repo, 'check', '--read-data')).toContain('no errors were found');
    // The next one finds what this one stored.
    const again = holdfastJson('backup', repo, missing, source, empty);
    expect(again.status).toBe(3);
    expect(ofType(again.lines, 'summary')).toMatchObject([{ filesUnmodified: 3, filesNew: 0, filesChanged: 0 }]);
  });

  test('a file that cannot be read makes the snapshot partial, by name', () => {
    const repo = newRepo();
    const { status, lines } = holdfastJson('backup', repo, source, UNREADABLE);
    expect(status).toBe(3);
    expect(ofType(lines, 'unread')).toMatchObject([{ path: UNREADABLE, reason: expect.any(String) }]);
    expect(ofType(lines, 'summary')).toMatchObject([{ outcome: 'partial', unread: 1 }]);
    expect(restic(repo, 'check', '--read-data')).toContain('no errors were found');
  });

  test('a damaged pack fails the check, and a restore gives back everything else and names what is lost', () => {
    const repo = newRepo();
    holdfast('backup', repo, source);
    const pack = largestPack(repo);
    const bytes = readFileSync(pack);
    bytes[1000] = bytes[1000]! ^ 1;
    rmSync(pack);
    writeFileSync(pack, bytes);
    // Without --read-data only what is there is looked at.
    expect(holdfast('check', repo)).toMatchObject({ status: 0 });
    const checked = holdfastJson('check', repo, '--read-data');
    expect(checked.status).toBe(1);
    expect(ofType(checked.lines, 'summary')).toMatchObject([{ isIntact: false }]);
    expect(ofType(checked.lines, 'finding')).not.toEqual([]);
    // Whoever reads the text has to know what to repair, and which snapshots are touched.
    const [told] = ofType(checked.lines, 'finding').filter(({ kind }) => kind === 'pack_damaged');
    expect(holdfast('check', repo, '--read-data').err).toContain(`pack ${String(told?.['packId'])}`);
    expect(holdfast('check', repo, '--fast').err).toContain('holdfast repo check --help');
    const target = newFolder('restored');
    const restored = holdfastJson('restore', repo, '--target', target, 'latest');
    expect(restored.status).toBe(3);
    const lost = ofType(restored.lines, 'damaged').map((line) => String(line['path']));
    expect(lost.length).toBeGreaterThan(0);
    for (const name of ['left.tmp', 'sub/a.txt', 'sub/b.bin']) {
      const place = join(source, name);
      if (lost.includes(place)) expect(existsSync(join(target, place))).toBe(false);
      else expect(readFileSync(join(target, place))).toEqual(readFileSync(place));
    }
  });

  test('a wrong password, a missing repository and a second init are told apart, and change nothing', () => {
    const repo = newRepo();
    const before = filesUnder(repo).toSorted();
    expect(holdfastJson('init', repo)).toMatchObject({
      status: 1,
      lines: [{ type: 'error', code: 'repository_exists' }],
    });
    const wrong = join(scratch, 'wrong');
    writeFileSync(wrong, 'not this one');
    const run = spawnSync(HOLDFAST, ['repo', 'snapshots', '--repo', repo, '--password-file', wrong], {
      encoding: 'utf8',
    });
    expect(run).toMatchObject({ status: 1, stdout: '' });
    expect(run.stderr).toMatch(/password/i);
    expect(holdfastJson('snapshots', join(scratch, 'nowhere'))).toMatchObject({
      status: 1,
      lines: [{ type: 'error', code: 'repository_missing' }],
    });
    expect(existsSync(join(scratch, 'nowhere'))).toBe(false);
    expect(filesUnder(repo).toSorted()).toEqual(before);
  });

  test('a snapshot or a path that is not there is said by name', () => {
    const repo = newRepo();
    expect(holdfastJson('ls', repo, 'latest')).toMatchObject({ status: 1, lines: [{ code: 'not_found' }] });
    holdfast('backup', repo, source);
    const run = holdfast('ls', repo, 'latest', '/no/such/place');
    expect(run).toMatchObject({ status: 1, out: '' });
    expect(run.err).toContain('/no/such/place');
  });

  test.each<[string[], RegExp]>([
    [[], /Usage/],
    [['destroy'], /no command "repo destroy"/],
    [['backup', '--repo', 'x', '--password-file', 'y'], /at least one path/],
    [['snapshots', '--password-file', 'y'], /--repo PATH/],
    [['snapshots', '--repo', 'x'], /--password-file FILE/],
    [['check', '--repo', 'x', '--password-file', 'y', '--fast'], /--fast/],
    [['restore', '--repo', 'x', '--password-file', 'y', 'latest'], /--target DIR/],
    [['restore', '--repo', 'x', '--password-file', 'y', '--target', 'z', '--overwrite', 'maybe', 'latest'], /refuse/],
  ])('wrong use (%j) ends with 2 and what is missing', (args, words) => {
    const run = spawnSync(HOLDFAST, ['repo', ...args], { encoding: 'utf8' });
    expect(run.status).toBe(2);
    expect(run.stdout + run.stderr).toMatch(words);
  });
});

describe('beside others', () => {
  /** Whole ones: restic writes to another name first. */
  const locks = (repo: string): string[] =>
    filesUnder(join(repo, 'locks')).filter((name) => /^[0-9a-f]{64}$/.test(name));

  test('a backup does not begin while another program has the repository for itself, and says who', async () => {
    const repo = newRepo();
    const args = ['-r', repo, '--password-file', passwordFile, '--no-cache', 'check'];
    const other = spawn('restic', args, { stdio: 'ignore' });
    const ended = new Promise((resolve) => other.once('exit', resolve));
    while (locks(repo).length === 0 && other.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 1));
    // Killed: its exclusive lock stays, as after a crash.
    other.kill('SIGKILL');
    await ended;
    expect(locks(repo)).toHaveLength(1);
    const run = holdfast('backup', repo, source);
    expect(run).toMatchObject({ status: 1, out: '' });
    expect(run.err).toMatch(/locked: process \d+ on .*"holdfast repo unlock"/);
    restic(repo, 'unlock');
    expect(holdfast('backup', repo, source)).toMatchObject({ status: 0 });
    expect(locks(repo)).toEqual([]);
  });

  test('Ctrl-C ends a backup without a snapshot and without a lock, and the next one is whole', async () => {
    const repo = newRepo();
    const large = newFolder('large');
    mkdirSync(large);
    for (let at = 0; at < 6; at += 1) writeFileSync(join(large, `${at}`), noise(16 * 1024 * 1024, `large ${at}`));
    const args = ['repo', 'backup', '--repo', repo, '--password-file', passwordFile, large];
    const child = spawn(HOLDFAST, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    // In the middle: packs are being written.
    while (filesUnder(join(repo, 'data')).length === 0 && child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGINT');
    expect(await ended).toBe(1);
    expect(holdfastJson('snapshots', repo).lines).toEqual([]);
    expect(locks(repo)).toEqual([]);
    expect(holdfast('backup', repo, large)).toMatchObject({ status: 0 });
    expect(restic(repo, 'check', '--read-data')).toContain('no errors were found');
  });
});
