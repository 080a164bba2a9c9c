/** What one may ask of a restore beyond "everything": parts, going on after a kill, reading back, and looking first. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UNFINISHED_MODE } from '../../filesystem/restored-file.ts';
import { SafeWriter } from '../../filesystem/safe-writer.ts';
import { BlobIndex } from '../blob-index.ts';
import { packKey } from '../object-names.ts';
import { buildRepository, fileNode, folderNode, linkNode, type TestRepository } from '../testing/build-repository.ts';
import { previewRestore } from './preview-restore.ts';
import { restore, type RestoreOptions, type RestoreResult } from './restore.ts';
import { verifyFile } from './verify-files.ts';

let scratch: string;
let target: string;
let built: TestRepository;
let tree: string;
const pieces = [randomBytes(3000), randomBytes(5000)] as const;
const zeros = Buffer.alloc(200_000);
const same = { inode: 9n, deviceId: 1n, links: 2n };

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-restore-options-'));
  target = join(scratch, 'target');
  built = await buildRepository();
  await built.pack('data', [...pieces, zeros]);
  const inner = await built.tree([fileNode('one', [pieces[0]]), fileNode('two.txt', [...pieces])]);
  tree = await built.tree([
    folderNode('empty', await built.tree([])),
    folderNode('folder', inner),
    fileNode('hard-1', [pieces[1]], same),
    fileNode('hard-2', [pieces[1]], same),
    linkNode('link', 'folder/one'),
    fileNode('zeros', [zeros], { mode: 0o640 }),
  ]);
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

async function restoreTree(options: Partial<RestoreOptions> = {}): Promise<RestoreResult> {
  const index = await BlobIndex.load(built.repo);
  return await restore(built.repo, index, { snapshot: await built.snapshot(tree), targetDir: target, ...options });
}

const place = (name: string): string => join(target, name);

test('a folder on the way to what is included is made, and one that holds nothing of it is not', async () => {
  await restoreTree({ includePatterns: ['*.txt'] });
  expect(readdirSync(target)).toEqual(['folder']);
  expect(readdirSync(place('folder'))).toEqual(['two.txt']);
  expect(statSync(place('folder')).mode & 0o777).toBe(0o755);
});

test('what is excluded is left out with all below it', async () => {
  const result = await restoreTree({ exclude: ['folder', 'zeros'] });
  expect(readdirSync(target)).toEqual(['empty', 'hard-1', 'hard-2', 'link']);
  expect(result.filesRestored).toBe(2);
});

describe('a second restore into the same folder', () => {
  const inodes = (): number[] =>
    ['folder/one', 'folder/two.txt', 'hard-1', 'zeros', 'link'].map((name) => lstatSync(place(name)).ino);

  test.each(['refuse', 'if-different', 'if-newer'] as const)(
    'by the rule %s writes nothing of what is there',
    async (overwrite) => {
      await restoreTree();
      const before = inodes();
      const result = await restoreTree({ overwrite });
      expect(result).toMatchObject({ filesRestored: 0, bytesRestored: 0, unchanged: 6, skipped: [], damaged: [] });
      expect(inodes()).toEqual(before);
      expect(statSync(place('hard-2')).ino).toBe(statSync(place('hard-1')).ino);
    },
  );

  test('after one that was killed completes it, by the default rule, without rewriting what is whole', async () => {
    await restoreTree();
    const whole = statSync(place('folder/one')).ino;
    // As a kill leaves them: one begun in its place, one begun beside a file that it was to replace, one not begun.
    writeFileSync(place('zeros'), 'ha');
    chmodSync(place('zeros'), UNFINISHED_MODE);
    rmSync(place('hard-2'));
    rmSync(place('link'));
    const result = await restoreTree();
    expect(result).toMatchObject({ filesRestored: 2, unchanged: 3, skipped: [], damaged: [] });
    expect(readFileSync(place('zeros')).equals(zeros)).toBe(true);
    expect(statSync(place('zeros')).mode & 0o7777).toBe(0o640);
    expect(statSync(place('hard-2')).ino).toBe(statSync(place('hard-1')).ino);
    expect(statSync(place('folder/one')).ino).toBe(whole);
    expect(readdirSync(target)).toEqual(['empty', 'folder', 'hard-1', 'hard-2', 'link', 'zeros']);
  });

  test('removes what a killed one left beside a file that it was to replace', async () => {
    await restoreTree();
    const whole = readdirSync(target);
    utimesSync(place('zeros'), 1, 1);
    const beside = new SafeWriter(target, 'always').temporaryBeside(Buffer.from(place('zeros')));
    writeFileSync(beside, 'half');
    await restoreTree({ overwrite: 'if-different' });
    expect(readdirSync(target)).toEqual(whole);
  });

  test('by if-different brings back a mode that was changed and leaves the contents alone', async () => {
    await restoreTree();
    const before = statSync(place('zeros'));
    chmodSync(place('zeros'), 0o600);
    await restoreTree();
    expect(statSync(place('zeros')).mode & 0o777).toBe(0o600);
    await restoreTree({ overwrite: 'if-different' });
    expect(statSync(place('zeros'))).toMatchObject({ ino: before.ino, mode: before.mode });
  });

  test('by if-newer replaces what is older than the backup, and keeps what is newer without complaint', async () => {
    mkdirSync(target);
    for (const [name, seconds] of [
      ['zeros', 1],
      ['hard-1', 4_000_000_000],
    ] as const) {
      writeFileSync(place(name), 'mine');
      utimesSync(place(name), seconds, seconds);
    }
    const result = await restoreTree({ overwrite: 'if-newer' });
    expect(result).toMatchObject({ unchanged: 1, skipped: [], damaged: [] });
    expect(readFileSync(place('zeros')).equals(zeros)).toBe(true);
    expect(readFileSync(place('hard-1'), 'utf8')).toBe('mine');
    // A further name of the file that was kept is the backup's file.
    expect(readFileSync(place('hard-2')).equals(pieces[1])).toBe(true);
  });

  test('names a link that points elsewhere, and replaces it when it may', async () => {
    mkdirSync(target);
    symlinkSync('elsewhere', place('link'));
    expect((await restoreTree()).skipped).toEqual(['/link']);
    expect((await restoreTree({ overwrite: 'if-different' })).skipped).toEqual([]);
    expect(readFileSync(place('link')).equals(pieces[0])).toBe(true);
  });
});

test('zeros take room when that is asked for, and none otherwise', async () => {
  await restoreTree();
  expect(statSync(place('zeros')).blocks).toBe(0);
  await restoreTree({ targetDir: join(scratch, 'dense'), isSparse: false });
  const dense = statSync(join(scratch, 'dense', 'zeros'));
  expect(dense.blocks * 512).toBeGreaterThanOrEqual(zeros.length);
  expect(readFileSync(join(scratch, 'dense', 'zeros')).equals(zeros)).toBe(true);
});

describe('reading back', () => {
  test('counts every file that is in place, written now or before', async () => {
    await restoreTree({ include: ['/folder'] });
    const phases = new Set<string>();
    const result = await restoreTree({ verify: true, onProgress: ({ phase }) => phases.add(phase) });
    expect(result).toMatchObject({ filesVerified: 4, unchanged: 2, damaged: [] });
    expect([...phases]).toEqual(['write', 'verify']);
  });

  test('finds a file whose contents changed under the same size and time', async () => {
    await restoreTree();
    const { atime, mtime } = statSync(place('folder/two.txt'));
    const bytes = readFileSync(place('folder/two.txt'));
    bytes[3500]! ^= 1;
    writeFileSync(place('folder/two.txt'), bytes);
    utimesSync(place('folder/two.txt'), atime, mtime);
    const result = await restoreTree({ verify: true });
    expect(result.filesVerified).toBe(3);
    expect(result.damaged).toEqual([
      { path: '/folder/two.txt', reason: 'read again, its contents differ from the backup from byte 3000 on' },
    ]);
  });

  test('tells a short file, a long one, and one that is gone', () => {
    const file = Buffer.from(join(scratch, 'file'));
    const about = { place: file, content: ['00'.repeat(32)], lengths: [4] };
    expect(verifyFile(about)).toMatch(/ENOENT/);
    writeFileSync(file, 'abc');
    expect(verifyFile(about)).toBe('read again, it has 3 bytes and not 4');
    writeFileSync(file, 'abcde');
    expect(verifyFile(about)).toBe('read again, it has 5 bytes and not 4');
  });
});

describe('looking first', () => {
  test('tells what would become of each entry, and writes nothing, not even the folder', async () => {
    const index = await BlobIndex.load(built.repo);
    const snapshot = await built.snapshot(tree);
    const look = (options: Partial<RestoreOptions> = {}) =>
      previewRestore(built.repo, index, { snapshot, targetDir: target, ...options });
    const fresh = await look();
    expect(existsSync(target)).toBe(false);
    expect(fresh.entries.map(({ path, action }) => [path, action])).toEqual([
      ['/empty', 'write'],
      ['/folder', 'write'],
      ['/folder/one', 'write'],
      ['/folder/two.txt', 'write'],
      ['/hard-1', 'write'],
      ['/hard-2', 'write'],
      ['/link', 'write'],
      ['/zeros', 'write'],
    ]);
    expect(fresh).toMatchObject({ files: 5, bytes: 3000 + 8000 + 5000 + zeros.length, damaged: [], skipped: [] });

    await restoreTree({ include: ['/folder'] });
    writeFileSync(place('folder/one'), 'mine');
    const second = await look({ exclude: ['hard-*'] });
    expect(second.entries.map(({ path, action }) => `${action} ${path}`)).toEqual([
      'write /empty',
      'same /folder',
      'keep /folder/one',
      'same /folder/two.txt',
      'write /link',
      'write /zeros',
    ]);
    expect(second).toMatchObject({ files: 1, unchanged: 1, skipped: ['/folder/one'] });
    expect(readdirSync(target)).toEqual(['folder']);
  });

  test('names files whose pieces are in no index, and places where a link stands for a folder', async () => {
    mkdirSync(target);
    symlinkSync(scratch, place('folder'));
    const broken = await built.tree([
      folderNode('folder', await built.tree([fileNode('one', [pieces[0]])])),
      fileNode('lost', [randomBytes(10)]),
    ]);
    const options = { snapshot: await built.snapshot(broken), targetDir: target };
    const preview = await previewRestore(built.repo, await BlobIndex.load(built.repo), options);
    expect(preview.damaged.map(({ path }) => path)).toEqual(['/folder', '/folder/one', '/lost']);
  });
});

test('every copy of a piece is tried: the second pack of a file saves what the first one lost', async () => {
  const again = await built.pack('data', [...pieces, zeros], { isCompressed: false });
  for await (const { key } of built.store.list('data/')) {
    const bytes = await built.store.get(key);
    if (key === packKey(again) || bytes.length < 8000) continue;
    await built.overwrite(
      key,
      bytes.map((byte, at) => (at === 500 ? byte ^ 1 : byte)),
    );
  }
  expect(await restoreTree({ verify: true })).toMatchObject({ damaged: [], filesRestored: 5, filesVerified: 4 });
});
