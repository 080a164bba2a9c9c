/** What a backup promises of its memory of the last one: it saves work, and never changes a snapshot. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { createFileStore } from '../../storage/file-store.ts';
import { createMemoryStore, type MemoryStore } from '../../storage/memory-store.ts';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { findPath } from '../list-tree.ts';
import { packKey } from '../object-names.ts';
import { initRepository } from '../repository.ts';
import { makeNastyTree } from '../testing/nasty-tree.ts';
import { noise } from '../testing/noise.ts';
import type { SnapshotWithId, WritableRepository } from '../types.ts';
import type { BackupOptions, BackupResult } from './backup.ts';
import { backUpSource } from '../testing/back-up-source.ts';

// Each backup that reads something starts threads, and most tests make four.
vi.setConfig({ testTimeout: 180_000 });

/** The folders above a source are in its snapshot, and something always changes /tmp. */
const QUIET = '/var/tmp';

let folder: string;
let root: string;
let statePath: string;
let store: MemoryStore;
let repo: WritableRepository;

const keys = { password: 'p', strength: 'machine', hostname: 'h', username: 'u', clock: systemClock } as const;

beforeEach(async () => {
  folder = mkdtempSync(join(existsSync(QUIET) ? QUIET : tmpdir(), 'holdfast-state-'));
  root = join(folder, 'source');
  statePath = join(folder, 'cache', 'deep', 'state');
  mkdirSync(root);
  mkdirSync(dirname(statePath), { recursive: true });
  store = createMemoryStore();
  repo = await initRepository(store, keys);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function backUp(more: Partial<BackupOptions> = {}): Promise<BackupResult> {
  return await backUpSource(repo, root, { statePath, ...more });
}

/** The tree of the source itself: what is above it may change at any time. */
async function treeOf({ snapshot }: BackupResult, from: WritableRepository = repo): Promise<string | undefined> {
  const found = await findPath(new BlobReader(from, await BlobIndex.load(from)), snapshot.tree, root);
  return found?.node.subtree;
}

/** Of the same source at the same moment, in an empty repository and without any memory. */
async function plainTree(): Promise<string | undefined> {
  const empty = { ...repo, store: createMemoryStore() };
  const result = await backUpSource(empty, root);
  return await treeOf(result, empty);
}

/** Which trees a backup fetches: none of a folder that it remembers. */
function counting(): { repo: WritableRepository; fetched: string[] } {
  const fetched: string[] = [];
  const get: typeof store.get = async (key, range) => {
    if (key.startsWith('data/')) fetched.push(key);
    return await store.get(key, range);
  };
  return { repo: { ...repo, store: { ...store, get } }, fetched };
}

function write(name: string, contents: string | Buffer = name): string {
  const full = join(root, name);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, contents);
  return full;
}

function makeSource(): void {
  for (let at = 0; at < 12; at += 1) write(`d${at % 4}/e${at % 3}/file ${at}`, noise(400 + at, `source ${at}`));
  write('top', 'top');
  write('empty', '');
  mkdirSync(join(root, 'd1/hollow'));
  symlinkSync('nowhere', join(root, 'd1/link'));
}

test('of an unchanged source only the snapshot is written, nothing is fetched, and its tree and totals are the same', async () => {
  makeSource();
  const first = await backUp();
  const state = readFileSync(statePath);
  const written = statSync(statePath, { bigint: true });
  const { repo: counted, fetched } = counting();
  const index = await BlobIndex.load(repo);
  const next = await backUpSource(counted, root, { index, parent: first.snapshot, statePath });
  expect(next.added.map(({ kind }) => kind)).toEqual(['snapshot']);
  expect(next.snapshot.tree).toBe(first.snapshot.tree);
  expect(next.packIds).toEqual(first.packIds);
  expect(fetched).toEqual([]);
  expect(next).toMatchObject({ selectedFiles: first.selectedFiles, selectedBytes: first.selectedBytes, addedBlobs: 0 });
  expect(next.snapshot.summary).toMatchObject({
    files_new: 0,
    files_changed: 0,
    files_unmodified: 14,
    dirs_new: 0,
    dirs_changed: 0,
    dirs_unmodified: first.snapshot.summary!.dirs_new,
    total_files_processed: 14,
    total_bytes_processed: first.snapshot.summary!.total_bytes_processed,
  });
  expect(readFileSync(statePath)).toEqual(state);
  expect(statSync(statePath, { bigint: true })).toMatchObject({ ino: written.ino, mtimeNs: written.mtimeNs });
  expect(readdirSync(dirname(statePath))).toEqual(['state']);
});

test('names of any bytes, links, times before 1970: an unchanged tree of the worst is known again', async () => {
  makeNastyTree(root);
  const first = await backUp();
  const next = await backUp({ parent: first.snapshot });
  expect(next.added.map(({ kind }) => kind)).toEqual(['snapshot']);
  expect(next.snapshot.tree).toBe(first.snapshot.tree);
  expect(await treeOf(next)).toBe(await plainTree());
});

test('after a change in one folder the others are kept, and the state is of the new snapshot', async () => {
  makeSource();
  const first = await backUp();
  write('d2/e1/new', 'new');
  const next = await backUp({ parent: first.snapshot });
  expect(await treeOf(next)).toBe(await plainTree());
  expect(next.snapshot.summary).toMatchObject({ files_new: 1, files_changed: 0, files_unmodified: 14 });
  const third = await backUp({ parent: next.snapshot });
  expect(third.added.map(({ kind }) => kind)).toEqual(['snapshot']);
  expect(third.snapshot.tree).toBe(next.snapshot.tree);
  expect(third.packIds).toEqual(next.packIds);
});

describe('what another program can do to a source is seen', () => {
  const changes: readonly [string, () => void][] = [
    [
      'contents with the same size and a time that was set back',
      () => {
        const file = join(root, 'top');
        const { atime, mtime } = statSync(file);
        writeFileSync(file, 'pot');
        utimesSync(file, atime, mtime);
      },
    ],
    ['mode', () => chmodSync(join(root, 'top'), 0o4711)],
    ['one more link', () => linkSync(join(root, 'top'), join(folder, 'elsewhere'))],
    ['a new name', () => renameSync(join(root, 'd0/e0'), join(root, 'd0/other'))],
    ['a file gone', () => unlinkSync(join(root, 'd3/e1/file 7'))],
    ['a file that has become a folder', () => (unlinkSync(join(root, 'top')), mkdirSync(join(root, 'top')))],
    ['a new folder', () => mkdirSync(join(root, 'd0/e0/new'))],
    ['another target', () => (unlinkSync(join(root, 'd1/link')), symlinkSync('anywhere', join(root, 'd1/link')))],
    ['the time of a link', () => lutimesSync(join(root, 'd1/link'), 5, 5)],
    ['an extended attribute', () => setAttribute(join(root, 'top'), 'later')],
    ['an extended attribute of a folder', () => setAttribute(join(root, 'd1/hollow'), 'later')],
    ['the time of a folder', () => utimesSync(join(root, 'd1/hollow'), 5, 5)],
    ['another file of the same name, size and time', () => replaceFile(join(root, 'd0/e0/file 0'))],
  ];
  test.each(changes)('%s', async (_, change) => {
    makeSource();
    const first = await backUp();
    change();
    const next = await backUp({ parent: first.snapshot });
    const tree = await plainTree();
    expect(tree).not.toBe(await treeOf(first));
    expect(await treeOf(next)).toBe(tree);
  });
});

function setAttribute(place: string, value: string): void {
  const set = 'import os,sys; os.setxattr(sys.argv[1], "user.of", sys.argv[2].encode())';
  execFileSync('python3', ['-c', set, place, value]);
}

test('what was remembered without extended attributes is not taken for the whole', async () => {
  makeSource();
  setAttribute(join(root, 'top'), 'one');
  const without = await backUp({ withoutNative: true });
  const next = await backUp({ parent: without.snapshot });
  expect(await treeOf(next)).not.toBe(await treeOf(without));
  expect(await treeOf(next)).toBe(await plainTree());
  expect(next.snapshot.summary).toMatchObject({ files_unmodified: 14, data_blobs: 0 });
  const third = await backUp({ parent: next.snapshot });
  expect(third.added.map(({ kind }) => kind)).toEqual(['snapshot']);
});

test('a note on an attribute is made in every backup', async () => {
  makeSource();
  const set = 'import os,sys; os.setxattr(sys.argv[1], b"user.\\xff", b"x")';
  execFileSync('python3', ['-c', set, join(root, 'top')]);
  const first = await backUp();
  expect(first.warnings).toHaveLength(1);
  const next = await backUp({ parent: first.snapshot });
  expect(next.warnings).toEqual(first.warnings);
  expect(await treeOf(next)).toBe(await treeOf(first));
});

function replaceFile(file: string): void {
  const { size, atime, mtime } = statSync(file);
  writeFileSync(`${file}.new`, noise(size, 'replaced'));
  utimesSync(`${file}.new`, atime, mtime);
  renameSync(`${file}.new`, file);
}

test('after any sequence of changes the tree is the one that a backup without memory makes', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`seed ${seed}`);
  const random = generator(seed);
  makeSource();
  let parent: SnapshotWithId | undefined;
  const older: SnapshotWithId[] = [];
  for (let round = 0; round < 8; round += 1) {
    for (let step = Math.floor(random() * 4); step > 0; step -= 1) changeSomething(random);
    // Now and then the parent is an older snapshot than the one that is remembered.
    const base = older.length > 0 && random() < 0.2 ? older[Math.floor(random() * older.length)] : parent;
    const result = await backUp(base === undefined ? {} : { parent: base });
    expect(await treeOf(result), `seed ${seed}, round ${round}`).toBe(await plainTree());
    older.push(result.snapshot);
    parent = result.snapshot;
  }
});

