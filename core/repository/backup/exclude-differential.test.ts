/** The same patterns leave out the same files as with stock restic: random patterns on a tree, both back it up. */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { createMemoryStore } from '../../storage/memory-store.ts';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { walkTree } from '../list-tree.ts';
import { initRepository } from '../repository.ts';
import { type BackupOptions } from './backup.ts';
import { backUpSource } from '../testing/back-up-source.ts';
import { cheapenKey } from '../testing/cheapen-key.ts';

const FOLDERS = ['', 'a', 'a/b', 'a/b/a', 'cache', 'cache/deep', 'a/cache', 'B', 'B/a', '.git', 'sp ace', 'weird[x]'];
const FILES = ['x.txt', 'y.log', 'Y.LOG', 'a', '.hidden', 'x', 'note-1', 'note-2', 'ü.txt', 'b]c', 'star*', '!bang'];
const CACHE_TAG = 'Signature: 8a477f597d28d172789f06886806bc55';

let scratch: string;
let source: string;
const seed = randomInt(2 ** 31);
let state = seed;
const random = (below: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};
const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-excludes-'));
  source = join(scratch, 'SOURCE');
  const write = (name: string, contents: string): void => {
    mkdirSync(dirname(join(source, name)), { recursive: true });
    writeFileSync(join(source, name), contents);
  };
  // A file may not have the name of a folder beside it.
  for (const folder of FOLDERS)
    for (const file of FILES)
      if (!FOLDERS.includes(join(folder, file))) write(join(folder, file), `${folder}/${file} `.repeat(random(40)));
  write('a/cache/CACHEDIR.TAG', `${CACHE_TAG}\nmore`);
  write('cache/CACHEDIR.TAG', 'Signature: of somebody else');
  write('B/.nobackup', 'x');
  write('KEPT', 'whatever the patterns');
  execFileSync('restic', ['init', '-r', join(scratch, 'repo')], { env, stdio: 'pipe' });
  await cheapenKey(join(scratch, 'repo'), 'p');
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const env = { ...process.env, RESTIC_PASSWORD: 'p' };

function theirs(args: readonly string[]): string[] {
  const where = ['-r', join(scratch, 'repo'), '--no-cache'];
  execFileSync('restic', [...where, 'backup', '--force', ...args, source], { env, stdio: 'pipe' });
  const listed = execFileSync('restic', [...where, 'ls', '--json', 'latest'], { env, encoding: 'utf8' });
  return listed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { path?: string })
    .flatMap(({ path }) => (path?.startsWith(`${source}/`) ? [path.slice(source.length + 1)] : []))
    .sort();
}

async function ours(options: Partial<BackupOptions>): Promise<string[]> {
  const key = { password: 'p', strength: 'machine', hostname: 'h', username: 'u', clock: systemClock } as const;
  const repo = await initRepository(createMemoryStore(), key);
  const { snapshot, unread } = await backUpSource(repo, source, options);
  expect(unread).toEqual([]);
  const paths: string[] = [];
  for await (const { path } of walkTree(new BlobReader(repo, await BlobIndex.load(repo)), snapshot.tree))
    if (path.startsWith(`${source}/`)) paths.push(path.slice(source.length + 1));
  return paths.sort();
}

/** Parts that match no folder above the source: restic would leave out the source itself. */
const PARTS = ['a', 'b', 'cache', '*.txt', '*.log', 'x', 'no*', 'note-?', 'note-[1]', 'note-[^1]', '.git', '.h*', 'B'];
const ODD = [
  'Y.LOG',
  'ü.*',
  'sp ace',
  'weird\\[x\\]',
  'b]c',
  'star\\*',
  '\\!bang',
  '[x-y].*',
  'x.tx[\\t]',
  'deep',
  'nothing',
];

function randomPattern(): string {
  const part = (): string => pick([...PARTS, ...ODD]);
  const shape = pick([
    () => part(),
    () => part(),
    () => `${part()}/${part()}`,
    () => `**/${part()}`,
    () => `${part()}/**`,
    () => `${part()}/**/${part()}`,
    () => `${source}/${part()}`,
    () => `${source}/**/${part()}`,
    () => `${source}/${part()}/*`,
    () => `./${part()}/`,
    () => `${source}/x/../${part()}`,
  ])();
  return random(5) === 0 ? `!${shape}` : shape;
}

test.each([...Array(16).keys()])('random patterns leave out the same (%s)', async (round) => {
  const excludes = Array.from({ length: 1 + random(5) }, randomPattern);
  const excludesAnyCase = random(3) === 0 ? [randomPattern(), pick(['b', 'y.log', '*.TXT'])] : [];
  const limit = random(4) === 0 ? 30 + random(200) : undefined;
  const hasCaches = random(3) === 0;
  const hasMark = random(3) === 0;
  const args = [
    ...excludes.flatMap((pattern) => ['--exclude', pattern]),
    ...excludesAnyCase.flatMap((pattern) => ['--iexclude', pattern]),
    ...(limit === undefined ? [] : ['--exclude-larger-than', `${limit}`]),
    ...(hasCaches ? ['--exclude-caches'] : []),
    ...(hasMark ? ['--exclude-if-present', '.nobackup'] : []),
  ];
  const found = await ours({
    excludes,
    excludesAnyCase,
    excludeLargerThan: limit,
    excludeIfPresent: [
      ...(hasCaches ? [{ name: 'CACHEDIR.TAG', header: CACHE_TAG }] : []),
      ...(hasMark ? [{ name: '.nobackup', header: '' }] : []),
    ],
  });
  expect(found, `seed ${seed}, round ${round}: ${JSON.stringify(args)}`).toEqual(theirs(args));
  expect(found).toContain('KEPT');
});
