/**
 * Repositories as restic made them over the years, and as disks leave them: version 1, packs with data and trees together,
 * index files that repeat, replace or contradict one another, files that are gone. What is intact comes back.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFileStore } from '../storage/file-store.ts';
import { BlobIndex } from './blob-index.ts';
import { check } from './check/check.ts';
import { seal } from './crypto/seal.ts';
import { encodeIndex, type IndexedPack } from './format/index-file.ts';
import { encodePackHeader, headerColumnsOf } from './format/pack-header.ts';
import { encodeNode, encodeTree } from './format/tree.ts';
import { encodeUnpacked } from './format/unpacked.ts';
import { compress } from './format/zstd.ts';
import { packKey, sha256Hex } from './object-names.ts';
import { loadSnapshot, openRepository } from './repository.ts';
import { restore, type RestoreResult } from './restore/restore.ts';
import { buildRepository, fileNode, folderNode, idOf, type TestRepository } from './testing/build-repository.ts';
import { noise } from './testing/noise.ts';
import type { BlobType, OpenRepository, PackedBlob, TreeNode } from './types.ts';
import { cheapenKey } from './testing/cheapen-key.ts';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-odd-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const text = (value: string): Buffer => Buffer.from(value);
const treeOf = (nodes: readonly TreeNode[]): Buffer => encodeTree(nodes.map((node) => encodeNode(node)));
const pathsOf = (problems: readonly { readonly path: string }[]): string[] => problems.map(({ path }) => path).sort();

interface Piece {
  readonly type: BlobType;
  readonly plain: Uint8Array;
  readonly isCompressed?: boolean;
}

/** A pack of whatever, in the given order, stored without an index. */
async function storePack({ repo, store }: TestRepository, pieces: readonly Piece[]): Promise<IndexedPack> {
  const blobs: Omit<PackedBlob, 'packId'>[] = [];
  const parts: Buffer[] = [];
  let offset = 0;
  for (const { type, plain, isCompressed = false } of pieces) {
    const sealed = seal(repo.masterKey, isCompressed ? compress(plain) : plain);
    const uncompressedLength = isCompressed ? plain.length : 0;
    blobs.push({ id: idOf(plain), type, offset, length: sealed.length, uncompressedLength });
    parts.push(sealed);
    offset += sealed.length;
  }
  const header = seal(repo.masterKey, encodePackHeader(headerColumnsOf(blobs)));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const bytes = Buffer.concat([...parts, header, length]);
  const id = sha256Hex(bytes);
  await store.create(packKey(id), bytes);
  return { id, blobs: blobs.map((blob) => ({ ...blob, packId: id })) };
}

async function storeIndex({ repo, store }: TestRepository, json: Uint8Array, isPlain = false): Promise<string> {
  const bytes = seal(repo.masterKey, isPlain ? json : encodeUnpacked(json));
  const key = `index/${sha256Hex(bytes)}`;
  await store.create(key, bytes);
  return key;
}

async function restoreTree(
  built: TestRepository,
  tree: string,
  target = join(scratch, 'target'),
): Promise<RestoreResult> {
  const index = await BlobIndex.load(built.repo);
  return await restore(built.repo, index, { snapshot: await built.snapshot(tree), targetDir: target, verify: true });
}

