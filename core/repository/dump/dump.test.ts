/** Archives that other programs open: GNU tar and Info-ZIP's unzip. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFileStore } from '../../storage/file-store.ts';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { findPath } from '../list-tree.ts';
import { packKey } from '../object-names.ts';
import { loadSnapshot, openRepository } from '../repository.ts';
import {
  buildRepository,
  fileNode,
  folderNode,
  linkNode,
  node,
  type TestRepository,
} from '../testing/build-repository.ts';
import { describeTree, makeNastyTree } from '../testing/nasty-tree.ts';
import { noise } from '../testing/noise.ts';
import type { ArchiveRoot } from './archive-entries.ts';
import { readContent } from './read-content.ts';
import { tarHeader } from './tar-header.ts';
import { writeTar } from './write-tar.ts';
import { writeZip } from './write-zip.ts';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-dump-'));
});
afterEach(() => {
  execFileSync('chmod', ['-R', 'u+rwX', scratch]);
  rmSync(scratch, { recursive: true, force: true });
});

interface Dumped {
  readonly bytes: Buffer;
  readonly damaged: string[];
  readonly leftOut: string[];
}

async function dump(write: typeof writeTar, reader: BlobReader, root: ArchiveRoot): Promise<Dumped> {
  const [pieces, damaged, leftOut]: [Uint8Array[], string[], string[]] = [[], [], []];
  const options = {
    onDamage: (path: string) => damaged.push(path),
    onLeftOut: (path: string) => leftOut.push(path),
  };
  for await (const piece of write(reader, root, options)) pieces.push(Buffer.from(piece));
  return { bytes: Buffer.concat(pieces), damaged, leftOut };
}

/** A folder of everything that went wrong once, backed up by stock restic, with its entry. */
async function nasty(): Promise<{ reader: BlobReader; root: ArchiveRoot; source: string }> {
  const source = join(scratch, 'source');
  makeNastyTree(source);
  const repoPath = join(scratch, 'repo');
  const restic = (...args: string[]): unknown =>
    execFileSync('restic', ['-q', '-r', repoPath, '--no-cache', ...args], {
      env: { ...process.env, RESTIC_PASSWORD: 'x' },
    });
  restic('init');
  restic('backup', source);
  const repo = await openRepository(createFileStore({ root: repoPath }), 'x');
  const reader = new BlobReader(repo, await BlobIndex.load(repo), { readsDataAhead: true });
  const folder = (await findPath(reader, (await loadSnapshot(repo, 'latest')).tree, source))!;
  return { reader, root: { treeId: folder.node.subtree!, folder }, source };
}

test('a tar archive of everything odd comes back byte for byte, with names, modes, times, links and pipes', async () => {
  const { reader, root, source } = await nasty();
  const { bytes, damaged, leftOut } = await dump(writeTar, reader, root);
  expect([damaged, leftOut]).toEqual([[], []]);
  const out = join(scratch, 'out');
  mkdirSync(out);
  execFileSync('tar', ['-xpf', '-', '-C', out], { input: bytes, stdio: ['pipe', 'pipe', 'pipe'] });
  expect(describeTree(join(out, source))).toEqual(describeTree(source));
});

