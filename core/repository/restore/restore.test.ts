import { randomBytes } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BlobIndex } from '../blob-index.ts';
import { packKey } from '../object-names.ts';
import {
  buildRepository,
  fileNode,
  folderNode,
  idOf,
  linkNode,
  node,
  type TestRepository,
} from '../testing/build-repository.ts';
import { restore, type RestoreOptions, type RestoreResult } from './restore.ts';

let scratch: string;
let target: string;
let built: TestRepository;

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-restore-'));
  target = join(scratch, 'target');
  built = await buildRepository();
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

async function restoreTree(tree: string, options: Partial<RestoreOptions> = {}): Promise<RestoreResult> {
  const index = await BlobIndex.load(built.repo);
  return await restore(built.repo, index, { snapshot: await built.snapshot(tree), targetDir: target, ...options });
}

const pathsOf = (problems: readonly { readonly path: string }[]): string[] => problems.map(({ path }) => path).sort();
const text = (value: string): Buffer => Buffer.from(value);

describe('a damaged pack costs the files in it and no others, and they are named', () => {
  const good = text('good file');
  const bad = [randomBytes(3000), randomBytes(3000)];
  let tree: string;
  let packId: string;

  beforeEach(async () => {
    await built.pack('data', [good]);
    packId = await built.pack('data', bad, { isCompressed: false });
    tree = await built.tree([
      fileNode('bad', [bad[0]!]),
      fileNode('both', [good, bad[1]!, good]),
      fileNode('good', [good]),
    ]);
  });

  test('one flipped bit: the file of that piece is lost, its neighbour in the pack is not', async () => {
    const bytes = Buffer.from(await built.store.get(packKey(packId)));
    bytes[40]! ^= 1;
    await built.overwrite(packKey(packId), bytes);
    const result = await restoreTree(tree);
    expect(pathsOf(result.damaged)).toEqual(['/bad']);
    expect(result.filesRestored).toBe(2);
    expect(readdirSync(target).sort()).toEqual(['both', 'good']);
    expect(readFileSync(join(target, 'both')).equals(Buffer.concat([good, bad[1]!, good]))).toBe(true);
  });

  test('cut short: what lies before the cut is restored', async () => {
    const bytes = await built.store.get(packKey(packId));
    await built.overwrite(packKey(packId), bytes.slice(0, 4000));
    const result = await restoreTree(tree);
    expect(pathsOf(result.damaged)).toEqual(['/both']);
    expect(readdirSync(target).sort()).toEqual(['bad', 'good']);
  });

  test('gone: every file that needs it is named', async () => {
    await built.store.remove(packKey(packId));
    const result = await restoreTree(tree);
    expect(pathsOf(result.damaged)).toEqual(['/bad', '/both']);
    expect(readdirSync(target)).toEqual(['good']);
    expect(result).toMatchObject({ filesRestored: 1, bytesRestored: good.length });
  });

  test('a second copy in another pack saves the file', async () => {
    await built.pack('data', bad, { isCompressed: false });
    await built.store.remove(packKey(packId));
    const result = await restoreTree(tree);
    expect(result.damaged).toEqual([]);
    expect(readFileSync(join(target, 'bad')).equals(bad[0]!)).toBe(true);
    expect(result.bytesRestored).toBe(3000 + 3000 + 3 * good.length);
  });

  test('a piece with the right seal and other contents is refused: the hash decides', async () => {
    const other = randomBytes(3000);
    await built.store.remove(packKey(packId));
    const forged = await built.pack('data', [other], { isCompressed: false });
    const index = await BlobIndex.load(built.repo);
    const wrong = { ...index.lookup(idOf(other), 'data')!, id: idOf(bad[0]!), packId: forged };
    const poisoned = new BlobIndex();
    for (const blob of index.blobs()) if (blob.id !== idOf(bad[0]!)) poisoned.add(blob);
    poisoned.add(wrong);
    const snapshot = await built.snapshot(tree);
    const result = await restore(built.repo, poisoned, { snapshot, targetDir: target });
    expect(pathsOf(result.damaged)).toEqual(['/bad', '/both']);
    expect(existsSync(join(target, 'bad'))).toBe(false);
  });
});

test('a piece that no index lists, and a folder whose listing is lost, are named', async () => {
  await built.pack('data', [text('kept')]);
  const missing = '00'.repeat(32);
  const tree = await built.tree([
    folderNode('folder', missing),
    { ...fileNode('gone', []), content: [missing] },
    fileNode('kept', [text('kept')]),
  ]);
  const result = await restoreTree(tree);
  expect(pathsOf(result.damaged)).toEqual(['/folder', '/gone']);
  expect(readFileSync(join(target, 'kept'), 'utf8')).toBe('kept');
});

