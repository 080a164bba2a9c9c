import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BlobIndex } from '../blob-index.ts';
import { packKey } from '../object-names.ts';
import { buildRepository, fileNode, folderNode, type TestRepository } from '../testing/build-repository.ts';
import type { TreeNode } from '../types.ts';
import { restore, type RestoreOptions, type RestoreResult } from './restore.ts';

/** More files than are ever planned at once, in three folders of the same size. */
const FILES_EACH = 3500;
const FOLDERS = ['a', 'b', 'c'];

let scratch: string;
let target: string;
let built: TestRepository;

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-restore-windows-'));
  target = join(scratch, 'target');
  built = await buildRepository();
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const contentOf = (folder: string, number: number): Buffer => Buffer.from(`${folder} ${number % 1000}`);
const nameOf = (number: number): string => `f${String(number).padStart(5, '0')}`;

/** `more` nodes are added to each folder, behind its files. */
async function buildTree(more: (folder: string) => TreeNode[] = () => []): Promise<{ tree: string; packs: string[] }> {
  const folders: TreeNode[] = [];
  const packs: string[] = [];
  for (const folder of FOLDERS) {
    packs.push(
      await built.pack(
        'data',
        Array.from({ length: 1000 }, (_, at) => contentOf(folder, at)),
      ),
    );
    const files = Array.from({ length: FILES_EACH }, (_, at) => fileNode(nameOf(at), [contentOf(folder, at)]));
    folders.push(folderNode(folder, await built.tree([...files, ...more(folder)])));
  }
  return { tree: await built.tree(folders), packs };
}

async function restoreTree(tree: string, options: Partial<RestoreOptions> = {}): Promise<RestoreResult> {
  const snapshot = await built.snapshot(tree);
  return await restore(built.repo, BlobIndex.load(built.repo), { snapshot, targetDir: target, ...options });
}

test('more files than a window holds are restored as they are, names of one file in several windows too', async () => {
  const same = { inode: 7n, deviceId: 1n, links: 3n };
  const { tree } = await buildTree(() => [fileNode('link', [contentOf('a', 1)], same)]);
  const result = await restoreTree(tree, { verify: true });
  const files = FOLDERS.length * (FILES_EACH + 1);
  expect(result).toMatchObject({ filesRestored: files, damaged: [], skipped: [], filesVerified: files - 2 });
  for (const folder of FOLDERS) {
    expect(readdirSync(join(target, folder))).toHaveLength(FILES_EACH + 1);
    for (let at = 0; at < FILES_EACH; at += 97)
      expect(readFileSync(join(target, folder, nameOf(at))).equals(contentOf(folder, at))).toBe(true);
  }
  expect(new Set(FOLDERS.map((folder) => statSync(join(target, folder, 'link')).ino)).size).toBe(1);
});

test('a file that could not be restored in one window costs its names in the others, and no other file', async () => {
  const lost = Buffer.from('lost');
  const same = { inode: 7n, deviceId: 1n, links: 3n };
  const lostPack = await built.pack('data', [lost]);
  const { tree } = await buildTree(() => [fileNode('link', [lost], same)]);
  await built.store.remove(packKey(lostPack));
  const result = await restoreTree(tree);
  expect(result.damaged.map(({ path }) => path).sort()).toEqual(['/a/link', '/b/link', '/c/link']);
  expect(result.filesRestored).toBe(FOLDERS.length * FILES_EACH);
});

test('where the first name was kept, the next one in a later window becomes the file', async () => {
  const same = { inode: 7n, deviceId: 1n, links: 3n };
  const { tree } = await buildTree(() => [fileNode('link', [contentOf('a', 1)], same)]);
  mkdirSync(join(target, 'a'), { recursive: true });
  writeFileSync(join(target, 'a/link'), 'mine');
  const result = await restoreTree(tree);
  expect(result).toMatchObject({ skipped: ['/a/link'], damaged: [] });
  expect(readFileSync(join(target, 'a/link'), 'utf8')).toBe('mine');
  expect(readFileSync(join(target, 'b/link')).equals(contentOf('a', 1))).toBe(true);
  expect(statSync(join(target, 'c/link')).ino).toBe(statSync(join(target, 'b/link')).ino);
});

test('a restore that is stopped while folders are still read leaves whole files alone', async () => {
  const { tree } = await buildTree();
  const stop = new AbortController();
  const onProgress = (): void => stop.abort();
  await expect(restoreTree(tree, { signal: stop.signal, onProgress })).rejects.toMatchObject({ code: 'cancelled' });
  const left = FOLDERS.flatMap((folder) => {
    const names = readdirSync(target).includes(folder) ? readdirSync(join(target, folder)) : [];
    return names.map((name) => ({ folder, name }));
  });
  expect(left.length).toBeLessThan(FOLDERS.length * FILES_EACH);
  for (const { folder, name } of left)
    expect(readFileSync(join(target, folder, name)).equals(contentOf(folder, Number(name.slice(1))))).toBe(true);
});
