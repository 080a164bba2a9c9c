import { beforeAll, describe, expect, test } from 'vitest';
import { BlobIndex } from './blob-index.ts';
import { BlobReader } from './blob-reader.ts';
import { nodeCrypto } from './crypto/node-crypto.ts';
import type { ReadCrypto } from './crypto/read-crypto.ts';
import { createWebCrypto } from './crypto/web-crypto.ts';
import { packKey } from './object-names.ts';
import { readFile } from './read-file.ts';
import { listSnapshots, openRepositoryWith } from './read-repository.ts';
import {
  buildRepository,
  fileNode,
  folderNode,
  idOf,
  linkNode,
  TEST_PASSWORD,
  type TestRepository,
} from './testing/build-repository.ts';
import { noise } from './testing/noise.ts';
import type { TreeNode } from './types.ts';

const pieces = Array.from({ length: 9 }, (_, at) => noise(10_000 + at, `piece ${at}`));
const isDamage = expect.objectContaining({ code: 'repository_damaged' });

describe.each<[string, () => ReadCrypto]>([
  ['Node', () => nodeCrypto],
  ['a browser', createWebCrypto],
])('with the crypto of %s', (_, crypto) => {
  let built: TestRepository;
  let reader: BlobReader;
  let pack: string;

  beforeAll(async () => {
    built = await buildRepository();
    pack = await built.pack('data', pieces);
    await built.snapshot(await built.tree([fileNode('file', pieces)]));
    const repo = await openRepositoryWith(crypto(), built.store, TEST_PASSWORD);
    reader = new BlobReader(repo, await BlobIndex.load(repo));
  });

  const read = async (node: TreeNode): Promise<Buffer> => {
    const parts: Uint8Array[] = [];
    for await (const part of readFile(reader, node)) parts.push(part);
    return Buffer.concat(parts);
  };

  test('a repository opens with its password alone, and lists what is in it', async () => {
    await expect(openRepositoryWith(crypto(), built.store, 'another')).rejects.toMatchObject({
      code: 'wrong_password',
    });
    const { snapshots, damaged } = await listSnapshots(reader.repo);
    expect([snapshots.length, damaged.length]).toEqual([1, 0]);
    expect((await reader.tree(snapshots[0]!.tree)).map(({ name }) => Buffer.from(name).toString())).toEqual(['file']);
  });

  test('the pieces of a file come in its order, one again and again too; an empty file has none', async () => {
    const order = [...pieces, pieces[0]!, pieces[0]!, pieces[8]!];
    expect((await read(fileNode('file', order))).equals(Buffer.concat(order))).toBe(true);
    expect(await read(fileNode('empty', []))).toHaveLength(0);
  });

  test('a length that the pieces do not have, a piece that is nowhere, and what is no file are damage', async () => {
    await expect(read(fileNode('longer', pieces, { size: 1n << 60n }))).rejects.toEqual(isDamage);
    await expect(read(fileNode('shorter', pieces, { size: 1n }))).rejects.toEqual(isDamage);
    await expect(read(fileNode('lost', [...pieces, Buffer.from('nowhere')]))).rejects.toEqual(isDamage);
    await expect(read(folderNode('folder', idOf(pieces[0]!)))).rejects.toEqual(isDamage);
    await expect(read(linkNode('link', 'file'))).rejects.toEqual(isDamage);
  });

  test('a reader that stops in the middle asks for little more', async () => {
    let asked = 0;
    const store = {
      ...built.store,
      get: (...args: Parameters<typeof built.store.get>) => ((asked += 1), built.store.get(...args)),
    };
    const counting = new BlobReader({ ...reader.repo, store }, reader.index);
    for await (const piece of readFile(counting, fileNode('file', pieces))) if (piece.length > 0) break;
    expect(asked).toBeLessThanOrEqual(4);
  });

  test('a damaged pack is named, and what lies in front of the damage was given out', async () => {
    const key = packKey(pack);
    const sound = await built.store.get(key);
    const hurt = Buffer.from(sound);
    hurt[45_000]! ^= 1;
    await built.overwrite(key, hurt);
    try {
      let bytes = 0;
      const reading = (async () => {
        for await (const piece of readFile(reader, fileNode('file', pieces))) bytes += piece.length;
      })();
      await expect(reading).rejects.toMatchObject({
        code: 'repository_damaged',
        message: expect.stringContaining(pack),
      });
      expect(bytes).toBeGreaterThan(30_000);
    } finally {
      await built.overwrite(key, sound);
    }
  });
});