test('a zip archive of everything odd holds the same files, links and folders', async () => {
  const { reader, root, source } = await nasty();
  const { bytes, damaged, leftOut } = await dump(writeZip, reader, root);
  expect(damaged).toEqual([]);
  expect(leftOut).toEqual([`${source}/fifo`]);
  const file = join(scratch, 'a.zip');
  writeFileSync(file, bytes);
  expect(execFileSync('unzip', ['-tqq', file], { encoding: 'utf8' })).toBe('');
  const out = join(scratch, 'out');
  // 1: warnings. The programs that pack and unpack do not agree about names that are no UTF-8, or hold control letters.
  expect([0, 1]).toContain(spawnSync('unzip', ['-qq', '-o', file, '-d', out]).status);
  const names = [
    'plain.txt',
    'large',
    'sparse',
    'empty',
    'hard-2',
    'quo"te',
    'emoji-\u{1f600}',
    'sticky',
    'empty-folder',
  ];
  for (const name of names) {
    const [ours, theirs] = [statSync(join(out, source, name)), statSync(join(source, name))];
    expect([name, (ours.mode & 0o777).toString(8)]).toEqual([name, (theirs.mode & 0o777).toString(8)]);
    if (theirs.isFile())
      expect(readFileSync(join(out, source, name)).equals(readFileSync(join(source, name)))).toBe(true);
  }
  expect(statSync(join(out, source, 'large')).mtimeMs).toBe(
    Math.floor(statSync(join(source, 'large')).mtimeMs / 1000) * 1000,
  );
  expect(readlinkSync(join(out, source, 'link'))).toBe('plain.txt');
});

describe('facts that an old header has no room for', () => {
  let built: TestRepository;
  beforeEach(async () => {
    built = await buildRepository();
  });

  /** What GNU tar lists of everything but folders: mode, owner, size or device, time, name and target. */
  async function members(
    nodes: readonly Parameters<TestRepository['tree']>[0][number][],
    under = '',
    style = 'literal',
  ): Promise<string[]> {
    let tree = await built.tree(nodes);
    for (const part of under.split('/').filter(Boolean).reverse()) tree = await built.tree([folderNode(part, tree)]);
    const reader = new BlobReader(built.repo, await BlobIndex.load(built.repo));
    const { bytes } = await dump(writeTar, reader, { treeId: tree });
    const options = ['-tvv', '--xattrs', '--full-time', '--utc', `--quoting-style=${style}`];
    const listed = execFileSync('tar', [...options, '-f', '-'], { input: bytes, encoding: 'utf8', stdio: 'pipe' });
    const lines = listed.trimEnd().split('\n');
    return lines.filter((line) => !line.startsWith('d')).map((line) => line.replace(/ +/g, ' ').trim());
  }
  const WHEN = '2024-01-02 03:04:05.678';

  test.each([99, 100, 101, 155, 156, 200, 255])('a name of %i bytes, alone and deep down', async (length) => {
    const name = 'n'.repeat(length);
    const owner = { uid: 5, gid: 6 };
    expect(await members([fileNode(name, [], owner)])).toEqual([`-rw-r--r-- 5/6 0 ${WHEN} ${name}`]);
    const deep = Array.from({ length: 12 }, (_, at) => `folder-${at}`.padEnd(25, 'x')).join('/');
    expect(await members([fileNode(name, [], owner)], deep)).toEqual([`-rw-r--r-- 5/6 0 ${WHEN} ${deep}/${name}`]);
  });

  test('long and odd targets, large numbers, times before 1970, devices, attributes, names of owners', async () => {
    const owner = { uid: 5, gid: 6 };
    const value = Buffer.from([0xc3, 0xa9, 10, 0, 7]);
    const found = await members([
      { ...node('a-device', 'chardev', 0x0420_0000 + 0o620), ...owner, device: 0x1_0000_0305n },
      fileNode('b-owner', [], { uid: 3_000_000_000, gid: 5_000_000, user: 'jürgen', group: 'g' }),
      linkNode('c-link', `${'t'.repeat(120)}/é`),
      fileNode('d-old', [], { ...owner, mtime: '1969-12-31T23:59:58Z' }),
      fileNode('e-exact', [], { ...owner, mtime: '2024-01-02T03:04:05.123456789Z', mode: 0x0080_0000 + 0o755 }),
      fileNode('f-attribute', [], { ...owner, extendedAttributes: [{ name: Buffer.from('user.a'), value }] }),
      fileNode('g-later', [], { ...owner, mtime: '2300-01-01T00:00:00Z' }),
    ]);
    expect(found).toEqual([
      `crw--w---- 5/6 3,1048581 ${WHEN} a-device`,
      `-rw-r--r-- jürgen/g 0 ${WHEN} b-owner`,
      expect.stringMatching(new RegExp(`^lrwxrwxrwx .* ${WHEN} c-link -> ${'t'.repeat(120)}/é$`)),
      '-rw-r--r-- 5/6 0 1969-12-31 23:59:58 d-old',
      '-rwsr-xr-x 5/6 0 2024-01-02 03:04:05.123456789 e-exact',
      `-rw-r--r--* 5/6 0 ${WHEN} f-attribute`,
      '-rw-r--r-- 5/6 0 2300-01-01 00:00:00 g-later',
    ]);
  });

  test('attributes are bytes under their names, in records that tell their own length', () => {
    const value = Buffer.from([0xc3, 0xa9, 10, 0, 7]);
    const entry = { name: Buffer.from('x'), type: 'file', mode: 0, uid: 0, gid: 0, size: 0, mtimeNs: 0n } as const;
    const header = tarHeader({ ...entry, attributes: [{ name: Buffer.from('user.a=b'), value }] });
    const record = Buffer.concat([Buffer.from('33 SCHILY.xattr.user.a%3Db='), value, Buffer.from('\n')]);
    expect(record).toHaveLength(33);
    expect(header.subarray(512, 512 + 33).equals(record)).toBe(true);
    for (const length of [1, 80, 86, 87, 88, 980, 981, 9990]) {
      const [, told] = /^(\d+) /.exec(tarHeader({ ...entry, user: 'ü'.repeat(length) }).toString('latin1', 512)) ?? [];
      expect(Number(told)).toBe(String(told).length + ' uname=\n'.length + 2 * length);
    }
  });

  test('a size of 8 GiB is in a record, and one byte less is not', () => {
    const entry = { name: Buffer.from('x'), type: 'file', mode: 0, uid: 0, gid: 0, mtimeNs: 0n } as const;
    expect(tarHeader({ ...entry, size: 8 ** 11 - 1 }).toString('latin1', 124, 135)).toBe('7'.repeat(11));
    expect(tarHeader({ ...entry, size: 8 ** 11 }).toString('latin1', 512)).toMatch(/^19 size=8589934592\n/);
  });

  test('a number of an owner above what seven octal digits hold', async () => {
    expect(await members([fileNode('x', [], { uid: 3_000_000_000, gid: 5_000_000 })])).toEqual([
      `-rw-r--r-- 3000000000/5000000 0 ${WHEN} x`,
    ]);
  });

  test('a name that is no UTF-8, short and long', async () => {
    for (const length of [5, 200]) {
      const name = Buffer.concat([Buffer.from('x'.repeat(length)), Buffer.of(0xe9, 0xff)]);
      const [line] = await members([fileNode(name, [], { uid: 5, gid: 6 })], '', 'escape');
      expect(line).toBe(`-rw-r--r-- 5/6 0 ${WHEN} ${'x'.repeat(length)}\\351\\377`);
    }
  });
});