let names = 0;
function changeSomething(random: () => number): void {
  const folders = ['.', ...readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))]; // biome-ignore format: one list
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const place = join(root, pick(folders));
  const files = readdirSync(place, { withFileTypes: true }).filter((entry) => entry.isFile());
  const file = files.length === 0 ? undefined : join(place, pick(files).name);
  // Never twice: a name that is taken, by a folder too, would be no change but an error of this test.
  const name = join(place, `n${(names += 1)}`);
  const kind = Math.floor(random() * 8);
  if (kind === 0 || file === undefined) writeFileSync(name, noise(Math.floor(random() * 3000), name));
  else if (kind === 1) appendFileSync(file, 'more');
  else if (kind === 2) unlinkSync(file);
  else if (kind === 3) chmodSync(file, 0o600 + Math.floor(random() * 128));
  else if (kind === 4) mkdirSync(`${name}/sub`, { recursive: true });
  else if (kind === 5 && place !== root) rmSync(place, { recursive: true });
  else if (kind === 6) renameSync(file, name);
  else utimesSync(file, 1, random() * 1_000_000_000);
  if (readdirSync(root).length === 0) writeFileSync(join(root, 'last'), 'last');
}

function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('a state that cannot be used is as good as none', () => {
  const damages: readonly [string, () => void | Promise<void>][] = [
    ['missing', () => rmSync(statePath)],
    ['empty', () => truncateSync(statePath, 0)],
    ['cut short', () => truncateSync(statePath, statSync(statePath).size - 1)],
    ['a folder', () => (rmSync(statePath), mkdirSync(statePath))],
    ['something else', () => writeFileSync(statePath, noise(5000, 'something else'))],
    [
      'of another repository',
      async () => {
        const other = await initRepository(createMemoryStore(), keys);
        repo = { ...repo, config: { ...repo.config, id: other.config.id } };
      },
    ],
  ];
  test.each(damages)('%s', async (_, damage) => {
    makeSource();
    const first = await backUp();
    await damage();
    const { repo: counted, fetched } = counting();
    repo = counted;
    const next = await backUp({ parent: first.snapshot });
    expect(fetched.length).toBeGreaterThan(0);
    expect(next.snapshot.tree).toBe(first.snapshot.tree);
    expect(next.added.map(({ kind }) => kind)).toEqual(['snapshot']);
  });

  test('with any single byte changed', async () => {
    makeSource();
    const first = await backUp();
    const sound = readFileSync(statePath);
    const index = await BlobIndex.load(repo);
    for (let at = 3; at < sound.length; at += Math.ceil(sound.length / 24)) {
      const bytes = Buffer.from(sound);
      bytes[at]! ^= 0x55;
      writeFileSync(statePath, bytes);
      const next = await backUp({ parent: first.snapshot, index });
      expect(next.snapshot.tree, `byte ${at} of ${sound.length}`).toBe(first.snapshot.tree);
    }
  });

  test('rolled back to that of an older snapshot', async () => {
    makeSource();
    const first = await backUp();
    copyFileSync(statePath, join(folder, 'old'));
    write('d0/e0/file 0', 'changed');
    const next = await backUp({ parent: first.snapshot });
    copyFileSync(join(folder, 'old'), statePath);
    const third = await backUp({ parent: next.snapshot });
    expect(third.snapshot.tree).toBe(next.snapshot.tree);
    expect(third.added.map(({ kind }) => kind)).toEqual(['snapshot']);
  });

  test('when it cannot be written, the backup is made all the same', async () => {
    makeSource();
    writeFileSync(join(folder, 'file'), '');
    const result = await backUp({ statePath: join(folder, 'file', 'state') });
    expect(await treeOf(result)).toBe(await plainTree());
  });
});

