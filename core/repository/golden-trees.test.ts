/**
 * Trees are spelled exactly as stock restic spells them: for a folder with everything that a file system can hold, the tree
 * id of our backup is that of restic, either takes the other's snapshot as parent and adds nothing, and what either wrote the
 * other restores to the same metadata.
 */
import { chmodSync, chownSync, linkSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { listMetadata, makeNastyMetadata, makeOddAttributes } from '../../tests/support/nasty-metadata.ts';
import { type StockRestic, stockRestic } from '../../tests/support/stock-restic.ts';
import { createFileStore } from '../storage/file-store.ts';
import type { BackupOptions, BackupResult } from './backup/backup.ts';
import { BlobIndex } from './blob-index.ts';
import { BlobReader } from './blob-reader.ts';
import { findPath } from './list-tree.ts';
import { loadSnapshot, openRepository } from './repository.ts';
import { restore } from './restore/restore.ts';
import { makeNastyTree } from './testing/nasty-tree.ts';
import type { SnapshotWithId, WritableRepository } from './types.ts';
import { backUpSource } from './testing/back-up-source.ts';
import { cheapenKey } from './testing/cheapen-key.ts';

const PASSWORD = 'the same for both';
/** Folders above the source, whose times anybody may change while the test runs. */
const FOLDERS_ABOVE = 5;

// The first use of a release downloads it.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

let scratch: string;
let source: string;
let odd: string;

beforeAll(() => {
  if (process.getuid?.() !== 0) throw new Error('this test makes devices: run it as root');
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-golden-'));
  source = join(scratch, 'source');
  odd = join(scratch, 'odd');
  makeNastyTree(source);
  mkdirSync(join(source, 'metadata'));
  makeNastyMetadata(join(source, 'metadata'));
  mkdirSync(odd);
  makeOddAttributes(odd);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function backUp(repo: WritableRepository, more: Partial<BackupOptions> = {}): Promise<BackupResult> {
  return await backUpSource(repo, source, more);
}

describe.each(['0.18', '0.19'] as const)('beside restic %s', (release) => {
  let folder: string;
  let restic: StockRestic;
  let repo: WritableRepository;
  let ours: BackupResult;

  /** Of the folder itself: those above it are everybody's. */
  async function treeOf(snapshot: SnapshotWithId, path = source): Promise<string> {
    const reader = new BlobReader(repo, await BlobIndex.load(repo));
    const tree = (await findPath(reader, snapshot.tree, path))?.node.subtree;
    if (tree === undefined) throw new Error(`${path} is not in the snapshot`);
    return tree;
  }

  beforeAll(async () => {
    restic = stockRestic(release, PASSWORD);
    folder = join(scratch, `repo-${release}`);
    restic.run(folder, 'init');
    await cheapenKey(folder, PASSWORD);
    repo = await openRepository(createFileStore({ root: folder }), PASSWORD);
    ours = await backUp(repo);
  });

  test('the tree of a folder has the same id', async () => {
    expect(ours).toMatchObject({ unread: [], warnings: [], socketsSkipped: 1 });
    expect(ours.selectedFiles).toBeGreaterThan(1500);
    const summary = restic.summary(folder, 'backup', '--force', '--host', 'machine', source);
    expect(summary).toMatchObject({ status: 0, data_blobs: 0 });
    const theirs = await loadSnapshot(repo, String(summary['snapshot_id']));
    expect(await treeOf(theirs)).toBe(await treeOf(ours.snapshot));
  });

  test('names of attributes that are no UTF-8 are spelled as restic spells them, and told', async () => {
    const result = await backUp(repo, { paths: [odd] });
    expect(result.warnings.map(({ path }) => path)).toEqual(['0', '1', '2', '3'].map((name) => join(odd, name)));
    const summary = restic.summary(folder, 'backup', '--force', '--host', 'odd', odd);
    const theirs = await loadSnapshot(repo, String(summary['snapshot_id']));
    expect(await treeOf(theirs, odd)).toBe(await treeOf(result.snapshot, odd));
  });

  test('with our snapshot as parent restic adds nothing', async () => {
    const summary = restic.summary(folder, 'backup', '--parent', ours.snapshotId, source);
    expect(summary).toMatchObject({
      status: 0,
      files_new: 0,
      files_changed: 0,
      files_unmodified: ours.selectedFiles,
      data_blobs: 0,
    });
    expect(summary['tree_blobs']).toBeLessThanOrEqual(FOLDERS_ABOVE);
    expect(await treeOf(await loadSnapshot(repo, String(summary['snapshot_id'])))).toBe(await treeOf(ours.snapshot));
  });

  test('with restic’s snapshot as parent we add nothing', async () => {
    const alone = join(scratch, `theirs-${release}`);
    restic.run(alone, 'init');
    await cheapenKey(alone, PASSWORD);
    restic.run(alone, 'backup', '-q', '--host', 'machine', source);
    const theirs = await openRepository(createFileStore({ root: alone }), PASSWORD);
    const parent = await loadSnapshot(theirs, 'latest');
    const { unread, snapshot, added } = await backUp(theirs, { parent });
    expect(unread).toEqual([]);
    expect(snapshot.summary).toMatchObject({ files_new: 0, files_changed: 0, data_blobs: 0, dirs_new: 0 });
    expect(snapshot.summary?.tree_blobs).toBeLessThanOrEqual(FOLDERS_ABOVE);
    expect(added.filter(({ kind }) => kind === 'data_pack')).toEqual([]);
  });

  test('what restic wrote comes back here with all of its metadata', async () => {
    const summary = restic.summary(folder, 'backup', '--force', '--host', 'machine', source);
    const snapshot = await loadSnapshot(repo, String(summary['snapshot_id']));
    const target = join(scratch, `by-us-${release}`);
    const result = await restore(repo, await BlobIndex.load(repo), { snapshot, targetDir: target });
    expect(result).toMatchObject({ damaged: [], skipped: [], warnings: [] });
    expect(listMetadata(join(target, source))).toEqual(listMetadata(source));
    const { size, blocks } = statSync(join(target, source, 'metadata/sparse'));
    expect(blocks * 512, 'holes are holes').toBeLessThan(size / 2);
    rmSync(target, { recursive: true });
  });

  test('what we wrote comes back from restic with all of its metadata, and is whole', () => {
    const target = join(scratch, `by-restic-${release}`);
    restic.run(folder, 'restore', ours.snapshotId, '--target', target);
    expect(listMetadata(join(target, source))).toEqual(listMetadata(source));
    expect(restic.run(folder, 'check', '--read-data')).toContain('no errors were found');
    rmSync(target, { recursive: true });
  });

  test('restic has nothing to rewrite or to repair in what we wrote, and can leave a file out of it', () => {
    const unchanged = 'no snapshots were modified';
    expect(restic.run(folder, 'rewrite', '--exclude', 'not in it', ours.snapshotId)).toContain(unchanged);
    expect(restic.run(folder, 'repair', 'snapshots', ours.snapshotId)).toContain(unchanged);
    expect(restic.run(folder, 'rewrite', '--exclude', 'plain.txt', ours.snapshotId)).toContain('modified 1 snapshots');
    expect(restic.run(folder, 'check', '--read-data')).toContain('no errors were found');
  });

  test('folders on the way to several sources are as restic has them', async () => {
    const above = join(scratch, `above-${release}`);
    for (const name of ['way/a/b/c', 'way/a/d', 'way/not']) mkdirSync(join(above, name), { recursive: true });
    for (const name of ['way/a/b/c/f', 'way/a/not', 'way/file', 'way/a/d/g']) writeFileSync(join(above, name), name);
    chmodSync(join(above, 'way/a'), 0o2775);
    chownSync(join(above, 'way/a/b'), 5, 6);
    linkSync(join(above, 'way/file'), join(above, 'way/again'));
    const paths = ['way/a/b/c', 'way/a/d', 'way/file', 'way/again'].map((name) => join(above, name));
    const result = await backUp(repo, { paths });
    const summary = restic.summary(folder, 'backup', '--force', '--host', 'several', ...paths);
    const theirs = await loadSnapshot(repo, String(summary['snapshot_id']));
    expect(await treeOf(result.snapshot, above)).toBe(await treeOf(theirs, above));
  });
});
