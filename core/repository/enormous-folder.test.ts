/** A folder is one listing, however much it holds: what stock restic stores of an enormous one is read, and ours is the same. */
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type StockRestic, stockRestic } from '../../tests/support/stock-restic.ts';
import { createFileStore } from '../storage/file-store.ts';
import { BlobIndex } from './blob-index.ts';
import { check } from './check/check.ts';
import { loadSnapshot, openRepository } from './repository.ts';
import { restore } from './restore/restore.ts';
import { backUpSource } from './testing/back-up-source.ts';
import { cheapenKey } from './testing/cheapen-key.ts';
import type { AdministeredRepository } from './types.ts';

const PASSWORD = 'enormous';
/** Each letter of these targets takes six in the listing: as much of it as of some 200,000 files. */
const LINKS = 2900;
const TARGET = '\x01'.repeat(4000);

// The first use of a release downloads it.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

let scratch: string;
let source: string;
let restic: StockRestic;
let folder: string;
let repo: AdministeredRepository;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-enormous-'));
  source = join(scratch, 'source');
  mkdirSync(join(source, 'enormous'), { recursive: true });
  writeFileSync(join(source, 'beside'), 'beside');
  for (let at = 0; at < LINKS; at += 1) symlinkSync(TARGET, join(source, 'enormous', `link ${at}`));
  folder = join(scratch, 'repo');
  restic = stockRestic('0.19', PASSWORD);
  restic.run(folder, 'init');
  await cheapenKey(folder, PASSWORD);
  repo = await openRepository(createFileStore({ root: folder }), PASSWORD);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('its listing is restic’s to the byte, is read from both, and is a parent to both', async () => {
  const first = restic.summary(folder, 'backup', '--host', 'machine', source);
  expect(first['data_added']).toBeGreaterThan(65 * 1024 * 1024);
  const parent = await loadSnapshot(repo, String(first['snapshot_id']));
  const ours = await backUpSource(repo, source, { parent });
  expect(ours.unread).toEqual([]);
  expect(ours.snapshot.summary).toMatchObject({ files_new: 0, files_changed: 0, dirs_new: 0, data_blobs: 0 });
  expect(ours.addedBytes, 'the listing is there already').toBeLessThan(1024 * 1024);
  const second = restic.summary(folder, 'backup', '--parent', ours.snapshotId, source);
  expect(second).toMatchObject({ status: 0, files_new: 0, files_changed: 0, data_blobs: 0 });
  expect(second['data_added']).toBeLessThan(1024 * 1024);

  const found = await check(repo, { readData: true });
  expect(found).toMatchObject({ isIntact: true, findings: [] });
  const target = join(scratch, 'restored');
  const { snapshot } = ours;
  const result = await restore(repo, await BlobIndex.load(repo), { snapshot, targetDir: target });
  expect(result).toMatchObject({ damaged: [], skipped: [] });
  const restored = join(target, source, 'enormous');
  expect(readdirSync(restored)).toHaveLength(LINKS);
  expect(readlinkSync(join(restored, 'link 7'))).toBe(TARGET);
});