describe('packs and indexes', () => {
  let built: TestRepository;
  beforeEach(async () => {
    built = await buildRepository();
  });
  const files = [fileNode('a', [text('one'), text('two')]), fileNode('b', [text('two')])];
  const mixed = (): Piece[] => [
    { type: 'data', plain: text('one') },
    { type: 'tree', plain: treeOf(files), isCompressed: true },
    { type: 'data', plain: text('two'), isCompressed: true },
  ];

  test('data and trees in one pack, compressed and not, are restored and found intact', async () => {
    await storeIndex(built, encodeIndex([await storePack(built, mixed())]));
    const tree = idOf(treeOf(files));
    expect(await restoreTree(built, tree)).toMatchObject({ filesRestored: 2, filesVerified: 2, damaged: [] });
    expect(readFileSync(join(scratch, 'target', 'a'), 'utf8')).toBe('onetwo');
    expect((await check(built.repo, { readData: true })).findings).toEqual([]);
  });

  test('one id as data and as a tree are two blobs', async () => {
    const listing = treeOf(files);
    const own = treeOf([fileNode('listing', [listing]), folderNode('sub', idOf(listing))]);
    const pack = await storePack(built, [...mixed(), { type: 'data', plain: listing }, { type: 'tree', plain: own }]);
    await storeIndex(built, encodeIndex([pack]));
    expect(await restoreTree(built, idOf(own))).toMatchObject({ filesRestored: 3, damaged: [] });
    expect(readFileSync(join(scratch, 'target', 'listing')).equals(listing)).toBe(true);
  });

  test('plain, repeated and overlapping index files say what they say once', async () => {
    const pack = await storePack(built, mixed());
    const other = await storePack(built, [{ type: 'data', plain: text('other') }]);
    await storeIndex(built, encodeIndex([pack]));
    await storeIndex(built, encodeIndex([pack, other]), true);
    await storeIndex(built, encodeIndex([other, pack]));
    const result = await check(built.repo, { readData: true });
    expect(result).toMatchObject({ findings: [], packs: 2, blobs: 4 });
    expect(await restoreTree(built, idOf(treeOf(files)))).toMatchObject({ filesRestored: 2, damaged: [] });
  });

  test('an index that replaces another one, which is still there and lists a pack that is gone, is enough', async () => {
    const pack = await storePack(built, mixed());
    const gone = await storePack(built, [...mixed(), { type: 'data', plain: text('padding') }]);
    await built.store.remove(packKey(gone.id));
    const old = await storeIndex(built, encodeIndex([gone]));
    const json = JSON.parse(encodeIndex([pack]).toString('utf8')) as object;
    await storeIndex(built, text(JSON.stringify({ supersedes: [old.slice('index/'.length)], ...json })));
    expect(await restoreTree(built, idOf(treeOf(files)))).toMatchObject({ filesRestored: 2, damaged: [] });
    const { findings } = await check(built.repo, { readData: true });
    expect(findings).toMatchObject([{ kind: 'pack_missing', packId: gone.id, affectedSnapshots: [] }]);
  });

  test('the oldest form of an index, a bare list, is read', async () => {
    const { packs } = JSON.parse(encodeIndex([await storePack(built, mixed())]).toString('utf8')) as {
      packs: object[];
    };
    await storeIndex(built, text(JSON.stringify(packs)), true);
    expect(await restoreTree(built, idOf(treeOf(files)))).toMatchObject({ filesRestored: 2, damaged: [] });
  });

  test.each(['missing', 'cut short', 'flipped'] as const)(
    'where the first pack of three is %s, another copy is used',
    async (harm) => {
      const packs = [
        await storePack(built, mixed()),
        await storePack(built, mixed().toReversed()),
        await storePack(built, [...mixed(), { type: 'data', plain: text('padding') }]),
      ];
      for (const pack of packs) await storeIndex(built, encodeIndex([pack]));
      const tree = idOf(treeOf(files));
      // Every one of them in turn, so that it does not matter which is asked first; then two at once.
      for (const hurt of [[0], [1], [2], [0, 1], [1, 2]]) {
        const whole = new Map<string, Uint8Array>();
        for (const number of hurt) {
          const key = packKey(packs[number]!.id);
          const bytes = Buffer.from(await built.store.get(key));
          whole.set(key, Buffer.from(bytes));
          await built.store.remove(key);
          for (const { offset, length } of packs[number]!.blobs) bytes[offset + (length >> 1)]! ^= 1;
          if (harm !== 'missing') await built.store.create(key, harm === 'flipped' ? bytes : bytes.subarray(0, 10));
        }
        const result = await restoreTree(built, tree, join(scratch, `target-${hurt.join('-')}`));
        expect(result).toMatchObject({ filesRestored: 2, filesVerified: 2, damaged: [] });
        for (const [key, bytes] of whole) await built.overwrite(key, bytes);
      }
    },
  );

  test('an index file that is gone is told as that, and files of the others are restored', async () => {
    const lost = await storePack(built, [{ type: 'data', plain: text('one') }]);
    const kept = await storePack(built, mixed().slice(1));
    const key = await storeIndex(built, encodeIndex([lost]));
    await storeIndex(built, encodeIndex([kept]));
    await built.store.remove(key);
    const result = await restoreTree(built, idOf(treeOf(files)));
    expect(pathsOf(result.damaged)).toEqual(['/a']);
    expect(readFileSync(join(scratch, 'target', 'b'), 'utf8')).toBe('two');
    const { findings, isIntact } = await check(built.repo, { readData: false });
    expect(isIntact).toBe(false);
    expect(findings.map(({ kind }) => kind).sort()).toEqual(['blob_missing', 'index_missing', 'pack_unlisted']);
    expect(findings.find(({ kind }) => kind === 'index_missing')?.message).toContain('repair index');
  });

  test('an index that points beside its blobs costs what only it lists', async () => {
    const pack = await storePack(built, mixed());
    const shifted = pack.blobs.map((blob) =>
      blob.id === idOf(text('one')) ? { ...blob, offset: blob.offset + 1 } : blob,
    );
    await storeIndex(built, encodeIndex([{ ...pack, blobs: shifted }]));
    expect(pathsOf((await restoreTree(built, idOf(treeOf(files)))).damaged)).toEqual(['/a']);
    await storeIndex(built, encodeIndex([pack]));
    expect((await restoreTree(built, idOf(treeOf(files)), join(scratch, 'second'))).damaged).toEqual([]);
  });
});

