/** Copies are whole or not there, are not made twice, and are what stock restic takes for its own. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { createFileStore } from '../../storage/file-store.ts';
import { createMemoryStore } from '../../storage/memory-store.ts';
import type { ObjectStore, ReadCreateStore } from '../../storage/port.ts';
import { createFaultyStore } from '../../storage/testing/faulty-store.ts';
import { BlobIndex } from '../blob-index.ts';
import { check } from '../check/check.ts';
import { initRepository, listSnapshots, openRepository } from '../repository.ts';
import { noise } from '../testing/noise.ts';
import type { WritableRepository } from '../types.ts';
import { type CopyOptions, type CopyResult, copySnapshots } from './copy-snapshots.ts';
import { backUpSource } from '../testing/back-up-source.ts';

const keyOf = (password: string) =>
  ({ password, strength: 'machine', hostname: 'h', username: 'u', clock: systemClock }) as const;
let scratch: string;
let source: WritableRepository;
let sourceStore: ObjectStore;
let made = 0;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-copy-'));
  sourceStore = createFileStore({ root: join(scratch, 'source-repo') });
  source = await initRepository(sourceStore, keyOf('from'));
  const folder = join(scratch, 'files');
  mkdirSync(join(folder, 'sub'), { recursive: true });
  for (let round = 0; round < 3; round += 1) {
    writeFileSync(join(folder, 'sub', 'same'), 'the same in all '.repeat(2000));
    for (let at = 0; at < 6; at += 1)
      writeFileSync(join(folder, `f${at}`), noise(20_000, `${at} ${at < 3 ? 0 : round}`));
    await backUpSource(source, folder, {
      username: 'u',
      tags: [`round${round}`],
      time: new Date(1_700_000_000_000 + round * 1000),
      packBytes: 50_000,
    });
  }
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function run(target: WritableRepository, more: Partial<CopyOptions> = {}, from = source): Promise<CopyResult> {
  return await copySnapshots(from, target, {
    snapshots: (await listSnapshots(from)).snapshots,
    sourceIndex: await BlobIndex.load(from),
    existing: (await listSnapshots(target)).snapshots,
    index: await BlobIndex.load(target),
    packBytes: 50_000,
    ...more,
  });
}

async function newTarget(store: ReadCreateStore = createMemoryStore()): Promise<WritableRepository> {
  return await initRepository(store, { ...keyOf('to'), chunkerPolynomial: source.config.chunkerPolynomial });
}

function restic(repo: string, password: string, ...args: string[]): string {
  const env = { ...process.env, RESTIC_PASSWORD: password, RESTIC_FROM_PASSWORD: 'from' };
  return execFileSync('restic', ['-r', repo, '--no-cache', ...args], { env, encoding: 'utf8', stdio: 'pipe' });
}

async function isWhole(repo: WritableRepository, snapshots: number): Promise<void> {
  const result = await check(repo, { readData: true });
  expect(result.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(result.snapshots).toBe(snapshots);
}

test('all snapshots arrive, restic finds them whole and the same, and the second copy copies nothing', async () => {
  const folder = join(scratch, `target-${(made += 1)}`);
  const target = await newTarget(createFileStore({ root: folder }));
  const first = await run(target);
  expect(first.copied).toHaveLength(3);
  expect(first.failed).toEqual([]);
  await isWhole(target, 3);
  expect(restic(folder, 'to', 'check', '--read-data')).toContain('no errors were found');
  const facts = ({ time, tree, tags }: { time: string; tree: string; tags?: readonly string[] }): unknown => [
    Date.parse(time),
    tree,
    tags,
  ];
  const theirs = JSON.parse(restic(folder, 'to', 'snapshots', '--json')) as { time: string; tree: string }[];
  expect(theirs.map(facts)).toEqual((await listSnapshots(source)).snapshots.map(facts));
  const again = await run(target);
  expect(again).toMatchObject({ blobs: 0, storedBytes: 0 });
  expect(again.copied.every(({ wasThere }) => wasThere)).toBe(true);
  // restic knows them for copies as well, and the other way round ours are found in what restic copied.
  const copyOf = (to: string): string => restic(to, 'to', 'copy', '--from-repo', join(scratch, 'source-repo'), '-v');
  expect(copyOf(folder)).not.toMatch(/snapshot \w+ saved/);
  const theirFolder = join(scratch, `target-${(made += 1)}`);
  restic(theirFolder, 'to', 'init');
  copyOf(theirFolder);
  const there = await openRepository(createFileStore({ root: theirFolder }), 'to');
  expect((await run(there)).copied.map(({ wasThere }) => wasThere)).toEqual([true, true, true]);
});

test('what restic has stored is copied here, and compressed pieces keep their size', async () => {
  const from = join(scratch, `restic-${(made += 1)}`);
  restic(from, 'from', 'init');
  restic(from, 'from', 'backup', join(scratch, 'files'));
  const opened = await openRepository(createFileStore({ root: from }), 'from');
  const target = await newTarget();
  await run(target, {}, opened);
  await isWhole(target, 1);
  const sizes = async (repo: WritableRepository): Promise<number[]> =>
    [...(await BlobIndex.load(repo)).blobs()].map(({ length }) => length).sort((a, b) => a - b);
  expect(await sizes(target)).toEqual(await sizes(opened));
});

test('a copy that is interrupted at any store call leaves whole snapshots, and the next one completes it', async () => {
  const counting = createFaultyStore(createMemoryStore());
  await run(await newTarget(counting));
  expect(counting.calls.create).toBeGreaterThan(6);
  for (let nth = 3; nth <= counting.calls.create; nth += 1) {
    for (const effect of ['fail_before', 'fail_after'] as const) {
      const store = createMemoryStore();
      const target = await newTarget(store);
      const faulty = createFaultyStore(store, [{ operation: 'create', nth: nth - 2, effect }]);
      await expect(run({ ...target, store: faulty })).rejects.toMatchObject({ code: 'storage_unavailable' });
      const { snapshots } = await listSnapshots(target);
      await isWhole(target, snapshots.length);
      await run(target);
      await isWhole(target, 3);
    }
  }
});

test('a copy that fails leaves no pack behind that is not stored', async () => {
  const folder = join(scratch, `target-${(made += 1)}`);
  const target = await newTarget(createFileStore({ root: folder }));
  const store = createFaultyStore(sourceStore, [{ operation: 'get', nth: 4, key: 'data/', effect: 'fail_before' }]);
  const failing = run(target, { packBytes: 1_000_000 }, { ...source, store });
  await expect(failing).rejects.toMatchObject({ code: 'storage_unavailable' });
  expect(store.struck).toHaveLength(1);
  expect(readdirSync(join(folder, '.tmp'))).toEqual([]);
  await run(target);
  await isWhole(target, 3);
});

test('a damaged source costs the snapshots that it touches, by name, and no other', async () => {
  const damaged = createMemoryStore();
  for await (const { key } of sourceStore.list('')) await damaged.create(key, await sourceStore.get(key));
  const from = { ...source, store: damaged };
  const index = await BlobIndex.load(from);
  const { snapshots } = await listSnapshots(from);
  const lost = index.lookup(snapshots[1]!.tree, 'tree')!;
  const key = `data/${lost.packId.slice(0, 2)}/${lost.packId}`;
  const bytes = await damaged.get(key);
  bytes[lost.offset + 20] = bytes[lost.offset + 20]! ^ 1;
  damaged.overwrite(key, bytes);
  const target = await newTarget();
  const result = await run(target, {}, from);
  expect(result.failed.map(({ sourceId }) => sourceId)).toEqual([snapshots[1]!.id]);
  expect(result.copied.map(({ sourceId }) => sourceId)).toEqual([snapshots[0]!.id, snapshots[2]!.id]);
  await isWhole(target, 2);
});
