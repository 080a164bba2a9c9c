import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { LIMITS } from './limits.ts';
import { splitListing } from './split-listing.ts';
import { decodeTree, encodeTree, isReadableTree } from './tree.ts';

const text = (value: string): Buffer => Buffer.from(value);

test('the entries of any listing are those that a parser finds', () => {
  const seed = randomInt(2 ** 31);
  let state = seed;
  const below = (bound: number): number => (state = (state * 48_271) % 2_147_483_647) % bound;
  const letters = ['"', '\\', '{', '}', '[', ']', ',', 'é', '\n', 'x', ']}\n', '\\"'];
  const word = (): string => Array.from({ length: below(6) }, () => letters[below(letters.length)]).join('');
  for (let round = 0; round < 500; round += 1) {
    const nodes = Array.from({ length: below(5) }, () => ({ [word()]: word(), content: [word(), [{}, word()]], n: 7 }));
    const listing = encodeTree(nodes.map((node) => JSON.stringify(node)));
    const found = [...splitListing(listing)].map((part) => JSON.parse(Buffer.from(part).toString()) as unknown);
    expect(found, `seed ${seed}, round ${round}`).toEqual(nodes);
  }
});

test.each([
  '',
  '{"nodes":[',
  '{"nodes":[{}]}',
  '{"nodes":[{}]} ',
  '{"nodes":null}\n',
  '{"nodes":[{}{}]}\n',
  '{"nodes":[{},]}\n',
  '{"nodes":[,{}]}\n',
  '{"nodes":[7]}\n',
  '{"nodes":[{]}\n',
  '{"nodes":[}]}\n',
  '{"nodes":[{"a]}\n',
  '{"nodes":[{}],"x":[{}]}\n',
])('%j is refused', (listing) => {
  expect(() => [...splitListing(text(listing))]).toThrowError(expect.objectContaining({ code: 'repository_damaged' }));
});

/** A listing of so many bytes at least, of files with long lists of pieces. */
function listingOf(bytesMin: number, entries: (number: number) => string): Buffer {
  const length = entries(0).length;
  return encodeTree(Array.from({ length: Math.ceil(bytesMin / length) }, (_, number) => entries(number)));
}

test('a listing of more than 64 MiB is decoded, and what is wrong in it is found', () => {
  const content = `["${Array.from({ length: 400 }, () => 'a'.repeat(64)).join('","')}"]`;
  const entry = (number: number): string =>
    `{"name":"${String(number).padStart(9, '0')}","type":"file","inode":18014398509481985,"content":${content}}`;
  const listing = listingOf(65 * 1024 * 1024, entry);
  const nodes = decodeTree(listing);
  expect(nodes).toHaveLength(Math.ceil((65 * 1024 * 1024) / entry(0).length));
  expect(nodes.at(-1)).toMatchObject({ inode: 18_014_398_509_481_985n });
  expect(Buffer.from(nodes.at(-1)!.name).toString()).toBe(String(nodes.length - 1).padStart(9, '0'));
  const twice = listingOf(65 * 1024 * 1024, () => entry(7));
  expect(() => decodeTree(twice)).toThrowError(/twice/);
  listing[listing.length - 10] = 0x7b;
  expect(() => decodeTree(listing)).toThrowError(expect.objectContaining({ code: 'repository_damaged' }));
});

test('what readers refuse is not readable to writers either', () => {
  expect(isReadableTree(LIMITS.treeEntries, LIMITS.treeBlobBytes)).toBe(true);
  expect(isReadableTree(LIMITS.treeEntries + 1, 100)).toBe(false);
  expect(isReadableTree(1, LIMITS.treeBlobBytes + 1)).toBe(false);
});
