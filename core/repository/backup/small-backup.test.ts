/** What a backup with little to store costs: no thread, and the same repository as with them. */
import { channel } from 'node:diagnostics_channel';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createMemoryStore } from '../../storage/memory-store.ts';
import { BlobIndex } from '../blob-index.ts';
import { check } from '../check/check.ts';
import { backUpSource } from '../testing/back-up-source.ts';
import { buildRepository, type TestRepository } from '../testing/build-repository.ts';
import { noise } from '../testing/noise.ts';

let scratch: string;
let source: string;
let built: TestRepository;
let threads = 0;

const threadStarted = (): void => {
  threads += 1;
};

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-small-'));
  source = join(scratch, 'source');
  mkdirSync(join(source, 'folder'), { recursive: true });
  for (let at = 0; at < 40; at += 1) writeFileSync(join(source, 'folder', `${at}`), noise(at * 100, `file ${at}`));
  built = await buildRepository(createMemoryStore());
  threads = 0;
  channel('worker_threads').subscribe(threadStarted);
});
afterEach(() => {
  channel('worker_threads').unsubscribe(threadStarted);
  vi.unstubAllEnvs();
  rmSync(scratch, { recursive: true, force: true });
});

async function backUp(more: Parameters<typeof backUpSource>[2] = {}) {
  return await backUpSource(built.repo, source, more);
}

async function findings(): Promise<unknown> {
  threads = 0;
  return (await check(built.repo, { readData: true })).findings;
}

test('little to store is stored without a thread, in packs that a check finds whole', async () => {
  const first = await backUp();
  expect(threads).toBe(0);
  expect(first).toMatchObject({ selectedFiles: 40, unread: [] });
  expect(first.added.filter(({ kind }) => kind === 'data_pack')).toHaveLength(1);
  writeFileSync(join(source, 'folder', '7'), 'changed');
  const second = await backUp({ parent: first.snapshot, index: await BlobIndex.load(built.repo) });
  expect(threads).toBe(0);
  expect(second.addedBlobs).toBeGreaterThan(1);
  expect(await findings()).toEqual([]);
});

test('one large file is work for several threads', async () => {
  writeFileSync(join(source, 'large'), noise(40 * 1024 * 1024, 'large'));
  const { unread } = await backUp({ readConcurrency: 2 });
  expect(threads).toBe(2);
  expect(unread).toEqual([]);
  expect(await findings()).toEqual([]);
});

/** Paths, where the system tells them. */
function openFiles(): string[] {
  const folder = '/proc/self/fd';
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(join(folder, fd))];
    } catch {
      return []; // it was closed meanwhile
    }
  });
}

test('a failure while little is stored is the store’s, and leaves no scratch file open or behind', async () => {
  const { store } = built.repo;
  vi.stubEnv('TMPDIR', scratch);
  const failing = { ...store, create: () => Promise.reject(new Error('the store is gone')) };
  await expect(backUpSource({ ...built.repo, store: failing }, source)).rejects.toThrow('the store is gone');
  expect(threads).toBe(0);
  expect(readdirSync(scratch)).toEqual(['source']);
  expect(openFiles().filter((file) => file.startsWith(scratch))).toEqual([]);
});
