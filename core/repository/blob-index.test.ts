import { createHash, randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { BlobIndex } from './blob-index.ts';
import { packsOf } from './packs-of-index.ts';
import { encodeIndex } from './format/index-file.ts';
import { buildRepository } from './testing/build-repository.ts';
import type { PackedBlob } from './types.ts';
import { writeIndex } from './write/write-index.ts';

const packIds = Array.from({ length: 50 }, (_, at) => createHash('sha256').update(`pack ${at}`).digest('hex'));

function blobAt(number: number): PackedBlob {
  return {
    id: createHash('sha256').update(`blob ${number}`).digest('hex'),
    type: number % 10 === 0 ? 'tree' : 'data',
    packId: packIds[number % packIds.length]!,
    offset: number * 1000,
    length: 1000 + (number % 7),
    uncompressedLength: number % 3 === 0 ? 0 : 4000,
  };
}

test('every blob is found as it was added, across growth and segments, and nothing else is', () => {
  const index = new BlobIndex();
  const count = 40_000;
  for (let number = 0; number < count; number += 1) index.add(blobAt(number));
  expect(index.size).toBe(count);
  for (let number = 0; number < count; number += 97) {
    const blob = blobAt(number);
    expect(index.lookup(blob.id, blob.type)).toEqual(blob);
    expect(index.lookup(Buffer.from(blob.id, 'hex'), blob.type)).toEqual(blob);
    expect(index.has(blob.id, blob.type === 'tree' ? 'data' : 'tree')).toBe(false);
  }
  for (let round = 0; round < 1000; round += 1) expect(index.has(randomBytes(32), 'data')).toBe(false);
  expect(index.packIds()).toHaveLength(packIds.length);
});

test('all copies of a blob are given in the order of adding; the same entry twice counts once', () => {
  const index = new BlobIndex();
  const copies = packIds.slice(0, 5).map((packId) => ({ ...blobAt(1), packId }));
  for (const copy of [...copies, ...copies]) index.add(copy);
  expect(index.lookupAll(copies[0]!.id, 'data')).toEqual(copies);
  expect(index.size).toBe(5);
  expect(index.lookupAll(copies[0]!.id, 'tree')).toEqual([]);
});

test('packs come with their blobs in the order of their offsets, and with their ends', () => {
  const index = new BlobIndex();
  const blobs = Array.from({ length: 1000 }, (_, number) => blobAt(number));
  for (const blob of blobs.toReversed()) index.add(blob);
  const packs = [...packsOf(index)];
  expect(packs.map(({ packId }) => packId).sort()).toEqual([...packIds].sort());
  for (const { packId, blobs: listed } of packs) {
    const expected = blobs.filter((blob) => blob.packId === packId);
    expect(listed).toEqual(expected);
    const last = expected.at(-1)!;
    expect(index.packEnd(packId)).toBe(last.offset + last.length);
  }
  expect(index.packEnd('no such pack')).toBe(0);
});

test('an index full of one id neither hangs nor grows without end', () => {
  const index = new BlobIndex();
  for (let offset = 0; offset < 20_000; offset += 1) index.add({ ...blobAt(1), offset });
  expect(index.size).toBeLessThanOrEqual(64);
});

/** Bytes in buffers that somebody still holds. Collected buffers are given back by another thread, a little later. */
async function heldBytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let same = 0;
  let held = Number.NaN;
  while (same < 3) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { arrayBuffers } = process.memoryUsage();
    same = arrayBuffers === held ? same + 1 : 0;
    held = arrayBuffers;
  }
  return held;
}

test.each([190_000, 230_000])('it takes at most 64 bytes a blob: %i', async (count) => {
  const before = await heldBytes();
  const index = new BlobIndex();
  for (let number = 0; number < count; number += 1) {
    const id = randomBytes(32).toString('hex');
    index.add({ id, type: 'data', packId: packIds[0]!, offset: number, length: 40, uncompressedLength: 0 });
  }
  const bytes = (await heldBytes()) - before;
  expect(index.size).toBe(count);
  expect(bytes / count).toBeGreaterThan(48); // that it counted them
  expect(bytes / count).toBeLessThanOrEqual(64);
});

test('loading holds little beside the index itself, whether anybody collects garbage or not', async () => {
  const built = await buildRepository();
  const [files, blobsOfFile] = [10, 20_000];
  for (let file = 0; file < files; file += 1) {
    const packId = randomBytes(32).toString('hex');
    const blobs = Array.from({ length: blobsOfFile }, (_, at) => ({
      id: randomBytes(32).toString('hex'),
      type: 'data' as const,
      packId,
      offset: at * 100,
      length: 100,
      uncompressedLength: 200,
    }));
    await writeIndex(built.repo, [{ packId, blobs }], () => undefined);
  }
  const before = await heldBytes();
  let mostBytes = 0;
  const index = await BlobIndex.load(built.repo, () => {
    mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers - before);
  });
  const count = files * blobsOfFile;
  expect(index.size).toBe(count);
  // Four files are fetched at a time, of 0.8 MB each, and one is decoded; the text of all is 36 MB.
  expect(mostBytes).toBeLessThan(count * 64 + 10 * 2 ** 20);
  expect(((await heldBytes()) - before) / count).toBeLessThanOrEqual(64);
});

test('a damaged index file is named and the others are used', async () => {
  const built = await buildRepository();
  await built.pack('data', [randomBytes(100)]);
  const [key] = await keysUnder(built.store.list('index/'));
  await built.pack('data', [randomBytes(100)]);
  const bytes = Buffer.from(await built.store.get(key!));
  bytes[30]! ^= 1;
  await built.overwrite(key!, bytes);
  await built.store.create('index/not-an-id', Buffer.from('foreign'));
  const index = await BlobIndex.load(built.repo);
  expect(index.size).toBe(1);
  expect(index.damaged).toEqual([{ key, message: expect.stringContaining('damaged') as string }]);
});

test('an index file with a malformed blob adds nothing', () => {
  const index = new BlobIndex();
  const good = encodeIndex([{ id: packIds[0]!, blobs: [blobAt(1), blobAt(2)] }]).toString();
  expect(() => index.addIndexFile('index/x', Buffer.from(good.replace('"offset":2000', '"offset":-1')))).toThrow();
  expect(index.size).toBe(0);
});

async function keysUnder(objects: AsyncIterable<{ readonly key: string }>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objects) keys.push(key);
  return keys;
}
