/** What backups write, stock restic checks, restores and builds upon; and what restic wrote, backups build upon. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { createFileStore } from '../../storage/file-store.ts';
import { createMemoryStore } from '../../storage/memory-store.ts';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { findPath } from '../list-tree.ts';
import { initRepository, loadSnapshot, openRepository } from '../repository.ts';
import { describeTree, makeNastyTree } from '../testing/nasty-tree.ts';
import type { SnapshotWithId, WritableRepository } from '../types.ts';
import type { BackupOptions, BackupResult } from './backup.ts';
import { noise } from '../testing/noise.ts';
import { backUpSource } from '../testing/back-up-source.ts';

// Several runs of restic a test, each with its second for the password, on a machine that may have other work.
vi.setConfig({ testTimeout: 120_000 });

const PASSWORD = 'one password for both';
const KEY = { password: PASSWORD, strength: 'machine', hostname: 'h', username: 'u', clock: systemClock } as const;
let scratch: string;
let source: string;

/** @throws with restic's own words when it exits with anything but 0. */
function restic(repo: string, ...args: string[]): string {
  const env = { ...process.env, RESTIC_PASSWORD: PASSWORD };
  return execFileSync('restic', ['-r', repo, '--no-cache', ...args], { env, encoding: 'utf8', stdio: 'pipe' });
}

async function backUp(repo: WritableRepository, more: Partial<BackupOptions> = {}): Promise<BackupResult> {
  return await backUpSource(repo, source, more);
}

/** Tree of the source itself: the folders above it change whenever anybody makes a temporary folder. */
async function sourceTree(repo: WritableRepository, snapshot: SnapshotWithId): Promise<string | undefined> {
  const reader = new BlobReader(repo, await BlobIndex.load(repo));
  return (await findPath(reader, snapshot.tree, source))?.node.subtree;
}

function dataPacks({ added }: BackupResult): string[] {
  return added.filter(({ kind }) => kind === 'data_pack').map(({ key }) => basename(key));
}

/** The root, the system's temporary folder, and those of this test in it. */
const FOLDERS_ABOVE = 5;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-backup-'));
  source = join(scratch, 'source');
  makeNastyTree(source);
  mkdirSync(join(source, 'many'));
  for (let at = 0; at < 700; at += 1)
    writeFileSync(join(source, 'many', `${at}`), noise((at * 37) % 4000, `many ${at}`));
  // Larger than a buffer of the pipeline, so that chunks are carried over from one to the next.
  writeFileSync(join(source, 'random'), noise(21 * 1024 * 1024 + 17, 'random'));
  // Folders whose times a later step would change get theirs now.
  chmodSync(join(source, 'many'), 0o750);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('a repository that was made here', () => {
  let folder: string;
  let repo: WritableRepository;
  let first: BackupResult;

  beforeAll(async () => {
    folder = join(scratch, 'ours');
    repo = await initRepository(createFileStore({ root: folder }), KEY);
    first = await backUp(repo, { packBytes: 2 * 1024 * 1024 });
  });

  test('is whole in the eyes of restic check --read-data', () => {
    expect(restic(folder, 'check', '--read-data')).toContain('no errors were found');
    expect(first.unread).toEqual([]);
    const packs = first.added.filter(({ kind }) => kind === 'data_pack' || kind === 'tree_pack');
    expect(packs.length).toBeGreaterThan(8);
  });

  test('is restored by restic byte for byte, with modes, times and links', () => {
    const target = join(scratch, 'restored-by-restic');
    restic(folder, 'restore', 'latest', '--target', target);
    expect(describeTree(join(target, source))).toEqual(describeTree(source));
  });

  test('gets no new data from an unchanged folder, and the same tree', async () => {
    const parent = await loadSnapshot(repo, 'latest');
    for (const options of [{ parent }, {}]) {
      const again = await backUp(repo, options);
      expect(await sourceTree(repo, again.snapshot)).toBe(await sourceTree(repo, first.snapshot));
      expect(again.unread).toEqual([]);
      expect(again.snapshot.summary?.data_blobs).toBe(0);
      expect(again.snapshot.summary?.tree_blobs).toBeLessThanOrEqual(FOLDERS_ABOVE);
      expect(again.added.filter(({ kind }) => kind === 'data_pack')).toEqual([]);
      expect(again.packIds).toEqual(expect.arrayContaining(dataPacks(first)));
      expect(again.snapshot.summary).toMatchObject(
        'parent' in options
          ? { files_unmodified: first.selectedFiles, files_new: 0, files_changed: 0, dirs_new: 0 }
          : { files_new: first.selectedFiles },
      );
    }
  });

  test('is a parent to restic, which then adds nothing', async () => {
    const lines = restic(folder, 'backup', '--json', '--host', 'machine', source).trim().split('\n');
    const summary = JSON.parse(lines.at(-1)!) as Record<string, number>;
    expect(summary).toMatchObject({
      files_new: 0,
      files_changed: 0,
      files_unmodified: first.selectedFiles,
      data_blobs: 0,
    });
    // The very trees: a name that is spelled otherwise anywhere would make a new one.
    expect(summary['tree_blobs']).toBeLessThanOrEqual(FOLDERS_ABOVE);
    expect(await sourceTree(repo, await loadSnapshot(repo, 'latest'))).toBe(await sourceTree(repo, first.snapshot));
  });
});

