import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { createFaultyStore } from '../../storage/testing/faulty-store.ts';
import { packKey } from '../object-names.ts';
import { buildRepository, fileNode, folderNode, idOf, type TestRepository } from '../testing/build-repository.ts';
import type { SnapshotWithId } from '../types.ts';
import { check } from './check.ts';

let built: TestRepository;
let packId: string;
let treeId: string;
let first: SnapshotWithId;
let second: SnapshotWithId;
const pieces = [randomBytes(2000), randomBytes(2000)];
const other = randomBytes(500);

/** Two snapshots; the first needs the pack of two pieces, both need the other one. */
beforeEach(async () => {
  built = await buildRepository();
  packId = await built.pack('data', pieces, { isCompressed: false });
  await built.pack('data', [other]);
  treeId = await built.tree([fileNode('a', [pieces[0]!, pieces[1]!])]);
  first = await built.snapshot(await built.tree([folderNode('dir', treeId), fileNode('z', [other])]));
  second = await built.snapshot(await built.tree([fileNode('z', [other])]));
});

async function findings(readData: boolean): Promise<object[]> {
  const result = await check(built.repo, { readData });
  expect(result.isIntact).toBe(result.findings.every(({ severity }) => severity !== 'error'));
  return result.findings.map(({ kind, affectedSnapshots }) => ({ kind, affectedSnapshots }));
}

async function damagePack(change: (bytes: Buffer) => Uint8Array): Promise<void> {
  await built.overwrite(packKey(packId), change(Buffer.from(await built.store.get(packKey(packId)))));
}

const flip = (at: number) => (bytes: Buffer) => {
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  return bytes;
};

test('an intact repository is intact, with and without reading its data, and nothing of it changes', async () => {
  const before: string[] = [];
  for await (const { key, size } of built.store.list('')) before.push(`${key} ${size}`);
  for (const readData of [false, true]) {
    const progress: string[] = [];
    const result = await check(built.repo, { readData, onProgress: ({ phase }) => progress.push(phase) });
    expect(result).toMatchObject({ isIntact: true, findings: [], snapshots: 2, packs: 5, blobs: 6 });
    expect(result.bytesRead > 0).toBe(readData);
    expect([...new Set(progress)]).toEqual(['index', 'packs', 'trees', ...(readData ? ['data'] : [])]);
  }
  const after: string[] = [];
  for await (const { key, size } of built.store.list('')) after.push(`${key} ${size}`);
  expect(after).toEqual(before);
});

describe('each kind of damage is found, with the snapshots that it touches', () => {
  test('a pack that is gone', async () => {
    await built.store.remove(packKey(packId));
    expect(await findings(false)).toEqual([{ kind: 'pack_missing', affectedSnapshots: [first.id] }]);
  });

  test('a pack that was cut short, by its size', async () => {
    await damagePack((bytes) => bytes.subarray(0, -1));
    expect(await findings(false)).toMatchObject([{ kind: 'pack_wrong_size' }]);
  });

  test('a flipped bit in a piece: only reading finds it', async () => {
    await damagePack(flip(2100));
    expect(await findings(false)).toEqual([]);
    const result = await check(built.repo, { readData: true });
    expect(result.findings.map(({ kind }) => kind)).toEqual(['pack_damaged', 'blob_damaged']);
    expect(result.findings[1]).toMatchObject({ blobId: idOf(pieces[1]!), packId, affectedSnapshots: [first.id] });
  });

  test('a flipped bit in a pack’s list of contents, and in its length', async () => {
    for (const at of [-10, -1]) {
      await damagePack(flip(at));
      const kinds = (await findings(true)).map((finding) => (finding as { kind: string }).kind);
      expect(kinds).toEqual(['pack_damaged', 'pack_damaged']);
      await damagePack(flip(at));
    }
  });

  test('damage to a pack whose pieces lie elsewhere too touches no snapshot', async () => {
    await built.pack('data', pieces, { isCompressed: true });
    await built.store.remove(packKey(packId));
    expect(await findings(true)).toEqual([{ kind: 'pack_missing', affectedSnapshots: [] }]);
  });

  test('an index file that is damaged, and what it alone knew', async () => {
    let target = '';
    for await (const { key } of built.store.list('index/')) {
      const bytes = await built.store.get(key);
      await built.store.remove(key);
      const lost = (await check(built.repo, { readData: false })).findings.some(({ blobId }) => blobId === idOf(other));
      await built.store.create(key, bytes);
      if (lost) target = key;
    }
    await built.overwrite(target, flip(20)(Buffer.from(await built.store.get(target))));
    const both = [first.id, second.id].sort();
    expect(await findings(false)).toEqual([
      { kind: 'index_unreadable', affectedSnapshots: [] },
      { kind: 'pack_unlisted', affectedSnapshots: undefined },
      ...both.map(() => ({ kind: 'blob_missing', affectedSnapshots: both })),
    ]);
  });

  test('a snapshot that is damaged', async () => {
    const key = `snapshots/${second.id}`;
    await built.overwrite(key, flip(20)(Buffer.from(await built.store.get(key))));
    expect(await findings(false)).toEqual([{ kind: 'snapshot_unreadable', affectedSnapshots: [second.id] }]);
  });

  test('a folder listing that is gone', async () => {
    const lost = await built.snapshot('ab'.repeat(32));
    expect(await findings(false)).toEqual([{ kind: 'tree_unreadable', affectedSnapshots: [lost.id] }]);
  });

  test('a listing that lies about a size, and one with a name that leads elsewhere', async () => {
    const lying = await built.snapshot(await built.tree([fileNode('z', [other], { size: 9n })]));
    const unsafe = await built.snapshot(await built.tree([fileNode('../z', [other])]));
    expect(await findings(false)).toEqual(
      expect.arrayContaining([
        { kind: 'file_wrong_size', affectedSnapshots: [lying.id] },
        { kind: 'unsafe_name', affectedSnapshots: [unsafe.id] },
      ]),
    );
  });

  test('a pack that no index lists is worth knowing and no error', async () => {
    await built.store.create(packKey('cd'.repeat(32)), randomBytes(100));
    const result = await check(built.repo, { readData: true });
    expect(result).toMatchObject({ isIntact: true, findings: [{ kind: 'pack_unlisted', severity: 'notice' }] });
  });
});

test('one bad reading of a good pack is no damage', async () => {
  const flaky = createFaultyStore(built.store, [{ operation: 'get', key: packKey(packId), nth: 1, effect: 'flip' }]);
  const result = await check({ ...built.repo, store: flaky }, { readData: true });
  expect(result.findings).toEqual([]);
  expect(flaky.struck).toHaveLength(1);
});

test('a check that is stopped says so and claims nothing', async () => {
  const stopped = check(built.repo, { readData: true, signal: AbortSignal.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
});
