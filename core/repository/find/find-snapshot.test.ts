import { beforeEach, expect, test } from 'vitest';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { seal } from '../crypto/seal.ts';
import { encodeSnapshot } from '../format/snapshot.ts';
import { encodeUnpacked } from '../format/unpacked.ts';
import { sha256Hex } from '../object-names.ts';
import { buildRepository, fileNode, folderNode, type TestRepository } from '../testing/build-repository.ts';
import { findFolder, findPlace, findSnapshot, splitReference } from './find-snapshot.ts';

let built: TestRepository;
let tree: string;
const ALL = { paths: [], tags: [] };

beforeEach(async () => {
  built = await buildRepository();
  tree = await built.tree([folderNode('srv', await built.tree([fileNode('file', [])]))]);
});

async function snapshot(day: number, hostname: string, tags: readonly string[] = []): Promise<string> {
  const time = `2026-01-0${day}T00:00:00Z`;
  const bytes = seal(
    built.repo.masterKey,
    encodeUnpacked(encodeSnapshot({ time, tree, paths: ['/srv'], hostname, tags })),
  );
  const id = sha256Hex(bytes);
  await built.store.create(`snapshots/${id}`, bytes);
  return id;
}

test('the latest one is that of the host, the paths and the tags that are asked for', async () => {
  const ids = [await snapshot(1, 'a', ['x']), await snapshot(2, 'b'), await snapshot(3, 'a')];
  const latest = async (filter: Partial<Parameters<typeof findSnapshot>[2]>): Promise<string> =>
    (await findSnapshot(built.repo, 'latest', { ...ALL, ...filter })).snapshot.id;
  expect(await latest({})).toBe(ids[2]);
  expect(await latest({ host: 'b' })).toBe(ids[1]);
  expect(await latest({ tags: ['x'] })).toBe(ids[0]);
  expect((await findSnapshot(built.repo, ids[0]!.slice(0, 12), { ...ALL, host: 'b' })).snapshot.id).toBe(ids[0]);
  await expect(latest({ paths: ['/home'] })).rejects.toMatchObject({ code: 'not_found' });
});

test('when the newest one cannot be read, the one before it is taken, and that is told', async () => {
  const older = await snapshot(1, 'a');
  const newest = await snapshot(2, 'a');
  await built.overwrite(`snapshots/${newest}`, Buffer.from('damaged'));
  const found = await findSnapshot(built.repo, 'latest', ALL);
  expect(found.snapshot.id).toBe(older);
  expect(found.unreadable).toMatchObject([{ id: newest }]);
  await built.store.remove(`snapshots/${older}`);
  await expect(findSnapshot(built.repo, 'latest', ALL)).rejects.toMatchObject({ code: 'repository_damaged' });
});

test('a place in a snapshot is named behind a colon', async () => {
  expect(splitReference('abc')).toEqual({ id: 'abc', path: undefined });
  expect(splitReference('latest:/a:b')).toEqual({ id: 'latest', path: '/a:b' });
  const reader = new BlobReader(built.repo, await BlobIndex.load(built.repo));
  expect(await findPlace(reader, tree, '//')).toBeUndefined();
  expect(await findPlace(reader, tree, 'srv/file/')).toMatchObject({ path: '/srv/file' });
  expect(await findFolder(reader, tree, '/')).toBe(tree);
  expect(await findFolder(reader, tree, '/srv')).not.toBe(tree);
  await expect(findFolder(reader, tree, '/srv/file')).rejects.toMatchObject({ code: 'not_found' });
  await expect(findPlace(reader, tree, '/srv/none')).rejects.toMatchObject({ code: 'not_found' });
});
