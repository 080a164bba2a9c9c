/** Finding, comparing, listing, dumping and restoring parts, as whole processes, beside stock restic on one repository. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { noise } from '../../core/repository/testing/noise.ts';
import { describeTree } from '../../core/repository/testing/nasty-tree.ts';
import { type Programs, startPrograms } from './testing/run-programs.ts';

// Several programs a test, each with its half second for the password.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let programs: Programs;
let source: string;
const ids: string[] = [];
const holdfast: Programs['holdfast'] = (...args) => programs.holdfast(...args);
const place = (...names: string[]): string => join(source, ...names);

beforeAll(async () => {
  programs = await startPrograms('read-commands');
  source = join(programs.scratch, 'source');
  mkdirSync(place('docs/old'), { recursive: true });
  mkdirSync(place('empty'));
  writeFileSync(place('docs/Report.pdf'), noise(200_000, 'report'));
  writeFileSync(place('docs/old/report.txt'), 'report '.repeat(1000));
  writeFileSync(place('docs/note'), 'a note');
  writeFileSync(place('turns'), 'a file, and a folder later');
  writeFileSync(place('large'), noise(9_000_000, 'large'));
  symlinkSync('large', place('link'));
  utimesSync(place('docs/note'), 1_600_000_000, 1_600_000_000);
  const backup = (host: string, time: string): void => {
    programs.restic('backup', '-q', '--host', host, '--time', time, source);
    const listed = JSON.parse(programs.restic('snapshots', '--json').toString()) as { id: string; time: string }[];
    ids.push(listed.find(({ id }) => !ids.includes(id))!.id);
  };
  backup('a', '2026-01-01 10:00:00');
  appendFileSync(place('docs/note'), ', changed');
  chmodSync(place('docs/Report.pdf'), 0o600);
  renameSync(place('docs/old/report.txt'), place('docs/moved.txt'));
  rmSync(place('turns'));
  mkdirSync(place('turns'));
  writeFileSync(place('turns/inside'), noise(200_000, 'report'));
  rmSync(place('link'));
  symlinkSync('docs', place('link'));
  backup('b', '2026-01-02 10:00:00');
  backup('b', '2026-01-03 10:00:00');
});
afterAll(() => programs.remove());

describe('find', () => {
  test('tells the same entries of the same snapshots as restic', () => {
    for (const pattern of ['*.txt', 'note', '/**/docs/*.pdf', 'Report.???']) {
      const ours = holdfast('find', '--json', pattern);
      expect(ours.status).toBe(0);
      const theirs = JSON.parse(programs.restic('find', '--json', pattern).toString()) as {
        matches: { path: string }[];
        snapshot: string;
      }[];
      const found = ours.ofType('match').map(({ snapshotId, path }) => `${String(snapshotId)} ${String(path)}`);
      expect(found.sort()).toEqual(
        theirs.flatMap(({ matches, snapshot }) => matches.map(({ path }) => `${snapshot} ${path}`)).sort(),
      );
      expect(found.length).toBeGreaterThan(1);
      expect(ours.ofType('summary')).toMatchObject([
        { command: 'find', matches: found.length, snapshots: 3, isWhole: true },
      ]);
    }
  });

  test('narrows by snapshot, host, folder, type, time and case', () => {
    const paths = (...args: string[]): string[] => {
      const lines = holdfast('find', '--json', ...args).ofType('match');
      return lines.map(
        (line) => `${ids.indexOf(String(line['snapshotId']))}${String(line['path']).slice(source.length)}`,
      );
    };
    expect(paths('report.*')).toEqual(['0/docs/old/report.txt']);
    expect(paths('-i', 'REPORT.*', '--snapshot', ids[0]!.slice(0, 10))).toEqual([
      '0/docs/Report.pdf',
      '0/docs/old/report.txt',
    ]);
    expect(paths('note', '--host', 'b')).toEqual(['1/docs/note', '2/docs/note']);
    expect(paths('turns', '--type', 'd', '--snapshot', 'all')).toEqual(['1/turns', '2/turns']);
    expect(paths('*', '--path-prefix', place('turns'), '--type', 'file')).toEqual([
      '0/turns',
      '1/turns/inside',
      '2/turns/inside',
    ]);
    expect(paths('note', '--newest', '2020-09-14T00:00:00Z')).toEqual(['0/docs/note']);
    expect(paths('note', '--oldest', '2020-09-14')).toEqual(['1/docs/note', '2/docs/note']);
  });

  test('speaks to people with a heading for each snapshot, and of nothing as nothing', () => {
    const { out } = holdfast('find', '--host', 'a', '-l', 'note');
    const [heading, line] = out.toString().split('\n');
    expect(heading).toMatch(new RegExp(`^In snapshot ${ids[0]!.slice(0, 8)}  2026-01-01 10:00:00  a  /`));
    expect(line).toMatch(/^-rw-r--r-- .* 6 .* \/.*\/docs\/note$/);
    expect(holdfast('find', 'nowhere to be found')).toMatchObject({ status: 0, err: '' });
  });
});

describe('diff', () => {
  test('tells the same changes and the same sums as restic', () => {
    for (const args of [[], ['--metadata']]) {
      const ours = holdfast('diff', '--json', ...args, ids[0]!, ids[1]!);
      expect(ours.status).toBe(0);
      const theirs = programs
        .restic('diff', '--json', ...args, ids[0]!, ids[1]!)
        .toString()
        .trim()
        .split('\n');
      const told = theirs.map((line) => JSON.parse(line) as Record<string, unknown>);
      const letters: Readonly<Record<string, string>> = {
        '+': 'added',
        '-': 'removed',
        M: 'content',
        T: 'type',
        U: 'metadata',
      };
      const changes = told
        .filter(({ message_type: type }) => type === 'change')
        .map(({ path, modifier }) => `${letters[String(modifier)[0]!]} ${String(path).replace(/\/$/, '')}`);
      const found = ours.ofType('change').map(({ change, path }) => `${String(change)} ${String(path)}`);
      // restic passes over a link that points elsewhere and over what lies in a folder that was a file, and takes it for
      // changed metadata when a folder was read.
      const isComparable = (line: string): boolean => !/^metadata|\/link$|\/turns\//.test(line);
      expect(found.filter(isComparable).sort()).toEqual(changes.filter(isComparable).sort());
      expect(found).toContain(`content ${place('link')}`);
      expect(found.includes(`metadata ${place('docs/Report.pdf')}`)).toBe(args.length > 0);
      const statistics = told.find(({ message_type: type }) => type === 'statistics') as {
        added: Record<string, number>;
        removed: Record<string, number>;
      };
      const [summary] = ours.ofType('summary');
      for (const side of ['added', 'removed'] as const) {
        const { data_blobs: dataBlobs, tree_blobs: treeBlobs, bytes } = statistics[side];
        expect(summary?.[side], side).toMatchObject({ dataBlobs, treeBlobs, bytes });
      }
    }
  });

  test('speaks to people in restic’s letters', () => {
    const run = holdfast('diff', `${ids[0]}:${source}/docs`, `${ids[1]}:${source}/docs`);
    expect(run.status).toBe(0);
    expect(run.out.toString().split('\n').slice(1, 5)).toEqual(['+  /moved.txt', 'M  /note', '-  /old/report.txt', '']);
    expect(holdfast('diff', '--json', ids[1]!, ids[2]!).ofType('change')).toEqual([]);
  });
});

describe('dump', () => {
  test('gives a file byte for byte, as restic does', () => {
    for (const name of ['large', 'docs/note']) {
      const ours = holdfast('dump', 'latest', place(name));
      expect(ours).toMatchObject({ status: 0, err: '' });
      expect(ours.out.equals(readFileSync(place(name)))).toBe(true);
      expect(ours.out.equals(programs.restic('dump', 'latest', place(name)))).toBe(true);
    }
    expect(holdfast('dump', '--host', 'a', 'latest', place('docs/note')).out.toString()).toBe('a note');
    expect(holdfast('dump', `${ids[0]}:${source}`, 'docs/note').out.toString()).toBe('a note');
  });

  test('gives a folder as an archive with the same entries as restic’s', () => {
    // Without times: restic rounds them to seconds, which here stay as they are (the next test sees them unpacked).
    const list = (input: Buffer): string[] => {
      const lines = execFileSync('tar', ['-tvf', '-'], { input, encoding: 'utf8' }).trim().split('\n');
      return lines.map((line) => line.replace(/ \d{4}-\d\d-\d\d \d\d:\d\d /, ' '));
    };
    const [own, ...entries] = list(holdfast('dump', 'latest', source).out);
    expect(own).toMatch(/^d.* \S+\/source\/$/);
    expect(entries).toEqual(list(programs.restic('dump', 'latest', source)));
    const target = join(programs.scratch, 'out.zip');
    const run = holdfast('dump', '--json', '--archive', 'zip', '--target', target, 'latest', place('docs'));
    expect(run.ofType('summary')).toMatchObject([
      { command: 'dump', outcome: 'complete', files: 3, bytes: statSync(target).size },
    ]);
    execFileSync('unzip', ['-tqq', target]);
    expect(holdfast('dump', '--target', target, 'latest', place('docs'))).toMatchObject({ status: 1 });
  });

  test('of the whole snapshot is unpacked to what was backed up', () => {
    const out = join(programs.scratch, 'unpacked');
    mkdirSync(out);
    execFileSync('tar', ['-xpf', '-', '-C', out], { input: holdfast('dump', 'latest').out });
    expect(describeTree(join(out, source))).toEqual(describeTree(source));
  });

  test('says why there is nothing to give, beside the data and never in it', () => {
    const run = holdfast('dump', '--json', 'latest', place('link'));
    expect(run).toMatchObject({ status: 1 });
    expect(run.out).toHaveLength(0);
    expect(run.lines()).toMatchObject([{ type: 'error', code: 'bad_request' }]);
    expect(holdfast('dump', 'latest', '/nowhere').err).toContain('/nowhere');
  });
});

describe('ls', () => {
  test('lists a folder with or without what lies deeper, in words or objects', () => {
    const paths = holdfast('ls', '--json', '--no-recursive', 'latest', source)
      .ofType('node')
      .map(({ path }) => path);
    expect(paths).toEqual([source, ...['docs', 'empty', 'large', 'link', 'turns'].map((name) => place(name))]);
    const all = programs.restic('ls', '-q', 'latest').toString().trim().split('\n');
    expect(holdfast('ls', '--recursive', 'latest').out.toString().trim().split('\n')).toEqual(all);
    const long = holdfast('ls', '--long', `latest:${source}`).out.toString().trim().split('\n');
    expect(long.find((line) => line.includes('/link'))).toMatch(/^lrwxrwxrwx .* \/link -> docs$/);
    expect(long.find((line) => line.endsWith('/docs/Report.pdf'))).toMatch(/^-rw------- \S+ +200000 /);
    expect(
      holdfast('ls', '--json', '--host', 'a', 'latest')
        .ofType('node')
        .some(({ path }) => path === place('turns/inside')),
    ).toBe(false);
  });
});

describe('restore', () => {
  let made = 0;
  const target = (): string => join(programs.scratch, `target-${(made += 1)}`);
  const files = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(join(folder, name)).isFile())
      .sort();

  test('of a folder puts its contents into the target, chosen by patterns, and reads them back', () => {
    const into = target();
    const run = holdfast(
      'restore',
      '--json',
      '--target',
      into,
      '--include',
      '*.pdf',
      '--include',
      'turns',
      '--exclude',
      'inside',
      '--verify',
      `latest:${source}`,
    );
    expect(run).toMatchObject({ status: 0, err: '' });
    expect(files(into)).toEqual(['docs/Report.pdf']);
    expect(existsSync(join(into, 'turns'))).toBe(true);
    expect(run.ofType('summary')).toMatchObject([{ files: 1, filesVerified: 1, outcome: 'complete' }]);
  });

  test('looks first when asked: nothing is written', () => {
    const into = target();
    const run = holdfast('restore', '--json', '--dry-run', '--target', into, 'latest');
    expect(existsSync(into)).toBe(false);
    const planned = run.ofType('planned').map(({ path, action }) => `${String(action)} ${String(path)}`);
    expect(planned).toContain(`write ${place('large')}`);
    expect(run.ofType('summary')).toMatchObject([{ dryRun: true, files: 5 }]);
    const text = holdfast('restore', '--dry-run', '--target', into, 'latest').out.toString();
    expect(text).toContain(`restore   ${place('large')}\n`);
  });

  test('follows the rule for what is there, under restic’s name for it as well', () => {
    const into = target();
    const restore = (...args: string[]) =>
      holdfast('restore', '--json', '--target', into, ...args, `${ids[1]}:${source}`);
    expect(restore().status).toBe(0);
    const again = restore();
    expect(again.status).toBe(0);
    expect(again.ofType('summary')).toMatchObject([{ files: 0, unchanged: 6, skipped: 0 }]);
    writeFileSync(join(into, 'docs/note'), 'mine');
    expect(restore('--overwrite', 'if-newer').status).toBe(0);
    expect(readFileSync(join(into, 'docs/note'), 'utf8')).toBe('mine');
    expect(restore().ofType('skipped')).toMatchObject([{ path: '/docs/note' }]);
    expect(restore('--overwrite', 'if-changed').ofType('summary')).toMatchObject([{ files: 1 }]);
    expect(readFileSync(join(into, 'docs/note'), 'utf8')).toBe('a note, changed');
    expect(describeTree(into)).toEqual(describeTree(source));
  });

  test('takes the newest snapshot of a host', () => {
    const into = target();
    expect(holdfast('restore', '--host', 'a', '--target', into, '--include', 'note', 'latest').status).toBe(0);
    expect(readFileSync(join(into, place('docs/note')), 'utf8')).toBe('a note');
    expect(holdfast('restore', '--host', 'nobody', '--target', into, 'latest')).toMatchObject({ status: 1 });
  });
});

test('a check of all parts reads every pack once, and a random one says how to draw it again', () => {
  const packs = readdirSync(join(programs.scratch, 'repo', 'data'), { recursive: true, encoding: 'utf8' }).filter(
    (name) => /[0-9a-f]{64}$/.test(name),
  );
  let read = 0;
  for (const part of [1, 2, 3]) {
    const run = holdfast('check', '--json', '--read-data-subset', `${part}/3`);
    expect(run.status).toBe(0);
    const packsRead = Number(run.ofType('summary')[0]?.['packsRead']);
    const theirs = programs.restic('check', `--read-data-subset=${part}/3`).toString();
    expect(theirs).toContain(`read group #${part} of ${packsRead} data packs`);
    read += packsRead;
  }
  expect(read).toBe(packs.length);
  const [summary] = holdfast('check', '--json', '--read-data-subset', '1%').ofType('summary');
  expect(summary).toMatchObject({ packsRead: 1, isIntact: true, seed: expect.stringMatching(/^[0-9a-f]{16}$/) });
  const again = holdfast('check', '--read-data-subset', '1%', '--seed', String(summary?.['seed']));
  expect(again.out.toString()).toContain(`--seed ${String(summary?.['seed'])}`);
  for (const wrong of ['0/3', '4/3', '120%', 'x'])
    expect(holdfast('check', '--read-data-subset', wrong).status).toBe(2);
});
