/** What a backup promises of its source: what cannot be read is told, and what is not there never becomes a snapshot. */
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { createMemoryStore, type MemoryStore } from '../../storage/memory-store.ts';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { findPath } from '../list-tree.ts';
import { packKey } from '../object-names.ts';
import { initRepository, listSnapshots } from '../repository.ts';
import type { BackupProgress, WritableRepository } from '../types.ts';
import type { BackupOptions, BackupResult } from './backup.ts';
import { noise } from '../testing/noise.ts';
import { backUpSource } from '../testing/back-up-source.ts';

let root: string;
let store: MemoryStore;
let repo: WritableRepository;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-source-'));
  store = createMemoryStore();
  const clock = systemClock;
  repo = await initRepository(store, { password: 'p', strength: 'machine', hostname: 'h', username: 'u', clock });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function backUp(more: Partial<BackupOptions> = {}, into = repo): Promise<BackupResult> {
  return await backUpSource(into, root, { time: new Date('2026-01-02T03:04:05.678Z'), ...more });
}

function write(name: string, contents: string | Buffer = name): string {
  const full = join(root, name);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, contents);
  return full;
}

/** What the snapshot holds at a path; undefined when nothing. */
async function contentsOf({ snapshot }: BackupResult, full: string): Promise<Buffer | undefined> {
  const reader = new BlobReader(repo, await BlobIndex.load(repo));
  const found = await findPath(reader, snapshot.tree, full);
  if (found?.node.content == null) return undefined;
  const pieces: Uint8Array[] = [];
  for (const id of found.node.content) pieces.push(await reader.read(id, 'data'));
  return Buffer.concat(pieces);
}

/** Calls once, when the walk is in this folder (and has not yet read its files). */
function whenIn(folder: string, act: () => void): (progress: BackupProgress) => void {
  let isDone = false;
  return ({ currentPath }) => {
    if (isDone || currentPath !== folder) return;
    isDone = true;
    act();
  };
}

async function expectNoSnapshot(): Promise<void> {
  expect((await listSnapshots(repo)).snapshots).toEqual([]);
}

test('a file that vanishes before it is read is told and left out, and the rest is kept', async () => {
  const lost = write('lost', 'x'.repeat(1000));
  const kept = write('kept');
  const result = await backUp({ onProgress: whenIn(root, () => rmSync(lost)) });
  expect(result.unread).toEqual([{ path: lost, reason: 'vanished', bytes: 1000, message: expect.any(String) }]);
  expect(result).toMatchObject({ selectedFiles: 2, selectedBytes: 1004, unreadBytes: 1000 });
  expect(await contentsOf(result, lost)).toBeUndefined();
  expect(await contentsOf(result, kept)).toEqual(Buffer.from('kept'));
});

test('a folder that vanishes before it is read is told and left out', async () => {
  write('gone/a');
  const kept = write('kept');
  const gone = join(root, 'gone');
  const result = await backUp({ onProgress: whenIn(root, () => rmSync(gone, { recursive: true })) });
  expect(result.unread).toMatchObject([{ path: gone, reason: 'vanished' }]);
  expect(await contentsOf(result, kept)).toEqual(Buffer.from('kept'));
});

test('a FIFO or a link that takes a file’s place is not read, and holds nothing up', async () => {
  const swapped = [write('a'), write('b')];
  write('kept');
  const swap = (): void => {
    for (const file of swapped) rmSync(file);
    execFileSync('mkfifo', [swapped[0]!]);
    symlinkSync('/etc/passwd', swapped[1]!);
  };
  const result = await backUp({ onProgress: whenIn(root, swap) });
  expect(result.unread.map(({ path }) => path)).toEqual(swapped);
  for (const file of swapped) expect(await contentsOf(result, file)).toBeUndefined();
});

test('a file that changes while it is read is kept as it was read, and told', async () => {
  const full = write('log', noise(40 * 1024 * 1024, 'log'));
  write('other');
  let isDone = false;
  const onProgress = ({ bytesDone }: BackupProgress): void => {
    // The lane has the first buffer full and needs three more, which it gets after this call.
    if (isDone || bytesDone < 1024 * 1024) return;
    isDone = true;
    appendFileSync(full, 'a line more');
  };
  const result = await backUp({ onProgress });
  expect(isDone).toBe(true);
  expect(result.unread).toEqual([
    { path: full, reason: 'changed_while_reading', bytes: 0, message: expect.any(String) },
  ]);
  expect((await contentsOf(result, full))!.equals(readFileSync(full))).toBe(true);
  // The next backup does not take the changed file for an unchanged one.
  appendFileSync(full, 'and another');
  const next = await backUp({ parent: result.snapshot });
  expect(next.unread).toEqual([]);
  expect((await contentsOf(next, full))!.equals(readFileSync(full))).toBe(true);
});

