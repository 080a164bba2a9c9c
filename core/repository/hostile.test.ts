/** S37, S38; F40 to F42: repositories that were made to do harm. Nothing outside of the target is ever written or changed. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isHoldfastError } from '../base/errors.ts';
import type { ReadStore } from '../storage/port.ts';
import { BlobIndex } from './blob-index.ts';
import { BlobReader } from './blob-reader.ts';
import { check } from './check/check.ts';
import { seal } from './crypto/seal.ts';
import { encodeIndex } from './format/index-file.ts';
import { encodePackHeader, headerColumnsOf } from './format/pack-header.ts';
import { encodeTree, encodeNode } from './format/tree.ts';
import { encodeUnpacked } from './format/unpacked.ts';
import { walkTree } from './list-tree.ts';
import { packKey, sha256Hex } from './object-names.ts';
import { listSnapshots } from './repository.ts';
import { restore, type RestoreOptions, type RestoreResult } from './restore/restore.ts';
import { buildRepository, fileNode, folderNode, idOf, type TestRepository } from './testing/build-repository.ts';
import { EVIL, FINE, HOSTILE_CASES, type Places } from './testing/hostile-cases.ts';
import { describeTree } from './testing/nasty-tree.ts';

let scratch: string;
let places: Places;
let built: TestRepository;

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-hostile-'));
  places = { target: join(scratch, 'target'), outside: join(scratch, 'outside') };
  mkdirSync(join(places.outside, 'folder'), { recursive: true });
  writeFileSync(join(places.outside, 'mine'), 'mine');
  writeFileSync(join(places.outside, 'folder', 'x'), 'mine too');
  symlinkSync('mine', join(places.outside, 'link'));
  built = await buildRepository();
  await built.pack('data', [EVIL, FINE]);
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

/** Everything but the target: contents, times, modes, number of names. */
const tripwire = (): string[] => describeTree(scratch).filter((line) => !line.startsWith('/target'));

async function restoreTree(tree: string, options: Partial<RestoreOptions> = {}): Promise<RestoreResult> {
  const snapshot = await built.snapshot(tree);
  return await restore(built.repo, await BlobIndex.load(built.repo), {
    snapshot,
    targetDir: places.target,
    ...options,
  });
}

async function refusedOr<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isHoldfastError(error)) return undefined;
    throw error;
  }
}

test('the golden set has at least sixty cases', () => {
  expect(new Set(HOSTILE_CASES.map(({ name }) => name)).size).toBeGreaterThanOrEqual(60);
});

test.each(HOSTILE_CASES)('nothing outside is touched by: $name', async ({ build, prepare }) => {
  prepare?.(places);
  const before = tripwire();
  const tree = await build(built, places);
  for (const overwrite of ['refuse', 'if-different', 'always'] as const) {
    await refusedOr(restoreTree(tree, { overwrite }));
    expect(tripwire(), overwrite).toEqual(before);
    // Files that lie there are whole: nobody mistakes a half of one for the backup's.
    for (const line of describeTree(places.target)) expect(line).not.toContain('undefined');
  }
  // A check ends, and names what it finds instead of failing.
  const { isIntact, findings } = await check(built.repo, { readData: true });
  expect(isIntact).toBe(findings.every(({ severity }) => severity !== 'error'));
  // A later restore from the same place, of what is good, still works.
  const good = await built.tree([fileNode('good', [FINE])]);
  const target = join(scratch, 'target', 'again');
  await restoreTree(good, { targetDir: target });
  expect(readFileSync(join(target, 'good'), 'utf8')).toBe('fine');
});

/** A store that says how much it was asked for at once. */
function measured(store: ReadStore): ReadStore & { largest: number } {
  const spy = {
    ...store,
    largest: 0,
    get: async (key: string, range?: { readonly offset: number; readonly length: number }) => {
      spy.largest = Math.max(spy.largest, range?.length ?? (await store.head(key))?.size ?? 0);
      return await store.get(key, range);
    },
  };
  return spy;
}

/** Memory that this process has taken beyond what it had, in MiB. */
async function memoryOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage();
  await work();
  const after = process.memoryUsage();
  return (after.heapUsed + after.external - before.heapUsed - before.external) / 2 ** 20;
}

