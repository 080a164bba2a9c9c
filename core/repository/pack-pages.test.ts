import { randomBytes, randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { createMemoryStore } from '../storage/memory-store.ts';
import type { ByteRange, ReadStore } from '../storage/port.ts';
import { packKey } from './object-names.ts';
import { PackPages } from './pack-pages.ts';

const KIB = 1024;
const packId = 'ab'.repeat(32);

async function packOf(bytes: Uint8Array): Promise<{ store: ReadStore; asked: ByteRange[] }> {
  const memory = createMemoryStore();
  await memory.create(packKey(packId), bytes);
  const asked: ByteRange[] = [];
  const store: ReadStore = {
    head: (key) => memory.head(key),
    stream: (key) => memory.stream(key),
    list: (prefix) => memory.list(prefix),
    get: async (key, range) => {
      if (range !== undefined) asked.push(range);
      return await memory.get(key, range);
    },
  };
  return { store, asked };
}

test('any range of a pack is what the pack has there, alone or at once with others', async () => {
  const seed = randomInt(2 ** 31);
  const bytes = randomBytes(2500 * KIB + 17);
  const { store } = await packOf(bytes);
  const pages = new PackPages(store);
  let state = seed;
  const below = (bound: number): number => (state = (state * 48_271) % 2_147_483_647) % bound;
  const ranges = Array.from({ length: 200 }, (_, at) => {
    const offset = below(bytes.length - 1);
    return { packId, offset, length: 1 + below(Math.min(bytes.length - offset, at % 3 === 0 ? 1500 * KIB : 3000)) };
  });
  const read = await Promise.all(ranges.map((range) => pages.read(range, bytes.length)));
  for (const [at, { offset, length }] of ranges.entries())
    expect(bytes.subarray(offset, offset + length).equals(read[at]!), `seed ${seed}, ${offset} ${length}`).toBe(true);
});

test('jumping to and fro reads each part of a pack once', async () => {
  const bytes = randomBytes(3000 * KIB);
  const { store, asked } = await packOf(bytes);
  const pages = new PackPages(store);
  for (let round = 0; round < 20; round += 1)
    for (const offset of [0, 2900 * KIB, 1000 * KIB]) await pages.read({ packId, offset, length: 900 }, bytes.length);
  expect(asked).toHaveLength(3);
  expect(asked.every(({ offset, length }) => offset + length <= bytes.length)).toBe(true);
});

test('of a pack that was cut short, what lies before the cut is read, and what lies behind it is refused', async () => {
  const bytes = randomBytes(700 * KIB);
  const { store } = await packOf(bytes.subarray(0, 600 * KIB));
  const pages = new PackPages(store);
  const range = { packId, offset: 520 * KIB, length: 20 * KIB };
  expect(Buffer.from(await pages.read(range, bytes.length)).equals(bytes.subarray(520 * KIB, 540 * KIB))).toBe(true);
  await expect(pages.read({ ...range, offset: 590 * KIB }, bytes.length)).rejects.toMatchObject({
    code: 'object_mismatch',
  });
});
