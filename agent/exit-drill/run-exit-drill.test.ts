/** The exit drill against vaults on disk, with the restic that is installed: what comes back is right, or the result says why not. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../core/base/clock.ts';
import { backup } from '../../core/repository/backup/backup.ts';
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { initRepository } from '../../core/repository/repository.ts';
import { createFileStore } from '../../core/storage/file-store.ts';
import { runExitDrill } from './run-exit-drill.ts';

const PASSWORD = 'ABCD-EFGH';
const FILES: Readonly<Record<string, string>> = { 'a *[1]?.txt': 'patterns', 'sub/$HOME': 'a dollar', empty: '' };

let folder: string;
let source: string;
let vault: string;
let repositoryId: string;
let snapshotId: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-exit-'));
  source = path.join(folder, 'source');
  vault = path.join(folder, 'vault');
  for (const [name, contents] of Object.entries(FILES)) {
    mkdirSync(path.dirname(path.join(source, name)), { recursive: true });
    writeFileSync(path.join(source, name), contents);
  }
  const repo = await initRepository(createFileStore({ root: vault }), {
    password: PASSWORD,
    strength: 'machine',
    hostname: 'test',
    username: 'recovery-kit',
    clock: systemClock,
  });
  repositoryId = repo.config.id;
  const result = await backup(repo, {
    paths: [source],
    hostname: 'test',
    time: new Date(),
    index: await BlobIndex.load(repo),
    clock: systemClock,
    programVersion: 'holdfast test',
  });
  ({ snapshotId } = result);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const drill = async (changes: Partial<Parameters<typeof runExitDrill>[0]> = {}) =>
  await runExitDrill({
    program: 'restic',
    vault,
    password: PASSWORD,
    environment: {},
    signal: new AbortController().signal,
    repositoryId,
    snapshotId,
    paths: Object.keys(FILES).map((name) => path.join(source, name)),
    nowMs: systemClock.nowMs,
    ...changes,
  });

test('restores exactly what was asked for, whatever its names look like, and leaves nothing behind', async () => {
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('holdfast-exit-drill-'));
  const result = await drill();
  expect(result.problem).toBeNull();
  expect(result.software.restic).toMatch(/^restic \d/);
  const wanted = Object.entries(FILES).map(([name, contents]) => ({
    path: path.join(source, name),
    size: contents.length,
    sha256: createHash('sha256').update(contents).digest('hex'),
  }));
  expect(result.files).toEqual(wanted);
  const after = readdirSync(tmpdir()).filter((name) => name.startsWith('holdfast-exit-drill-'));
  expect(after.filter((name) => !before.includes(name))).toEqual([]);
});

test('says what stands in the way: another password, another vault, no vault, no such restore point', async () => {
  expect((await drill({ password: 'WRONG' })).problem).toMatchObject({ code: 'wrong_password' });
  expect((await drill({ repositoryId: '0'.repeat(64) })).problem).toMatchObject({ code: 'bad_request' });
  expect((await drill({ vault: path.join(folder, 'none') })).problem).toMatchObject({ code: 'repository_missing' });
  expect((await drill({ snapshotId: '1'.repeat(64) })).problem).toMatchObject({ code: 'repository_damaged' });
});

test('a path that is not in the backup does not come back', async () => {
  const result = await drill({ paths: [path.join(source, 'empty'), path.join(source, 'none')] });
  expect(result.files.map(({ path: found }) => path.basename(found))).toEqual(['empty']);
});
