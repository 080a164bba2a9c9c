/** A repository of format version 1 is read in every way, and nothing that is done to it closes it to stock restic. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFileStore } from '../storage/file-store.ts';
import { BlobIndex } from './blob-index.ts';
import { packsOf } from './packs-of-index.ts';
import { check } from './check/check.ts';
import { copySnapshots } from './copy/copy-snapshots.ts';
import { removeSnapshots } from './forget/forget.ts';
import { prune } from './prune/prune.ts';
import { repairIndex } from './repair/repair-index.ts';
import { repairPacks } from './repair/repair-packs.ts';
import { repairSnapshots } from './repair/repair-snapshots.ts';
import { listSnapshots, openRepository } from './repository.ts';
import { backUpSource } from './testing/back-up-source.ts';
import { buildRepository } from './testing/build-repository.ts';
import { cheapenKey } from './testing/cheapen-key.ts';
import { noise } from './testing/noise.ts';
import type { AdministeredRepository } from './types.ts';

const PASSWORD = 'version 1';

let scratch: string;
let folder: string;
let repo: AdministeredRepository;

function restic(...args: string[]): string {
  const env = { ...process.env, RESTIC_PASSWORD: PASSWORD };
  return execFileSync('restic', ['-r', folder, '--no-cache', ...args], { env, encoding: 'utf8', stdio: 'pipe' });
}

const stored = (): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /[0-9a-f]{64}$/.test(name))
    .sort();

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-version-1-'));
  folder = join(scratch, 'repo');
  restic('init', '--repository-version', '1');
  const source = join(scratch, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'kept'), noise(2_000_000, 'kept'));
  for (const round of [1, 2]) {
    writeFileSync(join(source, 'changed'), noise(300_000, `round ${round}`));
    restic('backup', '-q', source);
  }
  await cheapenKey(folder, PASSWORD);
  repo = await openRepository(createFileStore({ root: folder }), PASSWORD);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('whatever would write into it is refused before it changes anything, and may be looked at in a dry run', async () => {
  const before = stored();
  const { snapshots } = await listSnapshots(repo);
  const index = await BlobIndex.load(repo);
  const [pack] = packsOf(index);
  const maxUnused = { bytes: 0 };
  const source = await buildRepository();
  const refused = [
    async () => await backUpSource(repo, join(scratch, 'source')),
    async () => await prune(repo, { isDryRun: false, maxUnused }),
    async () => await repairIndex(repo, { isDryRun: false, readsAllPacks: true }),
    async () => await repairSnapshots(repo, { isDryRun: false, forgets: true, snapshots, index }),
    async () => await repairPacks(repo, { packIds: [pack!.packId], onDamagedPack: async () => undefined }),
    async () =>
      await copySnapshots(source.repo, repo, { snapshots: [] } as unknown as Parameters<typeof copySnapshots>[2]),
  ];
  for (const attempt of refused) await expect(attempt()).rejects.toMatchObject({ code: 'bad_request' });
  expect(stored()).toEqual(before);
  expect(await prune(repo, { isDryRun: true, maxUnused })).toMatchObject({ unusedBlobs: 0 });
  expect(await check(repo, { readData: true })).toMatchObject({ isIntact: true, findings: [] });
});

test('forgetting a snapshot leaves the rest to restic, which prunes it', async () => {
  const { snapshots } = await listSnapshots(repo);
  await removeSnapshots(repo.store, [snapshots[0]!.id], () => undefined);
  restic('prune', '--max-unused', '0');
  expect(restic('check', '--read-data')).toContain('no errors were found');
  expect(await check(repo, { readData: true })).toMatchObject({ isIntact: true, findings: [] });
});