test('a file that may not be read is told and left out', async () => {
  let forbidden = write('forbidden');
  const paths = [root];
  if (process.getuid?.() === 0) {
    // Modes do not stop root; a write-only attribute of the kernel does.
    const [attribute] = globSync('/sys/bus/*/drivers_probe');
    expect(attribute, 'as root this test needs /sys').toBeDefined();
    paths.push(attribute!);
    forbidden = attribute!;
  } else chmodSync(forbidden, 0);
  const result = await backUp({ paths });
  expect(result.unread).toMatchObject([{ path: forbidden, reason: 'permission_denied' }]);
});

test('a file that the system fails to read is told and left out', async () => {
  write('kept');
  const broken = `/proc/${process.pid}/mem`; // reading at its beginning is an I/O error
  const result = await backUp({ paths: [root, broken] });
  expect(result.unread).toMatchObject([
    { path: broken, reason: 'read_error', message: expect.stringContaining('EIO') },
  ]);
  expect(await contentsOf(result, broken)).toBeUndefined();
});

test('when nothing could be read there is no snapshot', async () => {
  const lost = write('lost');
  const result = backUp({ onProgress: whenIn(root, () => rmSync(lost)) });
  await expect(result).rejects.toMatchObject({ code: 'source_unreadable' });
  await expectNoSnapshot();
});

test.each(['missing', 'empty'])('a source that is %s is refused before anything is written', async (kind) => {
  write('other/file');
  if (kind === 'empty') mkdirSync(join(root, kind));
  const before = store.objectCount;
  await expect(backUp({ paths: [join(root, 'other'), join(root, kind)] })).rejects.toMatchObject({
    code: 'source_missing',
  });
  expect(store.objectCount).toBe(before);
});

test('a source that is emptied while it is walked gives no snapshot', async () => {
  const last = write('deep/last');
  const onProgress = whenIn(dirname(root), () => rmSync(dirname(last), { recursive: true }));
  await expect(backUp({ onProgress })).rejects.toMatchObject({ code: 'source_missing' });
  await expectNoSnapshot();
});

