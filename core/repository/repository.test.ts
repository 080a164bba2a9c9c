import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { manualClock, systemClock } from '../base/clock.ts';
import { BlobIndex } from './blob-index.ts';
import { BlobReader } from './blob-reader.ts';
import { encodeNode, encodeTree } from './format/tree.ts';
import { packKey } from './object-names.ts';
import { findPath, walkTree } from './list-tree.ts';
import { createKeyFile, initRepository, listSnapshots, loadSnapshot, openRepository } from './repository.ts';
import {
  buildRepository,
  fileNode,
  folderNode,
  idOf,
  TEST_PASSWORD,
  type TestRepository,
} from './testing/build-repository.ts';
import { createMemoryStore } from '../storage/memory-store.ts';
import type { MasterKey } from './types.ts';
import { createFaultyStore } from '../storage/testing/faulty-store.ts';

let built: TestRepository;
const who = { hostname: 'h', username: 'u', clock: systemClock };

beforeEach(async () => {
  built = await buildRepository();
});

async function firstKey(prefix: string): Promise<string> {
  for await (const { key } of built.store.list(prefix)) return key;
  throw new Error(`nothing below ${prefix}`);
}

async function flip(key: string, at: number): Promise<void> {
  const bytes = Buffer.from(await built.store.get(key));
  bytes[at]! ^= 1;
  await built.overwrite(key, bytes);
}

describe('opening', () => {
  test('with the password gives the same key and configuration that were made', async () => {
    const opened = await openRepository(built.store, TEST_PASSWORD);
    expect(opened.config).toEqual(built.repo.config);
    expect(Buffer.from(opened.masterKey.encrypt).equals(built.repo.masterKey.encrypt)).toBe(true);
    expect(opened.keyId).toBe(built.repo.keyId);
  });

  test('with another password: wrong_password', async () => {
    await expect(openRepository(built.store, 'x')).rejects.toMatchObject({ code: 'wrong_password' });
  });

  test('where there is nothing: repository_missing', async () => {
    await expect(openRepository(createMemoryStore(), 'x')).rejects.toMatchObject({ code: 'repository_missing' });
  });

  test('with a damaged configuration: repository_damaged', async () => {
    await flip('config', 20);
    await expect(openRepository(built.store, TEST_PASSWORD)).rejects.toMatchObject({ code: 'repository_damaged' });
  });

  test('a damaged key file locks nobody out but its own principal', async () => {
    const broken = await firstKey('keys/');
    const second = await createKeyFile(built.repo.masterKey, { password: 'two', strength: 'machine', ...who });
    await built.store.create(second.key, second.bytes);
    await built.store.create('keys/README', Buffer.from('foreign objects are skipped'));
    await flip(broken, 30);
    expect((await openRepository(built.store, 'two')).keyId).toBe(second.id);
    const refused = openRepository(built.store, TEST_PASSWORD);
    await expect(refused).rejects.toMatchObject({
      code: 'wrong_password',
      message: expect.stringContaining('1 of its 2'),
    });
    await built.store.remove(second.key);
    await expect(openRepository(built.store, TEST_PASSWORD)).rejects.toMatchObject({ code: 'repository_damaged' });
  });

  test('a key file of hostile cost is refused and not computed', async () => {
    await built.store.remove(await firstKey('keys/'));
    const costly = Buffer.from(
      `{"created":"2024-01-01T00:00:00Z","username":"","hostname":"","kdf":"scrypt","N":1073741824,"r":8,"p":1,"salt":"${randomBytes(64).toString('base64')}","data":"${randomBytes(200).toString('base64')}"}`,
    );
    await built.store.create(`keys/${idOf(costly)}`, costly);
    await expect(openRepository(built.store, TEST_PASSWORD)).rejects.toMatchObject({ code: 'repository_damaged' });
  });
});

test('a place that holds a repository is refused and stays as it was', async () => {
  const config = Buffer.from(await built.store.get('config'));
  const again = initRepository(built.store, { password: 'x', strength: 'machine', ...who });
  await expect(again).rejects.toMatchObject({ code: 'repository_exists' });
  expect(config.equals(await built.store.get('config'))).toBe(true);
});

describe('what would not open again is not stored', () => {
  const options = { password: 'p', strength: 'machine', hostname: 'h', username: 'u', clock: manualClock(0) } as const;

  test('a configuration: not even its key file is', async () => {
    const store = createMemoryStore();
    for (const chunkerPolynomial of ['20000000000000', 'x', ''])
      await expect(initRepository(store, { ...options, chunkerPolynomial })).rejects.toMatchObject({
        code: 'repository_damaged',
      });
    for await (const { key } of store.list('')) expect(key).toBeUndefined();
  });

  test('a key file of a key whose bytes change meanwhile', async () => {
    const { masterKey } = built.repo;
    for (const part of ['encrypt', 'macK', 'macR'] as const) {
      let uses = 0;
      const changing: MasterKey = {
        ...masterKey,
        get [part]() {
          uses += 1;
          return uses === 1 ? Uint8Array.from(masterKey[part], (byte) => byte ^ 1) : masterKey[part];
        },
      };
      await expect(createKeyFile(changing, options), part).rejects.toMatchObject({ code: 'repository_damaged' });
    }
  });
});

