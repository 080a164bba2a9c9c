import { beforeEach, describe, expect, test } from 'vitest';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { buildRepository, fileNode, folderNode, linkNode, type TestRepository } from '../testing/build-repository.ts';
import { EntryFinder, type FindOptions } from './find-entries.ts';

let built: TestRepository;
let inner: string;
let tree: string;
const at = (mtime: string) => ({ mtime });

beforeEach(async () => {
  built = await buildRepository();
  inner = await built.tree([
    fileNode('Report.PDF', [], at('2024-03-01T12:00:00Z')),
    fileNode('notes.txt', [], at('2024-01-01T00:00:00.000000001Z')),
    linkNode('report.lnk', 'Report.PDF'),
  ]);
  tree = await built.tree([folderNode('a', inner), folderNode('b', inner), fileNode('report.pdf', [])]);
});

async function find(
  options: Omit<FindOptions, 'onDamage'>,
  trees: readonly string[] = [tree],
): Promise<{ paths: string[]; damaged: string[]; listings: number }> {
  const damaged: string[] = [];
  const reader = new BlobReader(built.repo, await BlobIndex.load(built.repo));
  const finder = new EntryFinder(reader, { ...options, onDamage: (path) => damaged.push(path) });
  const paths: string[] = [];
  for (const root of trees) for await (const { path } of finder.find(root)) paths.push(path);
  return { paths, damaged, listings: finder.listings };
}

test.each<[string, Omit<FindOptions, 'onDamage'>, string[]]>([
  ['a name, as it is written', { patterns: ['*.pdf'] }, ['/report.pdf']],
  [
    'a name in any case',
    { patterns: ['REPORT.P*'], ignoreCase: true },
    ['/a/Report.PDF', '/b/Report.PDF', '/report.pdf'],
  ],
  ['an absolute path', { patterns: ['/a/*'] }, ['/a/Report.PDF', '/a/notes.txt', '/a/report.lnk']],
  ['parts of a path', { patterns: ['b/notes.*'] }, ['/b/notes.txt']],
  ['several, in the order of the tree', { patterns: ['b', '*.lnk'] }, ['/a/report.lnk', '/b', '/b/report.lnk']],
  ['one type', { patterns: ['*'], types: ['symlink', 'dir'] }, ['/a', '/a/report.lnk', '/b', '/b/report.lnk']],
  ['in one folder', { patterns: ['*report*'], pathPrefix: '/b', ignoreCase: true }, ['/b/Report.PDF', '/b/report.lnk']],
  ['in a folder that is not there', { patterns: ['*'], pathPrefix: '/c' }, []],
  [
    'of a time, both ends within',
    { patterns: ['*.*'], oldestMs: Date.parse('2024-01-01T00:00:00Z'), newestMs: Date.parse('2024-01-01T00:00:00Z') },
    ['/a/notes.txt', '/b/notes.txt'],
  ],
  [
    'later than a time',
    { patterns: ['*'], oldestMs: Date.parse('2024-02-01T00:00:00Z') },
    ['/a/Report.PDF', '/b/Report.PDF'],
  ],
])('finds %s', async (_, options, expected) => {
  const { paths, damaged } = await find(options);
  expect(paths).toEqual(expected);
  expect(damaged).toEqual([]);
});

test('each listing is read once, in however many places and snapshots it stands', async () => {
  const other = await built.tree([folderNode('a', inner), folderNode('c', tree)]);
  const { paths, listings } = await find({ patterns: ['notes.*'] }, [tree, tree, other]);
  expect(paths).toEqual([
    '/a/notes.txt',
    '/b/notes.txt',
    '/a/notes.txt',
    '/b/notes.txt',
    '/a/notes.txt',
    '/c/a/notes.txt',
    '/c/b/notes.txt',
  ]);
  expect(listings).toBe(3);
});

test('folders that cannot hold what is looked for are not read', async () => {
  expect((await find({ patterns: ['/a/x/*'] })).listings).toBe(2);
  expect((await find({ patterns: ['*'], pathPrefix: '/a' })).listings).toBe(2);
});

describe('what is damaged', () => {
  const gone = '00'.repeat(32);

  test('is named in each snapshot that has it, and the rest is found', async () => {
    const broken = await built.tree([folderNode('a', inner), folderNode('lost', gone)]);
    const { paths, damaged } = await find({ patterns: ['notes.txt'] }, [broken, tree, broken]);
    expect(paths).toEqual(['/a/notes.txt', '/a/notes.txt', '/b/notes.txt', '/a/notes.txt']);
    expect(damaged).toEqual(['/lost', '/lost']);
  });

  test('in the root is the root', async () => {
    expect(await find({ patterns: ['*'] }, [gone])).toMatchObject({ paths: [], damaged: ['/'] });
  });

  test('names that lead elsewhere are named and never entered', async () => {
    const evil = await built.tree([folderNode('..', inner), folderNode('a', inner)]);
    const { paths, damaged } = await find({ patterns: ['notes.txt'] }, [evil]);
    expect(paths).toEqual(['/a/notes.txt']);
    expect(damaged).toEqual(['/..']);
  });
});
