/** Locks that stock restic respects, and that respect restic's. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { manualClock, systemClock } from '../../core/base/clock.ts';
import { openRepository } from '../../core/repository/repository.ts';
import { createFileStore } from '../../core/storage/file-store.ts';
import { lockExclusively, lockRepository, removeLocks } from './repository-lock.ts';
import { cheapenKey } from '../../core/repository/testing/cheapen-key.ts';

let scratch: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-lock-'));
  writeFileSync(join(scratch, 'password'), 'locked\n');
  expect(restic('init').status).toBe(0);
  await cheapenKey(join(scratch, 'repo'), 'locked');
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function restic(...args: string[]): { readonly status: number | null; readonly stderr: string } {
  const where = ['-r', join(scratch, 'repo'), '--password-file', join(scratch, 'password'), '--no-cache'];
  return spawnSync('restic', [...where, ...args], { encoding: 'utf8' });
}
const open = () => openRepository(createFileStore({ root: join(scratch, 'repo') }), 'locked');

test('while the exclusive lock is held, neither stock restic nor a second command of ours gets any lock', async () => {
  const repo = await open();
  const lock = await lockExclusively(repo, systemClock);
  const refused = restic('snapshots');
  expect(refused.status).not.toBe(0);
  expect(refused.stderr).toMatch(/already locked exclusively/);
  await expect(lockRepository(repo, systemClock)).rejects.toMatchObject({ code: 'conflict' });
  await expect(lockExclusively(repo, systemClock)).rejects.toMatchObject({ code: 'conflict' });
  await lock.release();
  expect(restic('snapshots').status).toBe(0);
});

test('a shared lock refuses the exclusive one, and no other shared one', async () => {
  const repo = await open();
  const first = await lockRepository(repo, systemClock);
  const second = await lockRepository(repo, systemClock);
  await expect(lockExclusively(repo, systemClock)).rejects.toMatchObject({ code: 'conflict' });
  expect(restic('snapshots').status).toBe(0);
  expect(restic('prune').status).not.toBe(0);
  await first.release();
  await second.release();
  expect(restic('prune').status).toBe(0);
});

test('a lock that nobody has renewed for half an hour is stale wherever its owner is, and a fresh one is not', async () => {
  const repo = await open();
  const clock = manualClock(Date.now() - 29 * 60_000);
  await lockRepository(repo, clock, 0);
  // It is of this process, which runs: only its age can make it stale.
  expect(await removeLocks(repo, systemClock, false)).toEqual({ removed: 0, left: 1 });
  clock.advance(60_000 * 60);
  expect(await removeLocks(repo, clock, false)).toEqual({ removed: 1, left: 0 });
  expect(restic('prune').status).toBe(0);
});

test('in a repository of version 1 stock restic reads our lock, too', async () => {
  const where = join(scratch, 'version-1');
  const run = (...args: string[]) =>
    spawnSync('restic', ['-r', where, '--password-file', join(scratch, 'password'), '--no-cache', ...args], {
      encoding: 'utf8',
    });
  expect(run('init', '--repository-version', '1').status).toBe(0);
  const lock = await lockExclusively(await openRepository(createFileStore({ root: where }), 'locked'), systemClock);
  expect(run('snapshots').stderr).toMatch(/already locked exclusively/);
  await lock.release();
  expect(run('snapshots').status).toBe(0);
});
