/** A store that lies to a backup, or takes nothing more. Each single call that fails: ../store-faults.test.ts. */
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
import { createFaultyStore } from '../../storage/testing/faulty-store.ts';
import { initRepository, listSnapshots, openRepository } from '../repository.ts';
import type { WritableRepository } from '../types.ts';
import type { BackupResult } from './backup.ts';
import { sealBlob } from '../write/seal-blob.ts';
import { noise } from '../testing/noise.ts';
import { backUpSource } from '../testing/back-up-source.ts';
import { plainSum } from '../write/plain-sum.ts';

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
  return await backUpSource(repo, source, { packBytes: 100_000 });
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

test('a blob that does not decode to what was hashed never leaves the machine', () => {
  const key = { encrypt: noise(32, 'e'), macK: noise(16, 'k'), macR: noise(16, 'r') };
  for (const plain of [noise(1000, 'plain'), Buffer.alloc(300_000, 'text that is worth compressing ')]) {
    const target = Buffer.alloc(plain.length + 100);
    const sum = plainSum(plain);
    expect(() => sealBlob(key, 'data', plain, sum, target, 0)).not.toThrow();
    // As if memory had changed between the hashing and the sealing.
    plain[500] = plain[500]! ^ 1;
    expect(() => sealBlob(key, 'data', plain, sum, target, 0)).toThrow(
      expect.objectContaining({ code: 'repository_damaged' }),
    );
  }
});
