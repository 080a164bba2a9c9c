import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { choosePacks, type DataSubset, parseDataSubset } from './data-subset.ts';

test.each<[string, DataSubset | undefined]>([
  ['1/5', { kind: 'part', part: 1, parts: 5 }],
  ['256/256', { kind: 'part', part: 256, parts: 256 }],
  ['0/5', undefined],
  ['6/5', undefined],
  ['1/257', undefined],
  ['2.5%', { kind: 'share', share: 0.025 }],
  ['100%', { kind: 'share', share: 1 }],
  ['0%', undefined],
  ['101%', undefined],
  ['500', { kind: 'bytes', bytes: 500 }],
  ['3M', { kind: 'bytes', bytes: 3 * 1024 * 1024 }],
  ['2g', { kind: 'bytes', bytes: 2 * 1024 ** 3 }],
  ['0K', undefined],
  ['all', undefined],
  ['', undefined],
])('%j is read as %j', (text, expected) => {
  expect(parseDataSubset(text)).toEqual(expected);
});

const packs = new Map(Array.from({ length: 300 }, () => [randomBytes(32).toString('hex'), 1000]));

test.each([1, 3, 7, 256])('all of %i parts together are every pack, and none is in two of them', (parts) => {
  const seen: string[] = [];
  for (let part = 1; part <= parts; part += 1)
    seen.push(...choosePacks(packs, { kind: 'part', part, parts }, 'unused'));
  expect(seen).toHaveLength(packs.size);
  expect(new Set(seen)).toEqual(new Set(packs.keys()));
});

test('a share and an amount are as large as they were asked for, follow from the seed, and are never nothing', () => {
  const share = { kind: 'share', share: 0.1 } as const;
  expect(choosePacks(packs, share, 'a').size).toBe(30);
  expect(choosePacks(packs, share, 'a')).toEqual(choosePacks(new Map([...packs].reverse()), share, 'a'));
  expect(choosePacks(packs, share, 'a')).not.toEqual(choosePacks(packs, share, 'b'));
  expect(choosePacks(packs, { kind: 'share', share: 1e-9 }, 'a').size).toBe(1);
  expect(choosePacks(packs, { kind: 'bytes', bytes: 2500 }, 'a').size).toBe(3);
  expect(choosePacks(packs, { kind: 'bytes', bytes: 1e9 }, 'a').size).toBe(300);
  expect(choosePacks(new Map(), share, 'a').size).toBe(0);
});
