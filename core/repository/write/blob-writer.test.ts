/** Whatever is stored through a BlobWriter is whole, and when something fails nothing of it goes on. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFileStore } from '../../storage/file-store.ts';
import type { ObjectStore } from '../../storage/port.ts';
import { createFaultyStore } from '../../storage/testing/faulty-store.ts';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { seal } from '../crypto/seal.ts';
import { compress } from '../format/zstd.ts';
import { packKey } from '../object-names.ts';
import { buildRepository, idOf } from '../testing/build-repository.ts';
import { noise } from '../testing/noise.ts';
import type { MasterKey, WritableRepository } from '../types.ts';
import { BlobWriter } from './blob-writer.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-writer-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PLAINS = Array.from({ length: 12 }, (_, at) => noise(9000, `blob ${at}`));

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

test('in whichever form blobs come, they are read back from the packs that the index files name, round after round', async () => {
  const { repo } = await buildRepository(createFileStore({ root: join(folder, 'rounds') }));
  const index = new BlobIndex();
  const writer = new BlobWriter(repo, index, { packBytes: 20_000 });
  const text = Buffer.from('{"nodes":[]}\n'.repeat(800));
  for (const round of [PLAINS.slice(0, 6), PLAINS.slice(6)]) {
    for (const plain of round) {
      await writer.addPlain(idOf(plain), 'data', plain);
      expect(writer.isPending(idOf(plain), 'data') || index.has(idOf(plain), 'data')).toBe(true);
    }
    await writer.closePacks();
    for (const plain of round) expect(writer.isPending(idOf(plain), 'data')).toBe(false);
    await writer.writeIndex();
  }
  await writer.addPlain(idOf(text), 'tree', text);
  const opened = Buffer.from('compressed elsewhere '.repeat(100));
  await writer.addOpened(
    { id: idOf(opened), type: 'data', uncompressedLength: opened.length },
    Buffer.from(compress(opened)),
  );
  const sealed = Buffer.from('sealed before');
  await writer.addSealed({ id: idOf(sealed), type: 'data', uncompressedLength: 0 }, seal(repo.masterKey, sealed));
  await writer.closePacks();
  await writer.writeIndex();

  const stored = await BlobIndex.load(repo);
  const reader = new BlobReader(repo, stored);
  for (const plain of [...PLAINS, opened, sealed])
    expect(Buffer.from(await reader.read(idOf(plain), 'data'))).toEqual(plain);
  expect(Buffer.from(await reader.read(idOf(text), 'tree'))).toEqual(text);
  expect(stored.lookup(idOf(text), 'tree')?.uncompressedLength).toBe(text.length);
  expect(stored.lookup(idOf(PLAINS[0]!), 'data')?.uncompressedLength).toBe(0); // noise gains nothing
  const packs = await keysOf(createFileStore({ root: join(folder, 'rounds') }), 'data/');
  expect(packs.length).toBeGreaterThan(3);
  expect(packs.sort()).toEqual(
    writer.added
      .filter(({ kind }) => kind !== 'index')
      .map(({ key }) => key)
      .sort(),
  );
  expect(readdirSync(join(folder, 'rounds', '.tmp'))).toEqual([]);
});

test('with the index left to the caller none is written', async () => {
  const { repo, store } = await buildRepository();
  const index = new BlobIndex();
  const writer = new BlobWriter(repo, index, { isListing: false });
  await writer.addPlain(idOf(PLAINS[0]!), 'data', PLAINS[0]!);
  await writer.closePacks();
  await writer.writeIndex();
  expect(index.has(idOf(PLAINS[0]!), 'data')).toBe(true);
  expect(await keysOf(store, 'index/')).toEqual([]);
});

test('blobs that are added at one time share a pack', async () => {
  const { repo } = await buildRepository();
  const writer = new BlobWriter(repo, new BlobIndex());
  await Promise.all(PLAINS.map((plain) => writer.addPlain(idOf(plain), 'data', plain)));
  await writer.closePacks();
  expect(writer.added).toHaveLength(1);
});

test('bytes that are not what their name says, or that do not survive their sealing, are not stored', async () => {
  const { repo, store } = await buildRepository();
  const [one, other] = PLAINS as [Buffer, Buffer];
  const writer = new BlobWriter(repo, new BlobIndex());
  await expect(writer.addPlain(idOf(one), 'data', other)).rejects.toMatchObject({ code: 'repository_damaged' });
  const wrong = Uint8Array.from(repo.masterKey.macR, (byte) => byte ^ 1);
  let uses = 0;
  const failing: MasterKey = {
    ...repo.masterKey,
    get macR() {
      uses += 1;
      return uses === 1 ? wrong : repo.masterKey.macR;
    },
  };
  for (const add of [
    (to: BlobWriter) => to.addPlain(idOf(one), 'data', one),
    (to: BlobWriter) => to.addOpened({ id: idOf(one), type: 'data', uncompressedLength: 0 }, one),
  ]) {
    uses = 0;
    const failingWriter = new BlobWriter({ ...repo, masterKey: failing }, new BlobIndex());
    await expect(add(failingWriter)).rejects.toMatchObject({ code: 'repository_damaged' });
    await failingWriter.closePacks();
  }
  expect(await keysOf(store, 'data/')).toEqual([]);
});

test('an upload that fails is told, and its blobs are in no index', async () => {
  const { repo, store } = await buildRepository();
  const failing: WritableRepository = {
    ...repo,
    store: createFaultyStore(store, [{ operation: 'create', nth: 2, key: 'data/', effect: 'fail_before' }]),
  };
  const index = new BlobIndex();
  const writer = new BlobWriter(failing, index, { packBytes: 5000 });
  const stored = writer.orAbandon(async () => {
    for (const plain of PLAINS) await writer.addPlain(idOf(plain), 'data', plain);
    await writer.closePacks();
  });
  await expect(stored).rejects.toMatchObject({ code: 'storage_unavailable' });
  // Several uploads run at once: whichever began second failed, and each that stands holds one blob.
  const listed = PLAINS.flatMap((plain) => index.lookup(idOf(plain), 'data')?.packId ?? []);
  expect(listed.map(packKey).sort()).toEqual((await keysOf(store, 'data/')).sort());
  expect(listed.length).toBeLessThan(PLAINS.length);
});

test('who fails hears of it when no upload is under way and no scratch file is left, and nothing is stored any more', async () => {
  const root = join(folder, 'abandoned');
  const { repo, store } = await buildRepository(createFileStore({ root }));
  let underWay = 0;
  let begun = 0;
  const released = Promise.withResolvers<void>();
  const slow: ObjectStore = {
    ...store,
    createFromFile: async (...file) => {
      underWay += 1;
      begun += 1;
      await released.promise;
      const answer = await store.createFromFile!(...file); // a file store has it
      underWay -= 1;
      return answer;
    },
  };
  const writer = new BlobWriter({ ...repo, store: slow }, new BlobIndex(), { packBytes: 15_000 });
  const work = async (): Promise<void> => {
    for (const plain of PLAINS.slice(0, 3)) await writer.addPlain(idOf(plain), 'data', plain);
    expect(underWay).toBe(1);
    expect(readdirSync(join(root, '.tmp')).length).toBeGreaterThan(1);
    setTimeout(released.resolve, 50);
    throw new Error('the lock is lost');
  };
  await expect(writer.orAbandon(work)).rejects.toThrow('the lock is lost');
  expect({ underWay, begun }).toEqual({ underWay: 0, begun: 1 });
  expect(readdirSync(join(root, '.tmp'))).toEqual([]);
  await expect(writer.addPlain(idOf(PLAINS[5]!), 'data', PLAINS[5]!)).rejects.toThrow('the lock is lost');
  await expect(writer.closePacks()).rejects.toThrow('the lock is lost');
  expect(await keysOf(store, 'data/')).toHaveLength(1);
});