describe('damage', () => {
  let built: TestRepository;
  const small = [randomBytes(3000), randomBytes(4000)] as const;

  beforeEach(async () => {
    built = await buildRepository();
  });

  async function flip(packId: string, at: number): Promise<void> {
    const bytes = Buffer.from(await built.store.get(packKey(packId)));
    bytes[at]! ^= 1;
    await built.overwrite(packKey(packId), bytes);
  }
  const readerOf = async (): Promise<BlobReader> =>
    new BlobReader(built.repo, await BlobIndex.load(built.repo), { readsDataAhead: true });

  test('costs the file that it is in, which is named, and the archive is whole', async () => {
    await flip(await built.pack('data', [...small], { isCompressed: false }), 100);
    const tree = await built.tree([
      fileNode('bad', [small[0]]),
      { ...fileNode('gone', []), content: ['00'.repeat(32)] },
      fileNode('good', [small[1]]),
      folderNode('lost', '11'.repeat(32)),
    ]);
    for (const [write, list] of [
      [writeTar, ['tar', '-tf']],
      [writeZip, ['unzip', '-Z1']],
    ] as const) {
      const { bytes, damaged } = await dump(write, await readerOf(), { treeId: tree });
      expect(damaged.sort()).toEqual(['/bad', '/gone', '/lost']);
      writeFileSync(join(scratch, 'a'), bytes);
      const names = execFileSync(list[0], [list[1], join(scratch, 'a')], { encoding: 'utf8' });
      expect(names.trim().split('\n')).toEqual(['good', 'lost/']);
    }
  });

  test('in the middle of a large file ends the archive with the file’s name, and no program takes it for whole', async () => {
    const pieces = Array.from({ length: 9 }, (_, at) => noise(4 * 1024 * 1024, `piece ${at}`));
    for (const [at, piece] of pieces.entries()) {
      const packId = await built.pack('data', [piece], { isCompressed: false });
      if (at === 7) await flip(packId, 1000);
    }
    const tree = await built.tree([fileNode('large', pieces), fileNode('z', [])]);
    const reader = await readerOf();
    const out: Uint8Array[] = [];
    const failure = await (async () => {
      const options = { onDamage: () => undefined, onLeftOut: () => undefined };
      for await (const piece of writeTar(reader, { treeId: tree }, options)) out.push(piece);
    })().catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'repository_damaged',
      message: expect.stringContaining('/large is damaged'),
    });
    writeFileSync(join(scratch, 'cut.tar'), Buffer.concat(out));
    expect(() => execFileSync('tar', ['-tf', join(scratch, 'cut.tar')], { stdio: 'pipe' })).toThrow(/Unexpected EOF/);
  });

  test('a second copy is taken where the first one is bad', async () => {
    await flip(await built.pack('data', [...small], { isCompressed: false }), 100);
    await built.pack('data', [...small]);
    const reader = await readerOf();
    const pieces: Uint8Array[] = [];
    for await (const piece of readContent(reader, fileNode('x', [...small]).content!)) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(Buffer.concat([...small]))).toBe(true);
  });
});

