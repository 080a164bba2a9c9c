/** What stored sizes could tell: which of two packs a blob is in, nobody can say beforehand. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFileStore } from '../../storage/file-store.ts';
import { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { check } from '../check/check.ts';
import { findPath } from '../list-tree.ts';
import { packsOf } from '../packs-of-index.ts';
import { backUpSource } from '../testing/back-up-source.ts';
import { buildRepository, idOf } from '../testing/build-repository.ts';
import { noise } from '../testing/noise.ts';
import type { OpenRepository } from '../types.ts';
import { BlobWriter } from './blob-writer.ts';
import { OpenPacks } from './open-packs.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-open-packs-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Places of these blobs in the packs: for each pack the numbers of those in it, in its order. */
async function places(repo: OpenRepository, ids: readonly string[]): Promise<number[][]> {
  const numbers = new Map(ids.map((id, number) => [id, number]));
  const index = await BlobIndex.load(repo);
  return [...packsOf(index)]
    .map(({ blobs }) => blobs.flatMap(({ id }) => numbers.get(id) ?? []))
    .filter((found) => found.length > 0);
}

/** Of neighbours in a pack, how many were neighbours before. */
function neighbours(packs: readonly (readonly number[])[]): { kept: number; all: number } {
  let kept = 0;
  let all = 0;
  for (const numbers of packs)
    for (const [place, number] of numbers.entries()) {
      if (place === 0) continue;
      all += 1;
      if (number === numbers[place - 1]! + 1) kept += 1;
    }
  return { kept, all };
}

test('either pack is as likely', () => {
  const packs = new OpenPacks(() => '/nowhere', 16 * 1024 * 1024);
  const counts = Array.from({ length: 2 }, () => 0);
  for (let round = 0; round < 10_000; round += 1) counts[packs.draw()]! += 1;
  // Twelve times as far from the middle as chance usually is.
  for (const count of counts) expect(Math.abs(count - 5000)).toBeLessThan(600);
});

test('neighbouring pieces of a file are not neighbours in a pack, and a small rest is one pack', async () => {
  const { repo } = await buildRepository(createFileStore({ root: join(folder, 'backup') }));
  const source = join(folder, 'source');
  writeFileSync(source, noise(60 * 1024 * 1024, 'chunks'));
  // Packs of which each has room for some; one thread, which would otherwise keep their order.
  const { snapshot, added } = await backUpSource(repo, source, { readConcurrency: 1, packBytes: 16 * 1024 * 1024 });
  const index = await BlobIndex.load(repo);
  const node = (await findPath(new BlobReader(repo, index), snapshot.tree, source))!.node;
  const { kept, all } = neighbours(await places(repo, node.content!));
  expect(all).toBeGreaterThan(20);
  expect(kept).toBeLessThan(all * 0.9);
  expect(added.filter(({ kind }) => kind === 'tree_pack')).toHaveLength(1);
  expect(added.filter(({ kind }) => kind === 'data_pack').length).toBeLessThanOrEqual(5);
  expect(await check(repo, { readData: true })).toMatchObject({ isIntact: true, findings: [] });
});

test('neither are blobs that a prune or a copy stores anew', async () => {
  const root = join(folder, 'writer');
  const { repo } = await buildRepository(createFileStore({ root }));
  const plains = Array.from({ length: 200 }, (_, at) => noise(90_000, `blob ${at}`));
  const writer = new BlobWriter(repo, new BlobIndex(), { packBytes: 4 * 1024 * 1024 });
  for (const plain of plains) await writer.addPlain(idOf(plain), 'data', plain);
  await writer.closePacks();
  await writer.writeIndex();
  const { kept, all } = neighbours(await places(repo, plains.map(idOf)));
  expect(all).toBeGreaterThan(180);
  expect(kept).toBeLessThan(all * 0.75);
  expect(readdirSync(join(root, '.tmp'))).toEqual([]);
  expect(await check(repo, { readData: true })).toMatchObject({ isIntact: true, findings: [] });
});