test('a folder whose contents or tree the index does not know any more is stored anew', async () => {
  makeSource();
  const first = await backUp();
  for (const type of ['data', 'tree'] as const) {
    const index = new BlobIndex();
    for (const blob of (await BlobIndex.load(repo)).blobs()) if (blob.type !== type) index.add(blob);
    const next = await backUp({ parent: first.snapshot, index });
    expect(next.snapshot.tree).toBe(first.snapshot.tree);
    expect(next.added.map(({ kind }) => kind)).toContain(type === 'data' ? 'data_pack' : 'tree_pack');
    expect(next.snapshot.summary?.[type === 'data' ? 'data_blobs' : 'tree_blobs']).toBeGreaterThan(0);
  }
});

test('a file that cannot be read is told each time, and its folder is never taken for whole', async () => {
  makeSource();
  const fifo = join(root, 'd0/e0/file 0');
  const swap = { isDone: false };
  const options: Partial<BackupOptions> = {
    onProgress: ({ phase, currentPath }) => {
      if (swap.isDone || phase !== 'scan' || currentPath !== join(root, 'd0/e0')) return;
      swap.isDone = true;
      unlinkSync(fifo);
      execFileSync('mkfifo', [fifo]);
    },
  };
  const first = await backUp(options);
  expect(first.unread.map(({ path }) => path)).toEqual([fifo]);
  unlinkSync(fifo);
  write('d0/e0/file 0', 'back');
  const next = await backUp({ parent: first.snapshot });
  expect(next.unread).toEqual([]);
  expect(await treeOf(next)).toBe(await plainTree());
});

