/** Repairs bring back what is there, name what is lost, and make nothing worse. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { createFileStore } from '../../storage/file-store.ts';
import type { ObjectStore } from '../../storage/port.ts';
import { createFaultyStore } from '../../storage/testing/faulty-store.ts';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { check } from '../check/check.ts';
import { findPath } from '../list-tree.ts';
import { packKey } from '../object-names.ts';
import { packsOf } from '../packs-of-index.ts';
import { initRepository, listSnapshots } from '../repository.ts';
import { buildRepository, fileNode, folderNode, linkNode } from '../testing/build-repository.ts';
import { noise } from '../testing/noise.ts';
import type { AdministeredRepository, PackedBlob, SnapshotWithId, TreeNode } from '../types.ts';
import { repairIndex, type RepairIndexResult } from './repair-index.ts';
import { repairPacks, type RepairPacksResult } from './repair-packs.ts';
import { repairSnapshots, type SnapshotLoss } from './repair-snapshots.ts';
import { backUpSource } from '../testing/back-up-source.ts';

let scratch: string;
let files: string;
let folder: string;
let store: ObjectStore;
let repo: AdministeredRepository;
let snapshot: SnapshotWithId;
let made = 0;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-repair-'));
  files = join(scratch, 'files');
  mkdirSync(join(files, 'kept', 'deep'), { recursive: true });
  mkdirSync(join(files, 'lost'));
  for (let at = 0; at < 8; at += 1) writeFileSync(join(files, 'kept', `${at}`), noise(20_000, `kept ${at}`));
  writeFileSync(join(files, 'kept', 'deep', 'large'), noise(9_000_000, 'large'));
  writeFileSync(join(files, 'kept', '<&>\u2028 name'), 'odd');
  writeFileSync(join(files, 'lost', 'file'), 'in a folder');
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

beforeEach(async () => {
  folder = join(scratch, `repo-${(made += 1)}`);
  store = createFileStore({ root: folder });
  const key = { password: 'p', strength: 'machine', hostname: 'h', username: 'u', clock: systemClock } as const;
  repo = { ...(await initRepository(store, key)), store };
  ({ snapshot } = await backUpSource(repo, files, { tags: ['daily'], packBytes: 100_000 }));
});

function restic(...args: string[]): string {
  const env = { ...process.env, RESTIC_PASSWORD: 'p' };
  return execFileSync('restic', ['-r', folder, '--no-cache', ...args], { env, encoding: 'utf8', stdio: 'pipe' });
}
async function keys(prefix: string, of = store): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of of.list(prefix)) found.push(key);
  return found;
}
async function overwrite(key: string, bytes: Uint8Array): Promise<void> {
  await store.remove(key);
  await store.create(key, bytes);
}
const isClean = (): void => expect(restic('check', '--read-data')).toContain('no errors were found');

describe('the index', () => {
  const repair = async (more = {}): Promise<RepairIndexResult> => await repairIndex(repo, { isDryRun: false, ...more });

  test('that is right is left as it is, to the byte', async () => {
    const before = await keys('index/');
    expect(await repair()).toMatchObject({ isChanged: false, packsRead: 0, missingPacks: [], damagedPacks: [] });
    expect(await keys('index/')).toEqual(before);
  });

  test.each(['missing', 'cut short', 'foreign', 'partly missing'])(
    'that is %s is made anew from the packs',
    async (how) => {
      const contents = async (): Promise<unknown[]> => {
        const blobs: PackedBlob[] = [...(await BlobIndex.load(repo)).blobs()];
        return blobs.map((blob) => JSON.stringify(blob)).sort();
      };
      const before = await contents();
      for (const key of await keys('index/')) {
        if (how === 'missing') await store.remove(key);
        else if (how === 'cut short') await overwrite(key, (await store.get(key)).subarray(0, 50));
        else if (how === 'foreign') await overwrite(key, noise(500, 'foreign'));
      }
      // Every pack that was listed nowhere is found by itself.
      if (how === 'partly missing') await store.remove((await keys('index/'))[0]!);
      const planned = await repair({ isDryRun: true });
      expect(planned.isChanged).toBe(true);
      const result = await repair();
      expect(result).toEqual(planned);
      expect(result.damagedIndexes.length > 0).toBe(how === 'cut short' || how === 'foreign');
      expect(await contents()).toEqual(before);
      isClean();
      expect((await repair()).isChanged).toBe(false);
    },
  );

  test('doubled is accepted as it is, and reading all packs makes one of it', async () => {
    const [key] = await keys('index/');
    const bytes = await store.get(key!);
    restic('rebuild-index', '--read-all-packs');
    await store.create(key!, bytes);
    expect(await keys('index/')).toHaveLength(2);
    expect(await repair()).toMatchObject({ isChanged: false });
    expect(await repair({ readsAllPacks: true })).toMatchObject({ isChanged: true, damagedPacks: [] });
    expect(await keys('index/')).toHaveLength(1);
    isClean();
  });

  test('names packs that are gone, cut short, empty or foreign, and lists all others', async () => {
    const packs = await keys('data/');
    const [gone, short, empty] = [packs[0]!, packs[1]!, packs[2]!];
    await store.remove(gone);
    await overwrite(short, (await store.get(short)).subarray(0, -40));
    await overwrite(empty, new Uint8Array(0));
    writeFileSync(join(folder, 'data', 'notes.txt'), 'a note');
    const result = await repair();
    const idOf = (key: string): string => key.slice('data/ab/'.length);
    expect(result.missingPacks).toEqual([idOf(gone)]);
    expect(result.damagedPacks.map(({ packId }) => packId).sort()).toEqual([idOf(short), idOf(empty)].sort());
    expect(result.packs).toBe(packs.length - 3);
    expect(readdirSync(join(folder, 'data'))).toContain('notes.txt');
    // What could not be read is not thrown away: somebody may mend it.
    expect(await keys('data/')).toEqual(expect.arrayContaining([short, empty]));
    const listed = new Set((await BlobIndex.load(repo)).packIds());
    expect(listed).toEqual(new Set(packs.slice(3).map(idOf)));
  });

  test('stays usable when the repair fails at any store call', async () => {
    const bytes = await Promise.all((await keys('')).map(async (key) => [key, await store.get(key)] as const));
    const { createMemoryStore } = await import('../../storage/memory-store.ts');
    const copy = async (): Promise<ReturnType<typeof createMemoryStore>> => {
      const memory = createMemoryStore();
      for (const [key, value] of bytes) await memory.create(key, value);
      return memory;
    };
    const counting = createFaultyStore(await copy());
    await repairIndex({ ...repo, store: counting }, { isDryRun: false, readsAllPacks: true });
    for (const operation of ['list', 'get', 'create', 'remove'] as const) {
      for (let nth = 1; nth <= counting.calls[operation]; nth += 1) {
        for (const isLasting of [false, true]) {
          const memory = await copy();
          const faulty = createFaultyStore(memory, [{ operation, nth, effect: 'fail_before', isLasting }]);
          await expect(
            repairIndex({ ...repo, store: faulty }, { isDryRun: false, readsAllPacks: true }),
          ).rejects.toThrow();
          expect((await check({ ...repo, store: memory }, { readData: false })).isIntact).toBe(true);
        }
      }
    }
  });
});

describe('snapshots', () => {
  const repair = async (
    more = {},
  ): Promise<{ repaired: Awaited<ReturnType<typeof repairSnapshots>>; losses: SnapshotLoss[] }> => {
    const losses: SnapshotLoss[] = [];
    const { snapshots } = await listSnapshots(repo);
    const index = await BlobIndex.load(repo);
    const options = {
      snapshots,
      index,
      isDryRun: false,
      forgets: false,
      onLoss: (loss: SnapshotLoss) => losses.push(loss),
    };
    return { repaired: await repairSnapshots(repo, { ...options, ...more }), losses };
  };
  const locate = async (path: string): Promise<NonNullable<Awaited<ReturnType<typeof findPath>>>['node']> => {
    const reader = new BlobReader(repo, await BlobIndex.load(repo));
    return (await findPath(reader, snapshot.tree, join(files, path)))!.node;
  };
  const lose = async (id: string, type: 'data' | 'tree'): Promise<void> => {
    const { packId } = (await BlobIndex.load(repo)).lookup(id, type)!;
    await store.remove(packKey(packId));
    await repairIndex(repo, { isDryRun: false });
  };

  test('that are whole are left alone', async () => {
    expect(await repair()).toEqual({ repaired: [], losses: [] });
    expect(await keys('snapshots/')).toHaveLength(1);
  });

  test('lose the lost pieces of a file and nothing else; stock restic finds the repaired one whole and agrees', async () => {
    const { content } = await locate('kept/deep/large');
    await lose(content![2]!, 'data');
    const theirs = spawnSync('restic', ['repair', 'snapshots', '--help'], { encoding: 'utf8' }).status === 0;
    expect((await repair({ isDryRun: true })).repaired).toHaveLength(1);
    expect(await keys('snapshots/')).toHaveLength(1);
    const { repaired, losses } = await repair();
    expect(losses.every(({ kind }) => kind === 'file_lost_pieces')).toBe(true);
    expect(losses.map(({ path }) => path)).toContain(join(files, 'kept', 'deep', 'large'));
    const { snapshots } = await listSnapshots(repo);
    expect(snapshots).toHaveLength(2);
    const mended = snapshots.find(({ id }) => id === repaired[0]?.repairedId);
    expect(mended).toMatchObject({ original: snapshot.id, tags: ['daily', 'repaired'], time: snapshot.time });
    if (theirs)
      expect(restic('repair', 'snapshots', '--dry-run', mended!.id)).toContain('no snapshots would be modified');
    await store.remove(`snapshots/${snapshot.id}`);
    isClean();
    const target = join(scratch, `restored-${made}`);
    restic('restore', mended!.id, '--target', target);
    for (const { path } of losses) rmSync(path.replace(files, join(target, files)));
    const args = ['-r', files, join(target, files)];
    const missing = spawnSync('diff', args, { encoding: 'utf8' }).stdout.trim().split('\n');
    expect(missing).toHaveLength(losses.length);
    for (const line of missing) expect(line).toMatch(/^Only in /);
    // A file whose first and last pieces are there keeps them, one behind the other.
    const { content: kept, size } = (await findPath(
      new BlobReader(repo, await BlobIndex.load(repo)),
      mended!.tree,
      join(files, 'kept', 'deep', 'large'),
    ))!.node;
    expect(kept!.length).toBeLessThan(content!.length);
    expect(Number(size)).toBeLessThan(9_000_000);
  });

  test('lose a folder whose listing is damaged, by name, and forget the broken one when that was said', async () => {
    const { subtree } = await locate('lost');
    const blob = (await BlobIndex.load(repo)).lookup(subtree!, 'tree')!;
    const bytes = await store.get(packKey(blob.packId));
    bytes[blob.offset + 20] = bytes[blob.offset + 20]! ^ 1;
    await overwrite(packKey(blob.packId), bytes);
    const { repaired, losses } = await repair({ forgets: true });
    expect(losses).toMatchObject([{ kind: 'folder_unreadable', path: join(files, 'lost') }]);
    expect(repaired).toMatchObject([{ brokenId: snapshot.id, isForgotten: true, isRootLost: false }]);
    const { snapshots } = await listSnapshots(repo);
    expect(snapshots.map(({ id }) => id)).toEqual([repaired[0]!.repairedId]);
    expect(restic('ls', 'latest')).toContain(join(files, 'kept', 'deep', 'large'));
    expect(restic('ls', 'latest')).not.toContain(join(files, 'lost', 'file'));
    expect(restic('check')).toContain('no errors were found');
  });

  test('in a dry run store nothing, though the mended listings would fill packs', async () => {
    const built = await buildRepository();
    const root: TreeNode[] = [];
    for (let at = 0; at < 6; at += 1) {
      const target = noise(10_000, `folder ${at}`).toString('base64');
      const listing = [linkNode('link', target), fileNode('lost', [Buffer.from('a piece that is nowhere')])];
      root.push(folderNode(String(at + 10), await built.tree(listing)));
    }
    const broken = await built.snapshot(await built.tree(root));
    const before = new Set(await keys('', built.store));
    const mend = async (isDryRun: boolean): Promise<string[]> => {
      const index = await BlobIndex.load(built.repo);
      const options = { snapshots: [broken], index, isDryRun, forgets: false, packBytes: 25_000 };
      expect(await repairSnapshots({ ...built.repo, store: built.store }, options)).toHaveLength(1);
      const now = await keys('', built.store);
      return now.filter((key) => !before.has(key)).map((key) => key.slice(0, key.indexOf('/')));
    };
    expect(await mend(true)).toEqual([]);
    // Several packs, of which the first were uploaded long before all was mended.
    expect((await mend(false)).sort()).toEqual(['data', 'data', 'data', 'index', 'snapshots']);
  });

  test('are stopped without a pack that is left behind', async () => {
    await lose((await locate('kept/deep/large')).content![2]!, 'data');
    const before = await keys('');
    const stop = new AbortController();
    const stopped = repair({ signal: stop.signal, onLoss: () => stop.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
    expect(readdirSync(join(folder, '.tmp'))).toEqual([]);
    expect(await keys('')).toEqual(before);
  });

  test('whose root is lost are told, and go only when that was said', async () => {
    await lose(snapshot.tree, 'tree');
    expect((await repair()).repaired).toMatchObject([{ isRootLost: true, isForgotten: false }]);
    expect(await keys('snapshots/')).toHaveLength(1);
    await repair({ forgets: true });
    expect(await keys('snapshots/')).toEqual([]);
  });
});

describe('packs', () => {
  const kept = new Map<string, Uint8Array>();
  const repair = async (...packIds: string[]): Promise<RepairPacksResult> =>
    await repairPacks(repo, {
      packIds,
      onDamagedPack: async (packId, bytes) => void kept.set(packId, bytes),
    });
  const idsOf = async (): Promise<string[]> => (await keys('data/')).map((key) => key.slice('data/ab/'.length));

  test('that are damaged give what is intact in them to new ones, and name what is lost', async () => {
    const index = await BlobIndex.load(repo);
    const pack = [...packsOf(index)].find(({ blobs }) => blobs.length > 2)!;
    const before = [...index.blobs()].map(({ id }) => id).sort();
    const bytes = await store.get(packKey(pack.packId));
    const broken = pack.blobs[1]!;
    bytes[broken.offset + 20] = bytes[broken.offset + 20]! ^ 1;
    await overwrite(packKey(pack.packId), bytes);
    const result = await repair(pack.packId);
    expect(result).toEqual({ packsRemoved: 1, blobsSaved: pack.blobs.length - 1, blobsLost: [broken.id] });
    expect(kept.get(pack.packId)).toEqual(bytes);
    expect(await idsOf()).not.toContain(pack.packId);
    const after = [...(await BlobIndex.load(repo)).blobs()].map(({ id }) => id).sort();
    expect(after).toEqual(before.filter((id) => id !== broken.id));
    const { snapshots } = await listSnapshots(repo);
    const options = { snapshots, index: await BlobIndex.load(repo), isDryRun: false, forgets: true };
    expect(await repairSnapshots(repo, options)).toHaveLength(1);
    isClean();
  });

  test('are stopped without a pack that is left behind', async () => {
    let seen = 0;
    const repairing = repairPacks(repo, {
      packIds: await idsOf(),
      onDamagedPack: async () => {
        seen += 1;
        if (seen === 3) throw new Error('no room for the copy');
      },
    });
    await expect(repairing).rejects.toThrow('no room for the copy');
    expect(readdirSync(join(folder, '.tmp'))).toEqual([]);
    isClean();
  });

  test('that are whole lose nothing, and one that is not there changes nothing', async () => {
    const all = await idsOf();
    expect(await repair(...all)).toMatchObject({ packsRemoved: all.length, blobsLost: [] });
    isClean();
    const now = await idsOf();
    await expect(repair('ab'.repeat(32))).rejects.toMatchObject({ code: 'not_found' });
    expect(await idsOf()).toEqual(now);
  });
});
