/**
 * What must hold after every fault, whatever it was (docs/faults.md): nothing that is stored is damaged, every sealed
 * snapshot restores to what the machine had, and the next backup succeeds and names the same tree as one without a fault.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createMemoryStore, type MemoryStore } from '../../storage/memory-store.ts';
import type { ReadCreateStore, ReadStore } from '../../storage/port.ts';
import type { BackupOptions, BackupResult } from '../backup/backup.ts';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { check } from '../check/check.ts';
import { findPath } from '../list-tree.ts';
import { listSnapshots, openRepository } from '../repository.ts';
import { restore } from '../restore/restore.ts';
import type { WritableRepository } from '../types.ts';
import { describeTree } from './nasty-tree.ts';
import { noise } from './noise.ts';
import { backUpSource } from './back-up-source.ts';

export const PASSWORD = 'survival';

/** Eight files in four folders: several data packs at `PACK_BYTES`, a piece that two share, a link and an empty file. */
export function writeSource(root: string, seed: string): void {
  const files: Record<string, Buffer> = {
    'a/one': noise(90_000, `${seed} 1`),
    'a/two': noise(60_000, `${seed} 2`),
    'a/same': noise(60_000, `${seed} 2`),
    'b/deep/er/three': noise(70_000, `${seed} 3`),
    'b/text': Buffer.from('words and words\n'.repeat(5000)),
    'b/empty': Buffer.alloc(0),
    'c/zeros': Buffer.alloc(200_000),
    top: noise(1000, `${seed} top`),
  };
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), bytes);
  }
  setWholeTimes(root, readdirSync(root, { recursive: true, encoding: 'utf8' }), 1_700_000_000);
}

/** One file changes and one is new; the rest is as it was. */
export function changeSource(root: string): void {
  writeFileSync(join(root, 'a', 'one'), noise(95_000, 'changed'));
  writeFileSync(join(root, 'b', 'new'), noise(120_000, 'new'));
  setWholeTimes(root, ['a/one', 'b/new', 'a', 'b'], 1_700_000_100);
}

/** Whole seconds, which any file system and any way of setting times keeps. */
function setWholeTimes(root: string, names: readonly string[], seconds: number): void {
  for (const name of names) utimesSync(join(root, name), seconds, seconds);
  utimesSync(root, seconds, seconds);
}

export const PACK_BYTES = 100_000;

export async function backUp(
  repo: WritableRepository,
  source: string,
  more: Partial<BackupOptions> = {},
): Promise<BackupResult> {
  return await backUpSource(repo, source, { packBytes: PACK_BYTES, ...more });
}

export async function copyStore(from: ReadStore): Promise<MemoryStore> {
  const copy = createMemoryStore();
  for await (const { key } of from.list('')) await copy.create(key, await from.get(key));
  return copy;
}

/** Writes a store's objects as files, for stock restic. */
export async function dumpStore(from: ReadStore, folder: string): Promise<void> {
  for await (const { key } of from.list('')) {
    mkdirSync(dirname(join(folder, key)), { recursive: true });
    writeFileSync(join(folder, key), await from.get(key));
  }
}

export function restic(repo: string, ...args: string[]): string {
  const env = { ...process.env, RESTIC_PASSWORD: PASSWORD };
  return execFileSync('restic', ['-r', repo, '--no-cache', '--no-lock', ...args], {
    env,
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

/** Stock restic reads every byte of it. @throws when it finds anything wrong. */
export async function assertResticFindsClean(store: ReadStore): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-witness-'));
  try {
    await dumpStore(store, folder);
    const said = restic(folder, 'check', '--read-data');
    if (!said.includes('no errors were found')) throw new Error(said);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Every error that our own check finds, as text; an empty list for a clean repository. */
export async function damageOf(store: ReadCreateStore): Promise<string[]> {
  const { findings } = await check(await openRepository(store, PASSWORD), { readData: true });
  return findings.filter(({ severity }) => severity === 'error').map(({ kind, message }) => `${kind}: ${message}`);
}

/** The tree of a folder in a snapshot: what lies above it (the temporary folder) changes at any time. */
export async function treeOf(store: ReadCreateStore, snapshotTree: string, folder: string): Promise<string> {
  const repo = await openRepository(store, PASSWORD);
  const found = await findPath(new BlobReader(repo, await BlobIndex.load(repo)), snapshotTree, folder);
  return found?.node.subtree ?? 'not there';
}

/** Restores every snapshot; by id, the description of what came back of `source` (testing/nasty-tree.ts). */
export async function restoreAll(store: ReadCreateStore, source: string): Promise<Map<string, string[]>> {
  const repo = await openRepository(store, PASSWORD);
  const { snapshots, damaged } = await listSnapshots(repo);
  if (damaged.length > 0) throw new Error(`damaged snapshots: ${JSON.stringify(damaged)}`);
  const trees = new Map<string, string[]>();
  for (const snapshot of snapshots) {
    const targetDir = mkdtempSync(join(tmpdir(), 'holdfast-survivor-'));
    try {
      const result = await restore(repo, await BlobIndex.load(repo), { snapshot, targetDir });
      if (result.damaged.length > 0) throw new Error(`not whole: ${JSON.stringify(result.damaged)}`);
      trees.set(snapshot.id, describeTree(join(targetDir, source)));
    } finally {
      rmSync(targetDir, { recursive: true });
    }
  }
  return trees;
}