describe('S37: what unpacks to more than it says, or says more than it is, is refused', () => {
  /** A frame of so many zeros: a gigabyte takes some 30 KiB. */
  const bombOf = (bytes: number): Buffer => zstdCompressSync(Buffer.alloc(bytes));
  const put = async (folder: 'index' | 'snapshots', plaintext: Uint8Array): Promise<string> => {
    const bytes = seal(built.repo.masterKey, plaintext);
    await built.store.create(`${folder}/${sha256Hex(bytes)}`, bytes);
    return sha256Hex(bytes);
  };
  const BOMB = 256 * 1024 * 1024;

  /** A pack of one sealed blob that claims what it is told to claim. */
  async function lyingPack(
    type: 'data' | 'tree',
    plain: Uint8Array,
    claim: { readonly length?: number; readonly uncompressedLength: number },
    id = idOf(plain),
  ): Promise<string> {
    const sealed = seal(built.repo.masterKey, plain);
    const entry = { id, type, length: claim.length ?? sealed.length, uncompressedLength: claim.uncompressedLength };
    const header = seal(built.repo.masterKey, encodePackHeader(headerColumnsOf([entry])));
    const trailer = Buffer.alloc(4);
    trailer.writeUInt32LE(header.length);
    const bytes = Buffer.concat([sealed, header, trailer]);
    const packId = sha256Hex(bytes);
    await built.store.create(packKey(packId), bytes);
    const index = encodeIndex([{ id: packId, blobs: [{ ...entry, offset: 0 }] }]);
    await put('index', encodeUnpacked(index));
    return packId;
  }

  test.each(['data', 'tree'] as const)(
    'a %s blob that unpacks to a quarter gigabyte and claims little',
    async (type) => {
      const id = 'ab'.repeat(32);
      await lyingPack(type, bombOf(BOMB), { uncompressedLength: 1000 }, id);
      const reader = new BlobReader(built.repo, await BlobIndex.load(built.repo));
      const taken = await memoryOf(async () => {
        await expect(reader.read(id, type)).rejects.toMatchObject({ code: 'repository_damaged' });
      });
      expect(taken).toBeLessThan(32);
    },
  );

  test.each(['data', 'tree'] as const)('a %s blob that claims four gigabytes is not even asked for', async (type) => {
    const id = 'cd'.repeat(32);
    await lyingPack(type, EVIL, { length: 0xffff_ffff, uncompressedLength: 0xffff_ffff }, id);
    await lyingPack(type, EVIL, { length: 0xffff_ffff, uncompressedLength: 0 }, id);
    const store = measured(built.store);
    const index = await BlobIndex.load(built.repo);
    const reader = new BlobReader({ ...built.repo, store }, index);
    await expect(reader.read(id, type)).rejects.toMatchObject({ code: 'repository_damaged' });
    const entry = type === 'data' ? { ...fileNode('x', []), content: [id], size: 0xffff_ffffn } : folderNode('x', id);
    const snapshot = await built.snapshot(await built.tree([fileNode('fine', [FINE]), entry]));
    const options = { snapshot, targetDir: places.target };
    const result = await restore({ ...built.repo, store }, await BlobIndex.load(built.repo), options);
    expect(result.damaged.map(({ path }) => path)).toEqual(['/x']);
    expect(readFileSync(join(places.target, 'fine'), 'utf8')).toBe('fine');
    expect(store.largest).toBeLessThan(2 * 1024 * 1024);
  });

  test('an index file and a snapshot that unpack to more than any real one: named, and the rest is read', async () => {
    const kept = await built.snapshot(await built.tree([fileNode('fine', [FINE])]));
    const compressed = (bytes: number): Buffer => Buffer.concat([Buffer.of(2), bombOf(bytes)]);
    const snapshotId = await put('snapshots', compressed(64 * 1024 * 1024));
    const indexId = await put('index', compressed(320 * 1024 * 1024));
    const index = await BlobIndex.load(built.repo);
    expect(index.damaged).toMatchObject([{ key: `index/${indexId}` }]);
    const { snapshots, damaged } = await listSnapshots(built.repo);
    expect(snapshots.map(({ id }) => id)).toEqual([kept.id]);
    expect(damaged.map(({ id }) => id)).toEqual([snapshotId]);
  });

  test('a pack whose list of contents claims to be larger than the pack, and one larger than any', async () => {
    for (const claimed of [0xffff_ffff, 17 * 1024 * 1024, 5]) {
      const bytes = Buffer.concat([EVIL, Buffer.alloc(60)]);
      bytes.writeUInt32LE(claimed, bytes.length - 4);
      const packId = sha256Hex(bytes);
      await built.store.create(packKey(packId), bytes);
      const blob = { id: idOf(EVIL), type: 'data', packId, offset: 0, length: 4, uncompressedLength: 0 } as const;
      await put('index', encodeUnpacked(encodeIndex([{ id: packId, blobs: [blob] }])));
    }
    const result = await check(built.repo, { readData: true });
    expect(result.findings.filter(({ kind }) => kind === 'pack_damaged').length).toBeGreaterThanOrEqual(3);
  });
});