test('a stopped backup says so, leaves no snapshot and no index, and its threads end', async () => {
  for (let at = 0; at < 20; at += 1) write(`${at}`, noise(2 * 1024 * 1024, `${at}`));
  const stop = new AbortController();
  const onProgress = ({ bytesDone }: BackupProgress): void => {
    if (bytesDone > 0) stop.abort();
  };
  await expect(backUp({ signal: stop.signal, onProgress })).rejects.toMatchObject({ code: 'cancelled' });
  await expectNoSnapshot();
  for await (const { key } of store.list('index/')) throw new Error(`${key} was written`);
  await expect(backUp({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  // The repository is none the worse for it.
  expect((await backUp()).unread).toEqual([]);
});

test('an error of whoever listens to the progress ends the backup with that error', async () => {
  write('a');
  const onProgress = (): void => {
    throw new Error('the listener is broken');
  };
  await expect(backUp({ onProgress })).rejects.toThrow('the listener is broken');
  await expectNoSnapshot();
});

test('witnesses are the plain SHA-256 of a seeded sample and of the canary, also of files that did not change', async () => {
  for (let at = 0; at < 60; at += 1) write(`files/${at}`, noise(100 + at * 20_000, `witness ${at}`));
  write('files/empty', '');
  const canaryPath = write('canary.txt', 'sing');
  const witness = { canaryPath, seed: 'run 1', sampleCount: 10 };
  const first = await backUp({ witness });
  const again = await backUp({ witness, parent: first.snapshot });
  const other = await backUp({ witness: { ...witness, seed: 'run 2' } });
  for (const { witness: witnesses } of [first, again, other]) {
    expect(witnesses.filter(({ role }) => role === 'canary').map(({ path }) => path)).toEqual([canaryPath]);
    const sample = witnesses.filter(({ role }) => role === 'sample');
    expect(sample).toHaveLength(10);
    for (const { path, size, sha256 } of witnesses) {
      const bytes = readFileSync(path);
      expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
      expect(size).toBe(bytes.length);
      expect(size).toBeGreaterThan(0);
    }
  }
  const paths = ({ witness: witnesses }: BackupResult): string[] => witnesses.map(({ path }) => path).sort();
  expect(paths(again)).toEqual(paths(first));
  expect(paths(other)).not.toEqual(paths(first));
  expect(again.snapshot.summary?.files_unmodified).toBe(62);
});

test('a witness of a file that changed underneath the parent’s facts shows the bytes of today', async () => {
  const canaryPath = write('canary.txt', 'one');
  write('other');
  const first = await backUp({ witness: { canaryPath, seed: 's', sampleCount: 0 } });
  writeFileSync(canaryPath, 'two');
  const next = await backUp({ parent: first.snapshot, witness: { canaryPath, seed: 's', sampleCount: 0 } });
  expect(next.witness).toMatchObject([{ role: 'canary', sha256: createHash('sha256').update('two').digest('hex') }]);
});

test('equal contents are stored once, an empty file needs none, and totals are told', async () => {
  const same = noise(700_000, 'same');
  for (const name of ['a', 'b', 'c/d']) write(name, same);
  write('empty', '');
  const seen: BackupProgress[] = [];
  const result = await backUp({ onProgress: (progress) => seen.push(progress) });
  const index = await BlobIndex.load(repo);
  const data = [...index.blobs()].filter(({ type }) => type === 'data');
  expect(new Set(data.map(({ id }) => id)).size).toBe(data.length);
  expect(data.reduce((sum, { length, uncompressedLength }) => sum + (uncompressedLength || length - 32), 0)).toBe(
    700_000,
  );
  expect(await contentsOf(result, join(root, 'empty'))).toEqual(Buffer.alloc(0));
  expect(result).toMatchObject({ selectedFiles: 4, selectedBytes: 2_100_000, unreadBytes: 0 });
  expect(seen.at(-1)).toMatchObject({
    phase: 'done',
    filesDone: 4,
    filesTotal: 4,
    bytesDone: 2_100_000,
    bytesTotal: 2_100_000,
  });
  expect(seen[0]?.phase).toBe('scan');
});

test('incompressible data is stored as it is, and text is compressed', async () => {
  // Below the smallest size at which a file is cut in two.
  write('noise', noise(500_000, 'noise'));
  write('text', 'all work and no play '.repeat(50_000));
  await backUp();
  const data = [...(await BlobIndex.load(repo)).blobs()].filter(({ type }) => type === 'data');
  expect(data.find(({ uncompressedLength }) => uncompressedLength === 0)?.length).toBe(500_032);
  expect(data.find(({ uncompressedLength }) => uncompressedLength > 0)?.length).toBeLessThan(10_000);
});

test('no pack holds both folders and files, packs close at their size, and a small rest is one pack', async () => {
  for (let at = 0; at < 30; at += 1) write(`d${at}/file`, noise(40_000, `pack ${at}`));
  const result = await backUp({ packBytes: 256 * 1024 });
  const types = new Map<string, Set<string>>();
  const sizes = new Map<string, number>();
  for (const { packId, type, length } of (await BlobIndex.load(repo)).blobs()) {
    types.set(packId, (types.get(packId) ?? new Set()).add(type));
    sizes.set(packId, (sizes.get(packId) ?? 0) + length);
  }
  for (const kinds of types.values()) expect(kinds.size).toBe(1);
  for (const size of sizes.values()) expect(size).toBeLessThan(256 * 1024 + 41_000);
  const packsOf = (kind: string): number => result.added.filter((object) => object.kind === kind).length;
  expect(packsOf('tree_pack')).toBe(1);
  expect(packsOf('data_pack')).toBeGreaterThanOrEqual(5);
  expect(packsOf('data_pack')).toBeLessThanOrEqual(6);
});

test('no scratch file stays behind, whether the backup ends well or not, and those of killed ones are removed', async () => {
  for (let at = 0; at < 8; at += 1) write(`d${at}/file`, noise(300_000, `scratch ${at}`));
  const scratch = mkdtempSync(join(tmpdir(), 'holdfast-scratch-test-'));
  const [old, young, foreign] = ['holdfast-pack-0123-0-1', 'holdfast-pack-4567-0-1', 'other'].map((name) =>
    join(scratch, name),
  ) as [string, string, string];
  for (const file of [old, young, foreign]) writeFileSync(file, 'x');
  utimesSync(old, new Date(), new Date(Date.now() - 25 * 3600_000));
  utimesSync(foreign, new Date(), new Date(Date.now() - 25 * 3600_000));
  let creates = 0;
  const store: WritableRepository['store'] = {
    head: (key) => repo.store.head(key),
    get: (key, range) => repo.store.get(key, range),
    stream: (key) => repo.store.stream(key),
    list: (prefix) => repo.store.list(prefix),
    scratchFolder: async () => scratch,
    create: async (key, bytes, options) => {
      if (key.startsWith('data/')) {
        expect(readdirSync(scratch).length).toBeGreaterThan(2);
        creates += 1;
      }
      if (creates === 3) throw new HoldfastError('storage_unavailable', 'No answer.');
      return await repo.store.create(key, bytes, options);
    },
  };
  const inScratch = { ...repo, store };
  await expect(backUp({ packBytes: 256 * 1024 }, inScratch)).rejects.toMatchObject({ code: 'storage_unavailable' });
  expect(readdirSync(scratch).sort()).toEqual([basename(young), basename(foreign)].sort());
  await backUp({ packBytes: 256 * 1024 }, inScratch);
  expect(readdirSync(scratch).sort()).toEqual([basename(young), basename(foreign)].sort());
  rmSync(scratch, { recursive: true });
});

test('everything that was added is named with its size and checksum, packs first and the snapshot last', async () => {
  for (let at = 0; at < 10; at += 1) write(`${at}`, noise(100_000, `order ${at}`));
  const order: string[] = [];
  const recording: WritableRepository = {
    ...repo,
    store: {
      ...store,
      create: async (key, bytes, options) => {
        const made = await store.create(key, bytes, options);
        order.push(key.split('/')[0]!);
        return made;
      },
    },
  };
  const result = await backUp({ packBytes: 128 * 1024 }, recording);
  expect(order.slice(-2)).toEqual(['index', 'snapshots']);
  expect(new Set(order.slice(0, -2))).toEqual(new Set(['data']));
  for (const { key, size, crc32c } of result.added) expect(await store.head(key)).toMatchObject({ size, crc32c });
  expect(result.added).toHaveLength(order.length);
  expect(result.snapshot.time).toMatch(/^\d{4}-/);
});

test('folders of the parent that are damaged are read and stored anew', async () => {
  const kept = write('d/kept', noise(10_000, 'kept'));
  const first = await backUp();
  const treePack = first.added.find(({ kind }) => kind === 'tree_pack')!;
  const bytes = Buffer.from(await store.get(treePack.key));
  bytes.fill(0, 0, bytes.length - 100);
  store.overwrite(treePack.key, bytes);
  const next = await backUp({ parent: first.snapshot });
  expect(next.snapshot.summary?.tree_blobs).toBeGreaterThan(0);
  expect(next.snapshot.summary?.data_blobs).toBe(0);
  expect(await contentsOf(next, kept)).toEqual(readFileSync(kept));
});

test('a file whose stored contents are missing from the index is read again', async () => {
  const file = write('file', noise(10_000, 'file'));
  const first = await backUp();
  const index = new BlobIndex();
  for (const blob of (await BlobIndex.load(repo)).blobs()) if (blob.type === 'tree') index.add(blob);
  const next = await backUp({ parent: first.snapshot, index });
  expect(next.snapshot.summary).toMatchObject({ data_blobs: 1 });
  expect(next.packIds).toContain(basename(next.added.find(({ kind }) => kind === 'data_pack')!.key));
  expect(await contentsOf(next, file)).toEqual(readFileSync(file));
});

test('packs of earlier backups that the snapshot needs are listed, and they are there', async () => {
  write('a', noise(5000, 'a'));
  const first = await backUp();
  write('b', noise(5000, 'b'));
  const next = await backUp({ parent: first.snapshot });
  expect(next.packIds.length).toBeGreaterThan(2);
  for (const id of next.packIds) expect(await store.head(packKey(id))).toBeDefined();
  const oldData = first.added.find(({ kind }) => kind === 'data_pack')!;
  expect(next.packIds).toContain(basename(oldData.key));
});

test('a root that overlaps another and a root inside of what is excluded are both in the snapshot', async () => {
  write('state/secret');
  const canary = write('state/canary/bird');
  write('data/x');
  const result = await backUp({
    paths: [root, join(root, 'data'), join(root, 'state/canary')],
    excludedFolders: [join(root, 'state')],
  });
  expect(await contentsOf(result, canary)).toEqual(Buffer.from('state/canary/bird'));
  expect(await contentsOf(result, join(root, 'state/secret'))).toBeUndefined();
  expect(result.selectedFiles).toBe(2);
  expect(existsSync(join(root, 'state/secret'))).toBe(true);
});