describe('S38: nothing outside of the target is touched, whatever the repository holds', () => {
  test.each(['..', '.', 'a/b', '/etc', '../outside', 'nul\0byte'])('the name %j is not restored', async (name) => {
    await built.pack('data', [text('evil'), text('fine')]);
    const inner = await built.tree([fileNode('inside', [text('evil')])]);
    const tree = await built.tree(
      [folderNode(name, inner), fileNode('fine', [text('fine')])].sort((a, b) => Buffer.compare(a.name, b.name)),
    );
    const result = await restoreTree(tree);
    expect(result.damaged).toHaveLength(1);
    expect(readdirSync(scratch)).toEqual(['target']);
    expect(readdirSync(target)).toEqual(['fine']);
  });

  test('a link in the target where the backup has a folder is not followed', async () => {
    const outside = join(scratch, 'outside');
    mkdirSync(outside);
    mkdirSync(target);
    symlinkSync(outside, join(target, 'dir'));
    await built.pack('data', [text('evil')]);
    const tree = await built.tree([folderNode('dir', await built.tree([fileNode('file', [text('evil')])]))]);
    for (const overwrite of ['refuse', 'if-different', 'always'] as const) {
      await expect(restoreTree(tree, { overwrite })).rejects.toMatchObject({ code: 'unsafe_restore' });
      expect(readdirSync(outside)).toEqual([]);
    }
  });

  test('a link in the target where the backup has a file is replaced or kept, never written through', async () => {
    const outside = join(scratch, 'outside');
    writeFileSync(outside, 'mine');
    mkdirSync(target);
    symlinkSync(outside, join(target, 'file'));
    await built.pack('data', [text('evil')]);
    const tree = await built.tree([fileNode('file', [text('evil')])]);
    expect((await restoreTree(tree)).skipped).toEqual(['/file']);
    expect(readFileSync(outside, 'utf8')).toBe('mine');
    expect((await restoreTree(tree, { overwrite: 'always' })).filesRestored).toBe(1);
    expect(readFileSync(outside, 'utf8')).toBe('mine');
    expect(lstatSync(join(target, 'file')).isFile()).toBe(true);
  });

  test('links of the backup may point anywhere and come last; a hard link to a link is made as what it is', async () => {
    const outside = join(scratch, 'outside');
    writeFileSync(outside, 'mine');
    await built.pack('data', [text('data')]);
    const same = { inode: 7n, deviceId: 1n, links: 2n };
    const tree = await built.tree([
      { ...linkNode('a-link', outside), ...same },
      fileNode('b-file', [text('data')], same),
    ]);
    const result = await restoreTree(tree);
    expect(result.damaged).toEqual([]);
    expect(readlinkSync(join(target, 'a-link'))).toBe(outside);
    expect(lstatSync(join(target, 'b-file')).isFile()).toBe(true);
    expect(readFileSync(outside, 'utf8')).toBe('mine');
  });

  test('setuid and setgid stay with the owner that they were given by', async () => {
    await built.pack('data', [text('x')]);
    const mode = 0x0080_0000 + 0x0040_0000 + 0o751;
    await restoreTree(await built.tree([fileNode('program', [text('x')], { mode })]));
    expect(statSync(join(target, 'program')).mode & 0o7777).toBe(0o6751);
  });

  test('two files with one inode number and other contents do not become one', async () => {
    await built.pack('data', [text('one'), text('two')]);
    const same = { inode: 7n, deviceId: 1n, links: 2n };
    await restoreTree(await built.tree([fileNode('a', [text('one')], same), fileNode('b', [text('two')], same)]));
    expect(readFileSync(join(target, 'a'), 'utf8') + readFileSync(join(target, 'b'), 'utf8')).toBe('onetwo');
  });
});

describe('what is there already', () => {
  const contents = text('from the backup');
  let tree: string;

  beforeEach(async () => {
    await built.pack('data', [contents]);
    tree = await built.tree([fileNode('file', [contents]), fileNode('link', [contents], { inode: 3n, links: 2n })]);
    mkdirSync(target);
    writeFileSync(join(target, 'file'), 'mine');
  });

  test('refuse: it stays, and is named as skipped', async () => {
    const result = await restoreTree(tree);
    expect(result.skipped).toEqual(['/file']);
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('mine');
    expect(readFileSync(join(target, 'link')).equals(contents)).toBe(true);
  });

  test('always: it is replaced, and nothing temporary stays behind', async () => {
    await restoreTree(tree, { overwrite: 'always' });
    expect(readFileSync(join(target, 'file')).equals(contents)).toBe(true);
    expect(readdirSync(target).sort()).toEqual(['file', 'link']);
  });

  test('if-different: same size and time are left alone, anything else is replaced', async () => {
    writeFileSync(join(target, 'file'), 'x'.repeat(contents.length));
    utimesSync(join(target, 'file'), 0, Date.parse('2024-01-02T03:04:05.678Z') / 1000);
    expect(await restoreTree(tree, { overwrite: 'if-different' })).toMatchObject({ skipped: [], unchanged: 1 });
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('x'.repeat(contents.length));
    utimesSync(join(target, 'file'), 0, 1);
    await restoreTree(tree, { overwrite: 'if-different' });
    expect(readFileSync(join(target, 'file')).equals(contents)).toBe(true);
  });

  test('a damaged piece does not cost the file that was to be replaced', async () => {
    for await (const { key } of built.store.list('data/')) {
      const bytes = await built.store.get(key);
      if (bytes.length < 200)
        await built.overwrite(
          key,
          bytes.map((byte, at) => (at === 20 ? byte ^ 1 : byte)),
        );
    }
    const result = await restoreTree(tree, { overwrite: 'always' });
    expect(pathsOf(result.damaged)).toEqual(['/file', '/link']);
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('mine');
    expect(readdirSync(target)).toEqual(['file']);
  });

  test('the second name of a hard-linked file whose first name is taken gets the backup’s contents', async () => {
    const same = { inode: 9n, deviceId: 1n, links: 3n };
    const names = ['file', 'second', 'third'].map((name) => fileNode(name, [contents], same));
    const result = await restoreTree(await built.tree(names));
    expect(result).toMatchObject({ skipped: ['/file'], filesRestored: 2, damaged: [] });
    expect(readFileSync(join(target, 'second')).equals(contents)).toBe(true);
    expect(statSync(join(target, 'third')).ino).toBe(statSync(join(target, 'second')).ino);
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('mine');
  });
});