test('further names of a file are links in a tar archive, unless their contents differ', async () => {
  const built = await buildRepository();
  await built.pack('data', [Buffer.from('one'), Buffer.from('two')]);
  const same = { inode: 5n, links: 3n };
  const tree = await built.tree([
    fileNode('a', [Buffer.from('one')], same),
    fileNode('b', [Buffer.from('one')], same),
    fileNode('c', [Buffer.from('two')], same),
  ]);
  const reader = new BlobReader(built.repo, await BlobIndex.load(built.repo));
  const { bytes } = await dump(writeTar, reader, { treeId: tree });
  execFileSync('tar', ['-xf', '-', '-C', scratch], { input: bytes });
  const inode = (name: string): number => statSync(join(scratch, name)).ino;
  expect(inode('b')).toBe(inode('a'));
  expect(inode('c')).not.toBe(inode('a'));
  expect(readdirSync(scratch).map((name) => readFileSync(join(scratch, name), 'utf8'))).toEqual(['one', 'one', 'two']);
});

test('a zip archive of more entries than its old list can count is read whole', async () => {
  const built = await buildRepository();
  const names = Array.from({ length: 66_000 }, (_, at) => `f${String(at).padStart(5, '0')}`);
  const tree = await built.tree(names.map((name) => fileNode(name, [])));
  const reader = new BlobReader(built.repo, await BlobIndex.load(built.repo));
  writeFileSync(join(scratch, 'many.zip'), (await dump(writeZip, reader, { treeId: tree })).bytes);
  const listed = execFileSync('unzip', ['-Z1', join(scratch, 'many.zip')], { encoding: 'utf8', maxBuffer: 1 << 24 });
  expect(listed.trim().split('\n')).toEqual(names);
});