describe('F42: what is cheap to declare and dear to walk ends in a clear word', () => {
  /** A chain of folders, one in the other; all in one pack. Returns the id of the outermost. */
  async function chain(levels: number): Promise<string> {
    const plains: Buffer[] = [encodeTree([encodeNode(fileNode('end', [FINE]))])];
    for (let level = 1; level < levels; level += 1)
      plains.push(encodeTree([encodeNode(folderNode('d', idOf(plains.at(-1)!)))]));
    await built.pack('tree', plains, { isCompressed: false });
    return idOf(plains.at(-1)!);
  }

  test('a hundred thousand folders in one another', async () => {
    const tree = await built.tree([folderNode('deep', await chain(100_000)), fileNode('fine', [FINE])]);
    const result = await restoreTree(tree);
    expect(result.damaged.map(({ reason }) => reason)).toContainEqual(expect.stringContaining('nested deeper'));
    expect(readFileSync(join(places.target, 'fine'), 'utf8')).toBe('fine');
    const { findings } = await check(built.repo, { readData: false });
    expect(findings.map(({ kind }) => kind)).toEqual(['tree_unreadable']);
  }, 180_000);

  test('a walk costs the same for each entry, however deep it lies', async () => {
    const wide = encodeTree(
      Array.from({ length: 1500 }, (_, at) => encodeNode(fileNode(String(at).padStart(5, '0'), []))),
    );
    const plains: Buffer[] = [wide];
    for (let level = 0; level < 3000; level += 1)
      plains.push(encodeTree([encodeNode(folderNode('d', idOf(plains.at(-1)!)))]));
    await built.pack('tree', plains, { isCompressed: false });
    const reader = new BlobReader(built.repo, await BlobIndex.load(built.repo));
    const count = async (tree: string): Promise<{ entries: number; ms: number }> => {
      const startMs = performance.now();
      let entries = 0;
      for await (const _ of walkTree(reader, tree)) entries += 1;
      return { entries, ms: performance.now() - startMs };
    };
    const deep = await count(idOf(plains.at(-1)!));
    expect(deep.entries).toBe(4500);
    const flat = await count(idOf(wide));
    // If each entry were handed on by every level above it, it would be a thousand times as dear.
    expect(deep.ms / deep.entries).toBeLessThan(300 * (flat.ms / flat.entries) + 1);
  }, 120_000);

  test('folders that name the same folders again, up to thousands of millions of entries', async () => {
    let tree = await built.tree([fileNode('end', [FINE])]);
    for (let level = 0; level < 32; level += 1) tree = await built.tree([folderNode('a', tree), folderNode('b', tree)]);
    const refused = restoreTree(tree, { planBytesMax: 4 * 1024 * 1024 });
    await expect(refused).rejects.toMatchObject({
      code: 'repository_damaged',
      message: expect.stringContaining('in parts'),
    });
    expect(tripwire().length).toBeGreaterThan(0);
    // A check looks at each listing once, however often it is named.
    expect((await check(built.repo, { readData: false })).isIntact).toBe(true);
    // And a part of it, by its path, can be had.
    rmSync(places.target, { recursive: true });
    const path = '/a'.repeat(32);
    const result = await restoreTree(tree, { include: [path], planBytesMax: 4 * 1024 * 1024 });
    expect(result).toMatchObject({ filesRestored: 1, damaged: [] });
    expect(readFileSync(join(places.target, path, 'end'), 'utf8')).toBe('fine');
  });

  test('a piece that is named a million times in one file is restored in bounded memory', async () => {
    const content = Array.from({ length: 200_000 }, () => idOf(FINE));
    const entry = { ...fileNode('many', []), content, size: 800_000n };
    const tree = await built.tree([entry]);
    const result = await restoreTree(tree, { planBytesMax: 1024 * 1024 });
    expect(result).toMatchObject({ filesRestored: 1, bytesRestored: 800_000 });
  });
});
