import { expect, test } from 'vitest';
import { isSameOrigin, localPath } from './request-origin.ts';

const headers = (entries: Record<string, string>) => new Headers(entries);

test('a request of our own page passes', () => {
  expect(isSameOrigin(headers({ origin: 'http://127.0.0.1:3000', host: '127.0.0.1:3000' }))).toBe(true);
  expect(
    isSameOrigin(
      headers({ origin: 'https://backup.example', host: 'inner:3000', 'x-forwarded-host': 'backup.example' }),
    ),
  ).toBe(true);
});

test.each([
  ['another site', { origin: 'https://evil.example', host: 'backup.example' }],
  ['another port', { origin: 'http://backup.example:8080', host: 'backup.example' }],
  ['no origin', { host: 'backup.example' }],
  ['an opaque origin', { origin: 'null', host: 'backup.example' }],
  ['no host', { origin: 'http://backup.example' }],
  ['a sibling site', { origin: 'https://backup.example', host: 'backup.example', 'sec-fetch-site': 'same-site' }],
  ['a cross-site fetch', { origin: 'https://backup.example', host: 'backup.example', 'sec-fetch-site': 'cross-site' }],
])('a request of %s is refused', (_, entries) => {
  expect(isSameOrigin(headers(entries))).toBe(false);
});

test.each([
  ['/devices/1?tab=runs', '/devices/1?tab=runs'],
  ['/', '/'],
  ['//evil.example', '/'],
  ['/\\evil.example', '/'],
  ['https://evil.example', '/'],
  ['javascript:alert(1)', '/'],
  ['/a\\..\\..//evil', '/'],
  ['/a/..//evil', '/'],
  [null, '/'],
])('after the sign-in %s leads to %s, never to another site', (wanted, expected) => {
  const path = localPath(wanted);
  expect(new URL(path, 'http://portal.test').origin).toBe('http://portal.test');
  expect(path).toBe(expected);
});
