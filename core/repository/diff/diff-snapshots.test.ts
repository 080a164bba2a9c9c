import { beforeEach, describe, expect, test } from 'vitest';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import {
  buildRepository,
  fileNode,
  folderNode,
  linkNode,
  node,
  type TestRepository,
} from '../testing/build-repository.ts';
import type { TreeNode } from '../types.ts';
import { type DiffSummary, TreeDiff } from './diff-snapshots.ts';

let built: TestRepository;
const text = (value: string): Buffer => Buffer.from(value);
const GONE = '00'.repeat(32);

beforeEach(async () => {
  built = await buildRepository();
  await built.pack('data', [text('one'), text('two'), text('three')]);
});

async function diff(
  before: string,
  after: string,
  withMetadata = false,
): Promise<{ lines: string[]; summary: DiffSummary; damaged: string[] }> {
  const damaged: string[] = [];
  const reader = new BlobReader(built.repo, await BlobIndex.load(built.repo));
  const comparison = new TreeDiff(reader, { withMetadata, onDamage: (path) => damaged.push(path) });
  const lines: string[] = [];
  for await (const { kind, path, metadata } of comparison.changes(before, after))
    lines.push([kind, path, ...(metadata ?? [])].join(' '));
  return { lines, summary: comparison.summary(), damaged };
}

test('tells what was added, removed and changed, in the order of names, with sums', async () => {
  const before = await built.tree([
    fileNode('changed', [text('one')]),
    fileNode('gone', [text('two')]),
    folderNode('old', await built.tree([fileNode('in', [text('one')])])),
    fileNode('same', [text('one')]),
  ]);
  const after = await built.tree([
    fileNode('changed', [text('three')]),
    linkNode('link', 'same'),
    folderNode('new', await built.tree([fileNode('in', [text('one'), text('three')])])),
    fileNode('same', [text('one')]),
  ]);
  const { lines, summary, damaged } = await diff(before, after);
  expect(lines).toEqual([
    'content /changed',
    'removed /gone',
    'added /link',
    'added /new',
    'added /new/in',
    'removed /old',
    'removed /old/in',
  ]);
  expect(damaged).toEqual([]);
  expect(summary).toMatchObject({
    changedFiles: 1,
    changedTypes: 0,
    added: { files: 1, dirs: 1, others: 1, fileBytes: 8, dataBlobs: 1, treeBlobs: 2 },
    removed: { files: 1 + 1, dirs: 1, others: 0, fileBytes: 6, dataBlobs: 1, treeBlobs: 2 },
  });
  expect((await diff(after, before)).summary).toMatchObject({ added: summary.removed, removed: summary.added });
  expect((await diff(before, before)).lines).toEqual([]);
});

test('folders that are the same are not read: one that is lost on both sides is no obstacle', async () => {
  const before = await built.tree([folderNode('lost', GONE), fileNode('x', [text('one')])]);
  const after = await built.tree([folderNode('lost', GONE), fileNode('x', [text('two')])]);
  expect(await diff(before, after)).toMatchObject({ lines: ['content /x'], damaged: [] });
});

test('a folder that is lost on one side is named, and the rest is compared', async () => {
  const before = await built.tree([folderNode('a', GONE), fileNode('x', [text('one')])]);
  const after = await built.tree([folderNode('a', await built.tree([])), fileNode('x', [text('two')])]);
  expect(await diff(before, after)).toMatchObject({ lines: ['content /x'], damaged: ['/a'] });
});

test('an entry of another type is one change, and what lay in the folder is gone', async () => {
  const inside = await built.tree([fileNode('in', [text('one')])]);
  const before = await built.tree([folderNode('x', inside), fileNode('y', [text('one')])]);
  const after = await built.tree([fileNode('x', [text('two')]), folderNode('y', inside)]);
  const { lines, summary } = await diff(before, after);
  expect(lines).toEqual(['type /x', 'removed /x/in', 'type /y', 'added /y/in']);
  expect(summary).toMatchObject({ changedTypes: 2, changedFiles: 0, added: { files: 1 }, removed: { files: 1 } });
});

describe('metadata', () => {
  const file = (more: Partial<TreeNode>): TreeNode => fileNode('f', [text('one')], more);
  const attribute = (name: string, value: string) => ({ name: Buffer.from(name), value: text(value) });

  test.each<[string, Partial<TreeNode>, string[]]>([
    ['mode', { mode: 0o600 }, ['metadata /f mode']],
    ['time and owner', { mtime: '2025-01-01T00:00:00Z', uid: 4711 }, ['metadata /f mtime uid']],
    ['an attribute', { extendedAttributes: [attribute('user.x', '1')] }, ['metadata /f extendedAttributes']],
    ['what changes by itself', { ctime: '2025-01-01T00:00:00Z', atime: '2025-01-01T00:00:00Z', inode: 5n }, []],
    ['contents and mode', { mode: 0o600, content: [] }, ['content /f mode']],
  ])('%s', async (_, more, expected) => {
    const [before, after] = [await built.tree([file({})]), await built.tree([file(more)])];
    expect((await diff(before, after, true)).lines).toEqual(expected);
    const withoutMetadata = expected.filter((line) => line.startsWith('content')).map(() => 'content /f');
    expect((await diff(before, after)).lines).toEqual(withoutMetadata);
  });

  test('the order of attributes is none of the difference; a link’s target and a device’s number are contents', async () => {
    const attributes = [attribute('user.a', '1'), attribute('user.b', '2')];
    const device = (number: bigint): TreeNode => ({ ...node('d', 'chardev', 0x0420_0000 + 0o600), device: number });
    const before = [device(1n), file({ extendedAttributes: attributes }), linkNode('l', 'here')];
    const after = [device(2n), file({ extendedAttributes: attributes.toReversed() }), linkNode('l', 'there')];
    expect((await diff(await built.tree(before), await built.tree(after), true)).lines).toEqual([
      'content /d',
      'content /l',
    ]);
  });
});
