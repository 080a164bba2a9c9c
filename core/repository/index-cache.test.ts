/** The index that lies on this machine is the one that the repository has, or it is not used. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BlobIndex } from './blob-index.ts';
import { encodeIndex } from './format/index-file.ts';
import { IndexCache } from './index-cache.ts';
import { buildRepository, type TestRepository } from './testing/build-repository.ts';
import type { OpenRepository } from './types.ts';

let folder: string;
let path: string;
let built: TestRepository;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-index-'));
  path = join(folder, 'deep', 'index');
  built = await buildRepository();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const blobsOf = (index: BlobIndex): unknown[] =>
  [...index.blobs()].sort((a, b) => (a.id + a.packId < b.id + b.packId ? -1 : 1));

/** A repository that counts which index files are read. */
function counting(): { repo: OpenRepository; read: string[] } {
  const read: string[] = [];
  const { store } = built;
  const get: typeof store.get = async (key, range) => {
    if (key.startsWith('index/')) read.push(key);
    return await store.get(key, range);
  };
  return { repo: { ...built.repo, store: { ...store, get } }, read };
}

async function packs(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1)
    await built.pack(at % 2 === 0 ? 'data' : 'tree', [randomBytes(100), randomBytes(50)], {
      isCompressed: at % 3 === 0,
    });
}

test('a saved index is the same without one index file being read, for this process and for the next', async () => {
  await packs(7);
  const first = new IndexCache(built.repo, path);
  const index = await first.load();
  await first.save(index);
  const { repo, read } = counting();
  const again = await new IndexCache(repo, path).load();
  expect(read).toEqual([]);
  expect(again.size).toBe(14);
  expect(blobsOf(again)).toEqual(blobsOf(await BlobIndex.load(built.repo)));
  expect([...again.indexKeys].sort()).toEqual([...index.indexKeys].sort());
  for (const packId of index.packIds()) expect(again.packEnd(packId)).toBe(index.packEnd(packId));
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('an index of several pieces is the same', async () => {
  const packId = randomBytes(32).toString('hex');
  const blobs = Array.from({ length: 40_000 }, (_, at) => ({
    id: randomBytes(32).toString('hex'),
    type: 'data' as const,
    packId,
    offset: at * 10,
    length: 10,
    uncompressedLength: at % 3,
  }));
  const key = `index/${'ab'.repeat(32)}`;
  await built.store.create(key, Buffer.from('never read'));
  const named = new BlobIndex();
  named.addIndexFile(key, encodeIndex([{ id: packId, blobs }]));
  await new IndexCache(built.repo, path).save(named);
  const again = await new IndexCache(built.repo, path).load();
  expect(again.size).toBe(40_000);
  for (const blob of [blobs[0]!, blobs[16_384]!, blobs[39_999]!]) expect(again.lookup(blob.id, 'data')).toEqual(blob);
});

test('a new index file is read, and alone', async () => {
  await packs(5);
  const cache = new IndexCache(built.repo, path);
  await cache.save(await cache.load());
  await packs(1);
  const { repo, read } = counting();
  const again = await new IndexCache(repo, path).load();
  expect(read).toHaveLength(1);
  expect(blobsOf(again)).toEqual(blobsOf(await BlobIndex.load(built.repo)));
});

test('when an index file is gone, what it listed is gone', async () => {
  await packs(3);
  const cache = new IndexCache(built.repo, path);
  const index = await cache.load();
  await cache.save(index);
  await built.store.remove(index.indexKeys[1]!);
  const again = await new IndexCache(built.repo, path).load();
  expect(again.size).toBe(4);
  expect(blobsOf(again)).toEqual(blobsOf(await BlobIndex.load(built.repo)));
});

test('a file that is damaged, cut short, of another repository or a folder is not used', async () => {
  await packs(3);
  const cache = new IndexCache(built.repo, path);
  await cache.save(await cache.load());
  const sound = readFileSync(path);
  const expected = blobsOf(await BlobIndex.load(built.repo));
  const assertLoaded = async (): Promise<void> =>
    expect(blobsOf(await new IndexCache(built.repo, path).load())).toEqual(expected);
  for (let at = 0; at < sound.length; at += 13) {
    const bytes = Buffer.from(sound);
    bytes[at]! ^= 0x21;
    writeFileSync(path, bytes);
    await assertLoaded();
  }
  writeFileSync(path, sound);
  truncateSync(path, sound.length - 1);
  await assertLoaded();
  const foreign = await buildRepository();
  await foreign.pack('data', [randomBytes(20)]);
  const theirs = new IndexCache(foreign.repo, path);
  await theirs.save(await theirs.load());
  await assertLoaded();
  rmSync(path);
  mkdirSync(path);
  await assertLoaded();
});

test('an index with a damaged file is never saved, and one that has hardly grown is not saved again', async () => {
  await packs(2);
  const [key] = (await BlobIndex.load(built.repo)).indexKeys;
  const sound = Buffer.from(await built.store.get(key!));
  const bad = Buffer.from(sound);
  bad[40]! ^= 1;
  await built.overwrite(key!, bad);
  const cache = new IndexCache(built.repo, path);
  await cache.save(await cache.load());
  expect(readdirSync(folder)).toEqual([]);
  await built.overwrite(key!, sound);
  const index = await cache.load();
  await cache.save(index);
  const written = statSync(path, { bigint: true });
  await cache.save(await cache.load());
  expect(statSync(path, { bigint: true })).toMatchObject({ ino: written.ino, mtimeNs: written.mtimeNs });
  expect(readdirSync(join(folder, 'deep'))).toEqual(['index']);
});

test('where nothing can be written, the index is loaded all the same', async () => {
  await packs(2);
  writeFileSync(join(folder, 'file'), '');
  const cache = new IndexCache(built.repo, join(folder, 'file', 'index'));
  const index = await cache.load();
  await cache.save(index);
  expect(index.size).toBe(4);
});