describe('a repository that restic made', () => {
  test('is cut here where restic cuts, and its blobs are used again, with and without its snapshot as parent', async () => {
    const folder = join(scratch, 'theirs');
    restic(folder, 'init');
    restic(folder, 'backup', '-q', '--host', 'machine', source);
    const repo = await openRepository(createFileStore({ root: folder }), PASSWORD);
    const parent = await loadSnapshot(repo, 'latest');
    for (const options of [{}, { parent }]) {
      const result = await backUp(repo, options);
      expect(result.unread).toEqual([]);
      expect(result.snapshot.summary?.data_blobs).toBe(0);
      expect(result.snapshot.summary?.tree_blobs).toBeLessThanOrEqual(FOLDERS_ABOVE);
      expect(await sourceTree(repo, result.snapshot)).toBe(await sourceTree(repo, parent));
    }
    expect(restic(folder, 'check', '--read-data')).toContain('no errors were found');
  });

  test('of format version 1 is refused, and nothing is written', async () => {
    const folder = join(scratch, 'version-1');
    restic(folder, 'init', '--repository-version', '1');
    const repo = await openRepository(createFileStore({ root: folder }), PASSWORD);
    await expect(backUp(repo)).rejects.toMatchObject({ code: 'bad_request' });
    expect(restic(folder, 'snapshots', '--json').trim()).toBe('[]');
  });
});

test('a changed folder gives a snapshot that needs packs of both backups, and lists exactly those', async () => {
  const store = createMemoryStore();
  const repo = await initRepository(store, KEY);
  const folder = join(scratch, 'changing');
  mkdirSync(folder);
  writeFileSync(join(folder, 'kept'), noise(3_000_000, 'kept'));
  writeFileSync(join(folder, 'grown'), 'one');
  const one = await backUp(repo, { paths: [folder] });
  appendFileSync(join(folder, 'grown'), ' two');
  const two = await backUp(repo, { paths: [folder], parent: one.snapshot });
  expect(two.snapshot.summary).toMatchObject({ files_unmodified: 1, files_changed: 1, data_blobs: 1 });
  const index = await BlobIndex.load(repo);
  const needed = new Set<string>();
  const added = new Set(two.added.map(({ key }) => key.split('/').at(-1)!));
  for (const { packId, type } of index.blobs()) if (added.has(packId) || type === 'data') needed.add(packId);
  expect(new Set(two.packIds)).toEqual(needed);
  expect(two.packIds.filter((id) => !added.has(id))).toHaveLength(1);
});