test('a witness is read although its folder is as it was, and the tree stays the same', async () => {
  makeSource();
  const first = await backUp();
  const canaryPath = join(root, 'd0/e0/file 0');
  const next = await backUp({ parent: first.snapshot, witness: { canaryPath, seed: 's', sampleCount: 3 } });
  expect(next.witness.map(({ role }) => role).sort()).toEqual(['canary', 'sample', 'sample', 'sample']);
  expect(next.snapshot.tree).toBe(first.snapshot.tree);
  expect(next.added.map(({ kind }) => kind)).toEqual(['snapshot']);
});

test('a backup that fails leaves the state as it was', async () => {
  makeSource();
  const first = await backUp();
  const before = readFileSync(statePath);
  write('d0/e0/file 0', 'changed');
  const create: typeof store.create = async (key, bytes, terms) => {
    if (key.startsWith('snapshots/')) throw new Error('planted');
    return await store.create(key, bytes, terms);
  };
  const failing: WritableRepository = { ...repo, store: { ...store, create } };
  const sound = repo;
  repo = failing;
  await expect(backUp({ parent: first.snapshot })).rejects.toThrow('planted');
  repo = sound;
  expect(readFileSync(statePath)).toEqual(before);
  expect(readdirSync(dirname(statePath))).toEqual(['state']);
  const next = await backUp({ parent: first.snapshot });
  expect(await treeOf(next)).toBe(await plainTree());
});

test('the folders of a parent that stock restic made are remembered from then on, and its check is clean', async () => {
  makeSource();
  const place = join(folder, 'repo');
  const password = join(folder, 'password');
  writeFileSync(password, 'p');
  const files = createFileStore({ root: place });
  repo = await initRepository(files, keys);
  const restic = (...args: string[]): string =>
    execFileSync('restic', ['-r', place, '--password-file', password, '--no-cache', '-q', ...args], {
      encoding: 'utf8',
    });
  const first = await backUp();
  write('d1/e1/more', 'more');
  const next = await backUp({ parent: first.snapshot });
  const last = await backUp({ parent: next.snapshot });
  expect(last.added.map(({ kind }) => kind)).toEqual(['snapshot']);
  for (const id of last.packIds) expect(await files.head(packKey(id))).toBeDefined();
  restic('check', '--read-data');
  restic('restore', last.snapshotId, '--target', join(folder, 'restored'));
  execFileSync('diff', ['-r', '--no-dereference', root, join(folder, 'restored', root)]);
  expect(existsSync(join(folder, 'restored', root, 'd1/e1/more'))).toBe(true);
});