describe.each([1, 2])('a repository of version %i by stock restic', (version) => {
  let path: string;
  let source: string;
  let folder: string;
  let firstIndex: string;
  const open = (): Promise<OpenRepository> => openRepository(createFileStore({ root: path }), 'x');
  const restic = (...args: string[]): string =>
    execFileSync('restic', ['-r', path, '--no-cache', ...args], {
      env: { ...process.env, RESTIC_PASSWORD: 'x' },
      encoding: 'utf8',
      stdio: 'pipe',
    });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-odd-restic-'));
    path = join(folder, 'repo');
    source = join(folder, 'source');
    execFileSync('mkdir', [source]);
    restic('init', '--repository-version', String(version));
    await cheapenKey(path, 'x');
    // Each backup leaves packs and an index of its own.
    for (let round = 0; round < 4; round += 1) {
      writeFileSync(join(source, `file-${round}`), noise(700_000, `${version} ${round}`));
      restic('backup', '-q', source);
      if (round === 0) [firstIndex] = readdirSync(join(path, 'index')) as [string];
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function restoreLatest(): Promise<RestoreResult> {
    const repo = await open();
    const options = { snapshot: await loadSnapshot(repo, 'latest'), targetDir: join(scratch, 'target'), verify: true };
    return await restore(repo, await BlobIndex.load(repo), options);
  }

  function expectWholeExcept(result: RestoreResult): void {
    const lost = pathsOf(result.damaged);
    for (let round = 0; round < 4; round += 1) {
      const file = join(source, `file-${round}`);
      if (!lost.includes(file))
        expect(readFileSync(join(scratch, 'target', file)).equals(readFileSync(file))).toBe(true);
    }
    expect(result.filesVerified).toBe(4 - lost.length);
  }

  test('without one of its packs: the files of that pack are lost, by name, and no others', async () => {
    const packs = readdirSync(join(path, 'data'), { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.length > 60,
    );
    for (const name of packs) {
      const file = join(path, 'data', name);
      const bytes = readFileSync(file);
      unlinkSync(file);
      const result = await restoreLatest();
      if (bytes.length > 600_000) {
        expect(result.damaged).toHaveLength(1);
        expectWholeExcept(result);
      }
      writeFileSync(file, bytes);
      rmSync(join(scratch, 'target'), { recursive: true });
    }
    expect((await restoreLatest()).damaged).toEqual([]);
  });

  test('without one of its index files: what the others list comes back, and repaired by restic all of it', async () => {
    const file = join(path, 'index', firstIndex);
    const bytes = readFileSync(file);
    unlinkSync(file);
    const found = await check(await open(), { readData: false });
    expect(found.findings.some(({ kind }) => kind === 'pack_unlisted')).toBe(true);
    const result = await restoreLatest();
    expect(pathsOf(result.damaged)).toEqual([join(source, 'file-0')]);
    expectWholeExcept(result);
    restic('rebuild-index');
    rmSync(join(scratch, 'target'), { recursive: true });
    expect((await restoreLatest()).damaged).toEqual([]);
    writeFileSync(file, bytes); // a duplicate now
    expect((await check(await open(), { readData: true })).isIntact).toBe(true);
  });
});