test('what cannot be restored is a warning, what a system refuses is named, and the rest is there', async () => {
  await built.pack('data', [text('x')]);
  const tree = await built.tree([
    fileNode('long'.padEnd(300, 'x'), [text('x')]),
    node('socket', 'socket', 0x0100_0000 + 0o600),
    fileNode('wrong', [text('x')], { size: 5n }),
  ]);
  const result = await restoreTree(tree);
  expect(result.warnings).toEqual([
    { path: '/wrong', reason: 'its pieces have 1 bytes, its folder listing says 5' },
    { path: '/socket', reason: 'a socket is not restored' },
  ]);
  expect(result.damaged).toMatchObject([{ reason: 'its name is too long for this file system (ENAMETOOLONG)' }]);
  expect(readdirSync(target)).toEqual(['wrong']);
});

test('include restores a folder with all below it, single files, and the folders on the way', async () => {
  await built.pack('data', [text('1'), text('2'), text('3')]);
  const inner = await built.tree([fileNode('one', [text('1')]), fileNode('two', [text('2')])]);
  const tree = await built.tree([
    folderNode('a', await built.tree([folderNode('b', inner), fileNode('c', [text('3')])])),
    fileNode('z', [text('3')]),
  ]);
  expect(await restoreTree(tree, { include: ['/a/b', '/z'] })).toMatchObject({ filesRestored: 3 });
  expect(readdirSync(join(target, 'a'))).toEqual(['b']);
  expect(readdirSync(join(target, 'a/b'))).toEqual(['one', 'two']);
  const outcome = await restoreTree(tree, { include: ['/a/b/one'], targetDir: join(scratch, 'other') });
  expect(outcome.filesRestored).toBe(1);
  expect(readdirSync(join(scratch, 'other/a/b'))).toEqual(['one']);
});

test('a large restore on threads is identical: files over several packs, shared pieces, zeros, empty files', async () => {
  const pieces = Array.from({ length: 24 }, () => randomBytes(512 * 1024));
  const zeros = Buffer.alloc(1024 * 1024);
  await built.pack('data', pieces.slice(0, 12), { isCompressed: false });
  await built.pack('data', pieces.slice(12));
  await built.pack('data', [zeros, text('end')]);
  const files: Record<string, Buffer[]> = {
    all: pieces,
    back: pieces.toReversed(),
    empty: [],
    shared: [pieces[3]!, pieces[20]!, pieces[3]!],
    sparse: [zeros, pieces[1]!, zeros, zeros],
    zero: [zeros, zeros],
    ...Object.fromEntries(pieces.map((piece, at) => [`single${String(at).padStart(2, '0')}`, [piece]])),
  };
  const tree = await built.tree(
    Object.keys(files)
      .sort()
      .map((name) => fileNode(name, files[name]!, { mode: 0o600 })),
  );
  const seen: number[] = [];
  const result = await restoreTree(tree, { onProgress: ({ bytesDone }) => seen.push(bytesDone) });
  expect(result.damaged).toEqual([]);
  expect(result.filesRestored).toBe(Object.keys(files).length);
  for (const [name, content] of Object.entries(files)) {
    const restored = readFileSync(join(target, name));
    expect(restored.equals(Buffer.concat(content)), name).toBe(true);
    expect(statSync(join(target, name)).mtimeMs, name).toBeCloseTo(Date.parse('2024-01-02T03:04:05.678Z'), 2);
  }
  expect(statSync(join(target, 'zero')).blocks).toBe(0);
  expect(seen.at(-1)).toBe(
    Object.values(files)
      .flat()
      .reduce((sum, piece) => sum + piece.length, 0),
  );
});

test('a restore that is stopped leaves no half-written file', async () => {
  const pieces = Array.from({ length: 4 }, () => randomBytes(100_000));
  for (const piece of pieces) await built.pack('data', [piece]);
  const tree = await built.tree([fileNode('whole', pieces)]);
  const stop = new AbortController();
  const attempt = restoreTree(tree, { signal: stop.signal, concurrency: 1, onProgress: () => stop.abort() });
  await expect(attempt).rejects.toMatchObject({ code: 'cancelled' });
  expect(readdirSync(target)).toEqual([]);
});
