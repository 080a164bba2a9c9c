/** What a prune removes is needed by nobody, and whenever it is interrupted, everything that is needed is there. */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { createFileStore } from '../../storage/file-store.ts';
import { createMemoryStore, type MemoryStore } from '../../storage/memory-store.ts';
import { createFaultyStore, type Fault, type FaultyOperation } from '../../storage/testing/faulty-store.ts';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { check } from '../check/check.ts';
import { walkTree } from '../list-tree.ts';
import { encodeNode, encodeTree } from '../format/tree.ts';
import { initRepository, listSnapshots } from '../repository.ts';
import { buildRepository, fileNode, idOf } from '../testing/build-repository.ts';
import { noise } from '../testing/noise.ts';
import type { AdministeredRepository, BlobType } from '../types.ts';
import { KEEP, planPrune, REMOVE, REPACK, type UnusedLimit } from './plan-prune.ts';
import { type PruneOptions, type PruneResult, prune } from './prune.ts';
import { backUpSource } from '../testing/back-up-source.ts';

const PASSWORD = 'prune';
const LIMIT = { percent: 5 } as const;
let scratch: string;
/** Four backups, of which two are forgotten: packs that are needed whole, in part and not at all, and one in no index. */
let template: MemoryStore;
let repo: AdministeredRepository;
let made = 0;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-prune-'));
  template = createMemoryStore();
  const key = { password: PASSWORD, strength: 'machine', hostname: 'h', username: 'u', clock: systemClock } as const;
  repo = { ...(await initRepository(template, key)), store: template };
  const source = join(scratch, 'source');
  for (let round = 0; round < 4; round += 1) {
    rmSync(source, { recursive: true, force: true });
    for (let at = 0; at < 14; at += 1) {
      mkdirSync(join(source, `folder${at % 4}`), { recursive: true });
      // Some files are the same in all rounds, some in none.
      const version = at % 3 === 0 ? 'always' : `round ${round}`;
      writeFileSync(join(source, `folder${at % 4}`, `file${at}`), noise(9000 + at * 100, `${at} ${version}`));
    }
    const { snapshotId } = await backUpSource(repo, source, {
      time: new Date(1_700_000_000_000 + round * 86_400_000),
      packBytes: 25_000,
    });
    if (round === 0 || round === 2) await template.remove(`snapshots/${snapshotId}`);
  }
  await template.create(`data/ab/ab${'0'.repeat(62)}`, Buffer.from('left by a crash'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function copyOfTemplate(): Promise<MemoryStore> {
  const store = createMemoryStore();
  for await (const { key } of template.list('')) await store.create(key, await template.get(key));
  return store;
}

async function run(store: AdministeredRepository['store'], more: Partial<PruneOptions> = {}): Promise<PruneResult> {
  return await prune({ ...repo, store }, { isDryRun: false, maxUnused: LIMIT, packBytes: 25_000, ...more });
}

const keysOf = async (store: MemoryStore, prefix = ''): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
};

/** Every snapshot to its last byte, read by us. Returns the files that were read. */
async function readAll(store: MemoryStore): Promise<number> {
  const open = { ...repo, store };
  const reader = new BlobReader(open, await BlobIndex.load(open));
  const { snapshots } = await listSnapshots(open);
  let files = 0;
  for (const { tree } of snapshots) {
    for await (const { node } of walkTree(reader, tree)) {
      for (const id of node.content ?? []) await reader.read(id, 'data');
      if (node.type === 'file') files += 1;
    }
  }
  return files;
}

/** The same by stock restic, on the disk. */
async function resticFindsItWhole(store: MemoryStore, about: string): Promise<void> {
  const folder = join(scratch, `repo-${(made += 1)}`);
  const target = createFileStore({ root: folder });
  for (const key of await keysOf(store)) await target.create(key, await store.get(key));
  const env = { ...process.env, RESTIC_PASSWORD: PASSWORD };
  const options = { env, encoding: 'utf8', stdio: 'pipe' } as const;
  expect(execFileSync('restic', ['-r', folder, '--no-cache', 'check', '--read-data'], options), about).toContain(
    'no errors were found',
  );
  execFileSync('restic', ['-r', folder, '--no-cache', 'restore', 'latest', '--target', join(folder, 'out')], options);
  rmSync(folder, { recursive: true, force: true });
}

async function isWhole(store: MemoryStore, about: string): Promise<void> {
  const { findings } = await check({ ...repo, store }, { readData: true });
  expect(
    findings.filter(({ severity }) => severity === 'error'),
    about,
  ).toEqual([]);
  expect(await readAll(store), about).toBe(28);
}

describe('a prune that ends', () => {
  test('leaves what snapshots need and no more, and stock restic finds it whole', async () => {
    const store = await copyOfTemplate();
    const before = await keysOf(store, 'data/');
    const planned = await run(store, { isDryRun: true, maxUnused: { bytes: 0 } });
    expect(await keysOf(store, 'data/')).toEqual(before);
    const result = await run(store, { maxUnused: { bytes: 0 } });
    expect({ ...result, writtenBytes: 0 }).toEqual(planned);
    expect(result).toMatchObject({ unusedBytesAfter: 0, duplicateBlobs: 0 });
    expect(result.removedPacks).toBeGreaterThan(1);
    expect(result.repackedPacks).toBeGreaterThan(1);
    await isWhole(store, 'after');
    await resticFindsItWhole(store, 'after');
    const again = await run(store, { maxUnused: { bytes: 0 }, isDryRun: true });
    expect(again).toMatchObject({ unusedBlobs: 0, unusedBytes: 0, removedPacks: 0, usedBytes: result.usedBytes });
  });

  test('keeps unneeded data up to the limit that was given', async () => {
    const [none, some, any] = [{ bytes: 0 }, { percent: 30 }, 'unlimited'] satisfies UnusedLimit[];
    const after = async (maxUnused: UnusedLimit): Promise<PruneResult> =>
      await run(await copyOfTemplate(), { maxUnused });
    const [strict, loose, lax] = [await after(none!), await after(some!), await after(any!)];
    expect(strict.unusedBytesAfter).toBe(0);
    expect(loose.unusedBytesAfter).toBeLessThanOrEqual((loose.usedBytes * 30) / 70);
    expect(lax.unusedBytesAfter).toBeGreaterThanOrEqual(loose.unusedBytesAfter);
    expect((await run(await copyOfTemplate(), { repackBytesMax: 0 })).repackedPacks).toBe(0);
    const bounded = await run(await copyOfTemplate(), { repackBytesMax: 70_000, maxUnused: none! });
    expect(bounded.repackedBytes).toBeLessThanOrEqual(70_000);
    expect(bounded.repackedPacks).toBeGreaterThan(0);
  });

  test('counts snapshots of which it was told as gone, in a dry run that follows a dry run', async () => {
    const store = await copyOfTemplate();
    const ids = (await listSnapshots({ ...repo, store })).snapshots.map(({ id }) => id);
    const all = await run(store, { isDryRun: true, withoutSnapshots: new Set(ids) });
    expect(all).toMatchObject({ usedBlobs: 0, keptPacks: 0 });
    const one = await run(store, { isDryRun: true, withoutSnapshots: new Set(ids.slice(0, 1)) });
    expect(one.usedBytes).toBeGreaterThan(0);
    expect(one.usedBytes).toBeLessThan((await run(store, { isDryRun: true })).usedBytes);
  });

  test('of a repository from which everything was forgotten leaves no pack at all', async () => {
    const store = await copyOfTemplate();
    for (const key of await keysOf(store, 'snapshots/')) await store.remove(key);
    await run(store);
    expect(await keysOf(store, 'data/')).toEqual([]);
    expect(await keysOf(store, 'index/')).toEqual([]);
  });
});

test('data that was stored uncompressed is compressed when that was asked for, listings always', async () => {
  const isCompressed = async (store: MemoryStore, open: AdministeredRepository): Promise<boolean[]> =>
    [...(await BlobIndex.load({ ...open, store })).blobs()].map(({ uncompressedLength }) => uncompressedLength > 0);
  for (const repackUncompressed of [false, true]) {
    const store = createMemoryStore();
    const built = await buildRepository(store);
    const text = Buffer.from('compresses well '.repeat(1000));
    await built.pack('data', [text], { isCompressed: false });
    const nodes = encodeTree([encodeNode(fileNode('file', [text]))]);
    await built.pack('tree', [nodes], { isCompressed: false });
    await built.snapshot(idOf(nodes));
    const open = { ...built.repo, store };
    await prune(open, { isDryRun: false, maxUnused: LIMIT, repackUncompressed });
    expect((await isCompressed(store, open)).sort((a, b) => Number(a) - Number(b))).toEqual([repackUncompressed, true]);
    expect((await check(open, { readData: true })).findings).toEqual([]);
  }
});

describe('a prune that is refused touches nothing', () => {
  const untouched = async (break_: (store: MemoryStore) => Promise<void>): Promise<void> => {
    const store = await copyOfTemplate();
    await break_(store);
    const before = await keysOf(store);
    await expect(run(store)).rejects.toMatchObject({ code: 'repository_damaged' });
    expect(await keysOf(store)).toEqual(before);
  };
  const neededPack = async (store: MemoryStore, type: BlobType): Promise<string> => {
    const open = { ...repo, store };
    const index = await BlobIndex.load(open);
    const { snapshots } = await listSnapshots(open);
    if (type === 'tree') return index.lookup(snapshots[0]!.tree, 'tree')!.packId;
    for await (const { node } of walkTree(new BlobReader(open, index), snapshots[0]!.tree))
      if (node.content?.[0] !== undefined) return index.lookup(node.content[0], 'data')!.packId;
    throw new Error('no file');
  };
  const keyOf = (packId: string): string => `data/${packId.slice(0, 2)}/${packId}`;

  test.each(['data', 'tree'] as const)('a needed %s pack is missing', async (type) => {
    await untouched(async (store) => await store.remove(keyOf(await neededPack(store, type))));
  });
  test('a needed pack was cut short', async () => {
    await untouched(async (store) => {
      const key = keyOf(await neededPack(store, 'data'));
      store.overwrite(key, (await store.get(key)).subarray(0, -1));
    });
  });
  test.each(['index', 'snapshots'])('one of the files in %s cannot be read', async (folder) => {
    await untouched(async (store) => {
      const [key] = await keysOf(store, `${folder}/`);
      store.overwrite(key!, noise(200, 'damage'));
    });
  });
  test('the index file is missing that lists a needed pack', async () => {
    await untouched(async (store) => {
      const packId = await neededPack(store, 'data');
      // Of the others, one may list nothing that is needed any more: without it a prune has its right to go on.
      for (const key of await keysOf(store, 'index/')) {
        const bytes = await store.get(key);
        await store.remove(key);
        if (!(await BlobIndex.load({ ...repo, store })).packIds().includes(packId)) return;
        await store.create(key, bytes);
      }
    });
  });

  test('and so is one that finds a needed blob damaged while it copies it', async () => {
    const store = await copyOfTemplate();
    const before = await keysOf(store);
    const key = keyOf(await neededPack(store, 'data'));
    const bytes = await store.get(key);
    for (let at = 40; at < bytes.length - 2000; at += 500) bytes[at] = bytes[at]! ^ 1;
    store.overwrite(key, bytes);
    // Everything of that pack is asked for, because one more blob of it is not needed.
    const result = await run(store, { maxUnused: { bytes: 0 } }).catch((error: unknown) => error);
    const after = await keysOf(store);
    if (result instanceof Error) expect(result).toMatchObject({ code: 'repository_damaged' });
    expect(
      before.filter((name) => !after.includes(name) && name.startsWith('data/') && result instanceof Error),
    ).toEqual([]);
    expect(after).toContain(key);
  });
});

describe('a prune that is interrupted', () => {
  const seed = randomInt(2 ** 31);
  const operations: readonly FaultyOperation[] = ['list', 'head', 'get', 'create', 'remove'];

  test.each(operations.flatMap((operation) => [false, true].map((isLasting) => [operation, isLasting] as const)))(
    'by a failing %s (lasting: %s), whichever it is, loses nothing, and the next one completes it',
    async (operation, isLasting) => {
      const counting = createFaultyStore(await copyOfTemplate());
      await run(counting, { maxUnused: { bytes: 0 } });
      const calls = counting.calls[operation];
      expect(operation === 'head' || calls > 2).toBe(true);
      const effects =
        operation === 'create' || operation === 'remove' ? ['fail_before', 'fail_after'] : ['fail_before'];
      const witnessed = (seed % Math.max(1, calls)) + 1;
      for (const effect of effects as Fault['effect'][]) {
        for (let nth = 1; nth <= calls; nth += 1) {
          const about = `seed ${seed}: ${operation} ${nth} of ${calls}, ${effect}`;
          const store = await copyOfTemplate();
          const faulty = createFaultyStore(store, [{ operation, nth, effect, isLasting }]);
          await expect(run(faulty, { maxUnused: { bytes: 0 } }), about).rejects.toThrow();
          await isWhole(store, about);
          if (nth === witnessed) await resticFindsItWhole(store, about);
          await run(store, { maxUnused: { bytes: 0 } });
          expect(await readAll(store), about).toBe(28);
          const left = await run(store, { isDryRun: true });
          expect(left, about).toMatchObject({ unusedBlobs: 0, duplicateBlobs: 0, removedPacks: 0 });
        }
      }
    },
    240_000,
  );

  test.each(['flip', 'truncate'] as const)(
    'by a storage that keeps other bytes than it was given (%s) removes nothing old',
    async (effect) => {
      const counting = createFaultyStore(await copyOfTemplate());
      await run(counting, { maxUnused: { bytes: 0 } });
      for (let nth = 1; nth <= counting.calls.create; nth += 1) {
        const store = await copyOfTemplate();
        const before = await keysOf(store);
        const faulty = createFaultyStore(store, [{ operation: 'create', nth, effect }]);
        await expect(run(faulty, { maxUnused: { bytes: 0 } })).rejects.toMatchObject({ code: 'repository_damaged' });
        expect(await keysOf(store)).toEqual(expect.arrayContaining(before));
        await isWhole(store, `${effect} ${nth}`);
      }
    },
  );

  test('by its caller, or by the loss of its lock, at any moment', async () => {
    let reports = 0;
    await run(await copyOfTemplate(), { onProgress: () => (reports += 1) });
    for (let stopAt = 1; stopAt < reports; stopAt += 1) {
      const store = await copyOfTemplate();
      const stop = new AbortController();
      let seen = 0;
      const onProgress = (): void => {
        seen += 1;
        if (seen === stopAt) stop.abort();
      };
      await expect(run(store, { onProgress, signal: stop.signal }), `${stopAt}`).rejects.toMatchObject({
        code: 'cancelled',
      });
      await isWhole(store, `stopped at ${stopAt} of ${reports}`);
    }
  });
});

describe('the plan', () => {
  test('for random repositories keeps a sound copy of all that is needed and respects its limits', () => {
    const seed = randomInt(2 ** 31);
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const hex = (number: number): string => number.toString(16).padStart(64, '0');
    for (let round = 0; round < 300; round += 1) {
      const about = `seed ${seed}, round ${round}`;
      const index = new BlobIndex();
      const sizes = new Map<string, number>();
      const broken = new Set<string>();
      for (let pack = 0; pack < 1 + random(12); pack += 1) {
        const type: BlobType = random(4) === 0 ? 'tree' : 'data';
        let offset = 0;
        let header = 36;
        for (let at = 0; at < 1 + random(6); at += 1) {
          const length = 33 + random(random(3) === 0 ? 3_000_000 : 1000);
          const uncompressedLength = random(5) === 0 ? 0 : length;
          const mixed = random(20) === 0 ? 'tree' : type;
          index.add({ id: hex(random(20)), type: mixed, packId: hex(1000 + pack), offset, length, uncompressedLength });
          offset += length;
          header += uncompressedLength === 0 ? 37 : 41;
        }
        const isBroken = random(8) === 0;
        if (isBroken) broken.add(hex(1000 + pack));
        if (!isBroken || random(2) === 0) sizes.set(hex(1000 + pack), offset + header - (isBroken ? 1 : 0));
      }
      const used = new Uint8Array(index.size);
      for (let entry = 0; entry < index.size; entry += 1) if (random(2) === 0) used[index.firstCopy(entry)] = 1;
      const soundCopies = (entry: number): number[] =>
        [...Array(index.size).keys()].filter(
          (other) => index.firstCopy(other) === entry && !broken.has(index.blobAt(other).packId),
        );
      const needed = [...used.keys()].filter((entry) => used[entry] === 1);
      const options = { maxUnused: { bytes: random(2) * random(5_000_000) }, repackUncompressed: random(2) === 0 };
      if (needed.some((entry) => soundCopies(entry).length === 0)) {
        expect(() => planPrune(index, used, sizes, options), about).toThrow(
          expect.objectContaining({ code: 'repository_damaged' }),
        );
        continue;
      }
      const { actions, chosen, stats } = planPrune(index, used, sizes, options);
      for (const entry of needed) {
        const copies = soundCopies(entry).filter((copy) => chosen[copy] === 1);
        expect(copies, about).toHaveLength(1);
        expect([KEEP, REPACK], about).toContain(actions[index.packNumberAt(copies[0]!)]);
      }
      for (const [pack, id] of index.packIds().entries()) {
        const hasChosen = [...chosen.keys()].some((entry) => chosen[entry] === 1 && index.packNumberAt(entry) === pack);
        if (!hasChosen) expect([KEEP, REPACK], about).not.toContain(actions[pack]);
        if (actions[pack] === REMOVE) expect(sizes.has(id), about).toBe(true);
      }
      expect(stats.unusedBytesAfter, about).toBeLessThanOrEqual(options.maxUnused.bytes);
      expect(stats.usedBlobs, about).toBe(needed.length);
    }
  });
});
