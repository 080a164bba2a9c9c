import { expect, test } from 'vitest';
import { childPath, folderTrail, normalFolder } from './folder-path.ts';

test.each([
  ['', '/'],
  ['/', '/'],
  ['//a///b/', '/a/b'],
  ['a/b', '/a/b'],
  ['/a/../../etc', '/etc'],
  ['/a/./b/..', '/a'],
  ['/with space/Åse & søn – "kopi"', '/with space/Åse & søn – "kopi"'],
])('%j is the folder %s', (wanted, folder) => {
  expect(normalFolder(wanted)).toBe(folder);
  expect(normalFolder(folder)).toBe(folder);
});

test('the trail leads from the root to the folder', () => {
  expect(folderTrail('/')).toEqual([]);
  expect(folderTrail('/a/b')).toEqual([
    { name: 'a', path: '/a' },
    { name: 'b', path: '/a/b' },
  ]);
  expect(childPath('/', 'a')).toBe('/a');
  expect(childPath('/a', 'b')).toBe('/a/b');
});