describe('snapshots', () => {
  test('are listed oldest first, damaged ones by name', async () => {
    const tree = await built.tree([]);
    const good = await built.snapshot(tree);
    const bad = await built.snapshot(tree);
    await flip(`snapshots/${bad.id}`, 40);
    const { snapshots, damaged } = await listSnapshots(built.repo);
    expect(snapshots.map(({ id }) => id)).toEqual([good.id]);
    expect(damaged).toMatchObject([{ id: bad.id }]);
    await expect(loadSnapshot(built.repo, bad.id)).rejects.toMatchObject({ code: 'repository_damaged' });
  });

  test('are found by id, by the beginning of it when that is one, and as the latest', async () => {
    await expect(loadSnapshot(built.repo, 'latest')).rejects.toMatchObject({ code: 'not_found' });
    const tree = await built.tree([]);
    const made = new Set<string>();
    for (let count = 0; count < 17; count += 1) made.add((await built.snapshot(tree)).id);
    const [id] = made;
    expect((await loadSnapshot(built.repo, id!)).id).toBe(id);
    expect((await loadSnapshot(built.repo, id!.slice(0, 20))).id).toBe(id);
    expect(made.has((await loadSnapshot(built.repo, 'latest')).id)).toBe(true);
    for (const unknown of ['', 'zz', 'ab'.repeat(32), '../config'])
      await expect(loadSnapshot(built.repo, unknown), unknown).rejects.toMatchObject({ code: 'not_found' });
    // Seventeen ids have sixteen first digits between them.
    const firsts = [...made].map((name) => name[0]!);
    const doubled = firsts.find((digit, at) => firsts.indexOf(digit) !== at)!;
    await expect(loadSnapshot(built.repo, doubled)).rejects.toMatchObject({ code: 'bad_request' });
  });
});

describe('reading blobs', () => {
  const piece = randomBytes(5000);

  test('one bad reading is repeated, a second copy is used, and only then is it damage', async () => {
    const packs = [await built.pack('data', [piece]), await built.pack('data', [piece], { isCompressed: false })];
    const store = createFaultyStore(built.store);
    const repo = { ...built.repo, store };
    const reader = new BlobReader(repo, await BlobIndex.load(repo));
    store.script([{ operation: 'get', key: 'data/', nth: 1, effect: 'flip' }]);
    expect(piece.equals(await reader.read(idOf(piece), 'data'))).toBe(true);
    expect(store.struck).toHaveLength(1);
    for (const packId of packs) {
      store.script([{ operation: 'get', key: packKey(packId), nth: 1, effect: 'flip', isLasting: true }]);
      expect(piece.equals(await reader.read(idOf(piece), 'data'))).toBe(true);
    }
    store.script([{ operation: 'get', key: 'data/', nth: 1, effect: 'flip', isLasting: true }]);
    await expect(reader.read(idOf(piece), 'data')).rejects.toMatchObject({ code: 'repository_damaged' });
    store.script([{ operation: 'get', key: 'data/', nth: 1, effect: 'fail_before' }]);
    await expect(reader.read(idOf(piece), 'data')).rejects.toMatchObject({ code: 'storage_unavailable' });
  });

  test('folder listings of one pack cost one request', async () => {
    const inner = encodeTree([encodeNode(fileNode('file', []))]);
    const listing = encodeTree(['a', 'b'].map((name) => encodeNode(folderNode(name, idOf(inner)))));
    await built.pack('tree', [listing, inner]);
    const outer = idOf(listing);
    const store = createFaultyStore(built.store);
    const reader = new BlobReader({ ...built.repo, store }, await BlobIndex.load(built.repo));
    const paths: string[] = [];
    for await (const { path } of walkTree(reader, outer)) paths.push(path);
    expect(paths).toEqual(['/a', '/a/file', '/b', '/b/file']);
    expect(store.calls.get).toBe(1);
    expect((await findPath(reader, outer, '/b/file'))?.node.type).toBe('file');
    expect(await findPath(reader, outer, '/b/none')).toBeUndefined();
    expect(await findPath(reader, outer, '/b/file/below')).toBeUndefined();
  });
});

test('S37: a listing that holds itself twice, and so on, ends in an error and not in an endless walk', async () => {
  let tree = await built.tree([fileNode('end', [])]);
  for (let level = 0; level < 60; level += 1) tree = await built.tree([folderNode('a', tree), folderNode('b', tree)]);
  const reader = new BlobReader(built.repo, await BlobIndex.load(built.repo));
  const walk = async (): Promise<number> => {
    let entries = 0;
    for await (const _ of walkTree(reader, tree, { entriesMax: 10_000 })) entries += 1;
    return entries;
  };
  await expect(walk()).rejects.toMatchObject({ code: 'repository_damaged' });
});
