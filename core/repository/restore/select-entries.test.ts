import { expect, test } from 'vitest';
import { type Selection, selectEntries, selectionOf } from './select-entries.ts';

/** In the order of a walk. */
const PATHS = [
  '/etc',
  '/etc/hosts',
  '/srv',
  '/srv/a',
  '/srv/a/cache',
  '/srv/a/cache/x.txt',
  '/srv/a/note.txt',
  '/srv/ab',
  '/srv/ab/note.txt',
  '/srv/b',
];

test.each<[string, Selection, string[]]>([
  ['nothing means all', {}, PATHS],
  ['a path means all in it, and no other that begins so', { include: ['/srv/a/'] }, PATHS.slice(3, 7)],
  ['the root means all', { include: ['/'] }, PATHS],
  ['letters of patterns are plain letters in a path', { include: ['/srv/a*'] }, []],
  ['a pattern without a slash means a name anywhere', { includePatterns: ['cache'] }, PATHS.slice(4, 6)],
  ['an anchored pattern', { includePatterns: ['/srv/?'] }, [...PATHS.slice(3, 7), '/srv/b']],
  [
    'several are any of them',
    { includePatterns: ['hosts', '/srv/**/*.txt'] },
    ['/etc/hosts', ...PATHS.slice(5, 7), '/srv/ab/note.txt'],
  ],
  ['what is excluded wins, with all below it', { include: ['/srv'], exclude: ['/srv/a'] }, ['/srv', ...PATHS.slice(7)]],
  ['excludes alone', { exclude: ['*.txt', 'etc'] }, ['/srv', '/srv/a', '/srv/a/cache', '/srv/ab', '/srv/b']],
])('%s', (_, selection, expected) => {
  const select = selectEntries(selection);
  const outside = new Set<string>();
  const inside = PATHS.filter((path) => {
    // As a walk does it: what lies in a folder that is not entered is never asked for.
    if ([...outside].some((folder) => path.startsWith(`${folder}/`))) return false;
    const selected = select(path);
    if (selected === 'outside') outside.add(path);
    return selected === 'inside';
  });
  expect(inside).toEqual(expected);
});

test('folders that cannot hold what is meant are not entered', () => {
  const select = selectEntries({ includePatterns: ['/srv/?/note.txt'] });
  expect(['/etc', '/srv', '/srv/ab', '/srv/a', '/srv/a/cache'].map(select)).toEqual([
    'outside',
    'above',
    'outside',
    'above',
    'outside',
  ]);
});

test('a name with letters of patterns is found as it is written', () => {
  const select = selectEntries(selectionOf(['/srv/a[1]', '*.log'], []));
  expect(['/srv', '/srv/a1', '/srv/a[1]', '/srv/a[1]/x', '/srv/b', '/srv/b/y.log'].map(select)).toEqual([
    'above',
    'inside',
    'inside',
    'inside',
    'above',
    'inside',
  ]);
});
