/** A store that fails at any moment of a backup: never a snapshot that needs what is not there, and the next one succeeds. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { createFileStore } from '../../storage/file-store.ts';
import { createMemoryStore } from '../../storage/memory-store.ts';
import type { ObjectStore } from '../../storage/port.ts';
import { createFaultyStore, type Fault } from '../../storage/testing/faulty-store.ts';
import { BlobIndex } from '../blob-index.ts';
import { initRepository, listSnapshots, openRepository } from '../repository.ts';
import type { WritableRepository } from '../types.ts';
import { type BackupResult, backup } from './backup.ts';
import { sealBlob } from './seal-blob.ts';
import { noise } from '../testing/noise.ts';

const PASSWORD = 'faults';
let scratch: string;
let source: string;
/** A repository with one backup, to be copied: the failing backups are its second ones. */
let template: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
  source = join(scratch, 'source');
  mkdirSync(join(source, 'a'), { recursive: true });
  writeFileSync(join(source, 'a', 'old'), noise(150_000, 'old'));
  template = join(scratch, 'template');
  const clock = systemClock;
  const key = { password: PASSWORD, strength: 'machine', hostname: 'h', username: 'u', clock } as const;
  const repo = await initRepository(createFileStore({ root: template }), key);
  await backUp(repo);
  for (let at = 0; at < 5; at += 1) writeFileSync(join(source, 'a', `new${at}`), noise(70_000, `new ${at}`));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function backUp(repo: WritableRepository): Promise<BackupResult> {
  return await backup(repo, {
    paths: [source],
    hostname: 'machine',
    time: new Date(),
    index: await BlobIndex.load(repo),
    clock: systemClock,
    programVersion: 'holdfast test',
    packBytes: 100_000,
  });
}

function restic(repo: string, ...args: string[]): string {
  const env = { ...process.env, RESTIC_PASSWORD: PASSWORD };
  return execFileSync('restic', ['-r', repo, '--no-cache', ...args], { env, encoding: 'utf8', stdio: 'pipe' });
}

async function copyOfTemplate(name: string): Promise<{ folder: string; store: ObjectStore; repo: WritableRepository }> {
  const folder = join(scratch, name);
  cpSync(template, folder, { recursive: true });
  const store = createFileStore({ root: folder });
  return { folder, store, repo: await openRepository(store, PASSWORD) };
}

async function countCreates(effect: string): Promise<number> {
  const { repo, store } = await copyOfTemplate(`${effect}-count`);
  const counting = createFaultyStore(store);
  await backUp({ ...repo, store: counting });
  return counting.calls.create;
}

test.each(['fail_before', 'fail_after'] as const)(
  'a create that fails (%s), whichever it is, leaves a clean repository to which the next backup adds',
  async (effect) => {
    const creates = await countCreates(effect);
    expect(creates).toBeGreaterThanOrEqual(6); // some data packs, a tree pack, index, snapshot
    for (let nth = 1; nth <= creates; nth += 1) {
      const { folder, store, repo } = await copyOfTemplate(`${effect}-${nth}`);
      const faulty = createFaultyStore(store, [{ operation: 'create', nth, effect } satisfies Fault]);
      await expect(backUp({ ...repo, store: faulty }), `create ${nth}`).rejects.toMatchObject({
        code: 'storage_unavailable',
      });
      expect(faulty.struck).toHaveLength(1);
      // With a lost answer to the very last call the snapshot is there, and whole; in all other cases it is not.
      const { snapshots } = await listSnapshots(repo);
      expect(snapshots).toHaveLength(effect === 'fail_after' && nth === creates ? 2 : 1);
      expect(restic(folder, 'check', '--read-data'), `create ${nth}`).toContain('no errors were found');
      const again = await backUp(repo);
      expect(again.unread).toEqual([]);
      expect(restic(folder, 'check', '--read-data')).toContain('no errors were found');
    }
  },
  300_000,
);

test('when every create fails from some point on, the error is the store’s and nothing is named that is not there', async () => {
  const { folder, store, repo } = await copyOfTemplate('lasting');
  const error = new HoldfastError('disk_full', 'The disk is full.');
  const faulty = createFaultyStore(store, [
    { operation: 'create', nth: 2, isLasting: true, effect: 'fail_before', error },
  ]);
  await expect(backUp({ ...repo, store: faulty })).rejects.toBe(error);
  expect(restic(folder, 'check', '--read-data')).toContain('no errors were found');
});

test('an object of that name with other bytes is never taken for ours', async () => {
  const inner = createMemoryStore();
  const key = { password: PASSWORD, strength: 'machine', hostname: 'h', username: 'u', clock: systemClock } as const;
  const repo = await initRepository(inner, key);
  const store: WritableRepository['store'] = {
    ...inner,
    create: async (name, bytes, options) => {
      // Somebody was here first: the name is taken by other bytes.
      if (name.startsWith('data/')) await inner.create(name, Buffer.from('something else'));
      return await inner.create(name, bytes, options);
    },
  };
  await expect(backUp({ ...repo, store })).rejects.toMatchObject({ code: 'object_mismatch' });
  expect((await listSnapshots(repo)).snapshots).toEqual([]);
});

test('an object that is there already with the same bytes, as after a lost answer, is taken for ours', async () => {
  const inner = createMemoryStore();
  const key = { password: PASSWORD, strength: 'machine', hostname: 'h', username: 'u', clock: systemClock } as const;
  const repo = await initRepository(inner, key);
  const store: WritableRepository['store'] = {
    ...inner,
    create: async (name, bytes, options) => {
      await inner.create(name, bytes, options);
      return await inner.create(name, bytes, options);
    },
  };
  const { snapshotId } = await backUp({ ...repo, store });
  expect((await listSnapshots(repo)).snapshots.map(({ id }) => id)).toEqual([snapshotId]);
});

test('a blob that does not decode to what its name says never leaves the machine', () => {
  const key = { encrypt: noise(32, 'e'), macK: noise(16, 'k'), macR: noise(16, 'r') };
  const plain = noise(1000, 'plain');
  const target = Buffer.alloc(2000);
  // As if memory had changed between the hashing and the sealing.
  expect(() => sealBlob(key, 'ab'.repeat(32), 'data', plain, target, 0)).toThrow(
    expect.objectContaining({ code: 'repository_damaged' }),
  );
});
