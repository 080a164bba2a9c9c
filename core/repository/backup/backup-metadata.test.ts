/** What a backup keeps of metadata that Node has no call for, and what it says where it cannot. */
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { createMemoryStore } from '../../storage/memory-store.ts';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { findPath } from '../list-tree.ts';
import { initRepository } from '../repository.ts';
import type { TreeNode, WritableRepository } from '../types.ts';
import type { BackupOptions, BackupResult } from './backup.ts';
import { backUpSource } from '../testing/back-up-source.ts';

let source: string;
let repo: WritableRepository;

beforeEach(async () => {
  source = mkdtempSync(join(tmpdir(), 'holdfast-backup-metadata-'));
  repo = await initRepository(createMemoryStore(), {
    password: 'x',
    strength: 'machine',
    hostname: 'h',
    username: 'u',
    clock: systemClock,
  });
  writeFileSync(join(source, 'file'), 'contents');
  mkdirSync(join(source, 'folder'));
  const give = `import os,sys
for name in ('file', 'folder'): os.setxattr(os.path.join(sys.argv[1], name), 'user.of', name.encode())`;
  execFileSync('python3', ['-c', give, source]);
});
afterEach(() => rmSync(source, { recursive: true, force: true }));

async function backUp(more: Partial<BackupOptions> = {}): Promise<BackupResult> {
  return await backUpSource(repo, source, more);
}

async function nodeOf({ snapshot }: BackupResult, name: string): Promise<TreeNode> {
  const found = await findPath(new BlobReader(repo, await BlobIndex.load(repo)), snapshot.tree, join(source, name));
  if (found === undefined) throw new Error(`${name} is not in the snapshot`);
  return found.node;
}

const attributesOf = ({ extendedAttributes }: TreeNode): string[] | undefined =>
  extendedAttributes?.map(({ name, value }) => `${String(name)}=${String(value)}`);

test('attributes that are set after a backup are in the next one, though no contents changed', async () => {
  const first = await backUp();
  expect(attributesOf(await nodeOf(first, 'file'))).toEqual(['user.of=file']);
  expect(attributesOf(await nodeOf(first, 'folder'))).toEqual(['user.of=folder']);
  const set = 'import os,sys; os.setxattr(sys.argv[1], "user.of", b"later")';
  for (const name of ['file', 'folder']) execFileSync('python3', ['-c', set, join(source, name)]);
  const second = await backUp({ parent: first.snapshot });
  expect(attributesOf(await nodeOf(second, 'file'))).toEqual(['user.of=later']);
  expect(attributesOf(await nodeOf(second, 'folder'))).toEqual(['user.of=later']);
  expect(second).toMatchObject({ warnings: [], unread: [] });
});

test('without libc the backup is made without attributes, says so, and the next one with libc has them', async () => {
  const without = await backUp({ withoutNative: true });
  expect(without.unread).toEqual([]);
  expect(without.warnings).toEqual([
    {
      path: '/',
      reason:
        'extended attributes and ACLs are in no entry of this backup: calls into the system library are switched off',
    },
  ]);
  for (const name of ['file', 'folder']) expect(attributesOf(await nodeOf(without, name))).toBeUndefined();
  const withThem = await backUp({ parent: without.snapshot });
  expect(attributesOf(await nodeOf(withThem, 'file'))).toEqual(['user.of=file']);
  expect(withThem.warnings).toEqual([]);
});

test('a source that is a link to a file is that file, with its attributes', async () => {
  symlinkSync('file', join(source, 'link'));
  const result = await backUp({ paths: [join(source, 'link')] });
  expect(result).toMatchObject({ unread: [], selectedFiles: 1, selectedBytes: 'contents'.length });
  const node = await nodeOf(result, 'link');
  expect(node).toMatchObject({ type: 'file', size: BigInt('contents'.length) });
  expect(attributesOf(node)).toEqual(['user.of=file']);
});

test.runIf(process.geteuid?.() === 0)('reading a file for a backup does not count as a use of it', async () => {
  utimesSync(join(source, 'file'), 1000, 2000);
  expect((await backUp()).unread).toEqual([]);
  expect(lstatSync(join(source, 'file')).atimeMs).toBe(1_000_000);
});
