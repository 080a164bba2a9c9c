import { expect, test } from 'vitest';
import { excludeMatcher } from './exclude.ts';

test.each([
  ['*.tmp', '/a/b/c.tmp', true],
  ['*.tmp', '/a/b.tmp/c', false], // the folder is excluded itself, and never entered
  ['node_modules', '/srv/x/node_modules', true],
  ['node_modules', '/srv/x/node_modules2', false],
  ['/srv/cache', '/srv/cache', true],
  ['/srv/cache', '/data/srv/cache', false],
  ['srv/cache', '/data/srv/cache', true],
  ['srv/cache', '/data/srv/x/cache', false],
  ['/srv/**/cache', '/srv/cache', true],
  ['/srv/**/cache', '/srv/a/b/cache', true],
  ['/srv/**/cache', '/other/cache', false],
  ['**/*.log', '/var/log/x.log', true],
  ['/srv/*/cache', '/srv/a/cache', true],
  ['/srv/*/cache', '/srv/a/b/cache', false],
  ['file?', '/x/file1', true],
  ['file?', '/x/file', false],
  ['file?', '/x/file\u{1f600}', true],
  ['file[0-9]', '/x/file7', true],
  ['file[0-9]', '/x/filea', false],
  ['file[^0-9]', '/x/filea', true],
  ['a[b]c', '/abc', true],
  ['a\\[b]c', '/a[b]c', true],
  ['a\\*', '/ab', false],
  ['a\\*', '/a*', true],
  ['a.b', '/axb', false],
  ['a+(b)', '/a+(b)', true],
  ['[', '/[', true],
  ['[[]', '/[', true],
  ['[]]', '/]', true],
  ['cache/', '/srv/cache', true],
  ['[\\]a]', '/]', true],
  ['[\\]a]', '/b', false],
  ['[a\\-c]', '/b', false],
  ['[a\\-c]', '/-', true],
  ['/srv/./x/../cache', '/srv/cache', true],
  ['./cache', '/srv/cache', true],
  ['/../cache', '/cache', true],
  ['../cache', '/srv/cache', false],
  [' ', '/x/ ', false],
])('%j against %j: %s', (pattern, path, expected) => {
  expect(excludeMatcher([pattern])(path)).toBe(expected);
});

test('without patterns nothing is excluded, and one of several is enough', () => {
  expect(excludeMatcher([])('/a')).toBe(false);
  expect(excludeMatcher(['x', 'a'])('/a')).toBe(true);
});

test('no pattern makes the walk stand still', () => {
  // With backtracking over every star these would take longer than anybody lives.
  expect(excludeMatcher([`/${'**/a/'.repeat(12)}z`])(`/${'a/'.repeat(60)}b`)).toBe(false);
  expect(excludeMatcher([`${'*a'.repeat(30)}z`])(`/${'a'.repeat(250)}`)).toBe(false);
});

test('a pattern with ! takes back what an earlier one matched, and a later one may match it again', () => {
  const isExcluded = excludeMatcher(['*.log', '!/srv/keep', '/srv/keep/old.log']);
  expect(isExcluded('/srv/a.log')).toBe(true);
  expect(isExcluded('/srv/keep/deep/a.log')).toBe(false);
  expect(isExcluded('/srv/keep/old.log')).toBe(true);
  expect(excludeMatcher(['!a.log', '*.log'])('/a.log')).toBe(true);
  expect(excludeMatcher(['\\!a'])('/!a')).toBe(true);
});
