import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireLock } from './state-lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('one holder at a time, and the next after its release', async () => {
  const first = await acquireLock(folder, 'run');
  await expect(acquireLock(folder, 'run')).rejects.toMatchObject({ code: 'conflict', detail: { pid: process.pid } });
  const other = await acquireLock(folder, 'daemon');
  await other.release();
  await first.release();
  const second = await acquireLock(folder, 'run');
  expect(await second.isOwned()).toBe(true);
  await second.release();
  expect(readdirSync(folder)).toEqual([]);
});

test('of many at once exactly one gets it', async () => {
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => acquireLock(folder, 'run')));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(readdirSync(folder)).toEqual(['run.lock']);
});

test('the lock of a process that is gone, of another boot, or of a reused process number is taken over', async () => {
  const gone = spawnSync(process.execPath, ['-e', 'process.stdout.write(String(process.pid))']).stdout.toString();
  const nonce = '0123456789abcdef';
  for (const stale of [
    `${gone}:1:00:${nonce}`,
    `${process.pid}:1:ffffffffffff:${nonce}`,
    `${process.pid}:1::${nonce}`,
    'garbage',
  ]) {
    symlinkSync(stale, join(folder, 'daemon.lock'));
    const lock = await acquireLock(folder, 'daemon');
    expect(await lock.isOwned(), stale).toBe(true);
    await lock.release();
  }
  writeFileSync(join(folder, 'daemon.lock'), 'a file that somebody put there');
  const lock = await acquireLock(folder, 'daemon');
  expect(await lock.isOwned()).toBe(true);
  expect(readdirSync(folder)).toEqual(['daemon.lock']);
});

test('of many that heal one stale lock exactly one gets it', async () => {
  for (let round = 0; round < 20; round += 1) {
    symlinkSync('garbage', join(folder, 'run.lock'));
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => acquireLock(folder, 'run')));
    const held = results.filter((result) => result.status === 'fulfilled');
    const owned = await Promise.all(held.map((result) => result.value.isOwned()));
    expect(owned.filter(Boolean)).toHaveLength(1);
    rmSync(join(folder, 'run.lock'), { force: true });
  }
});

test('a holder whose lock was replaced knows it, and its release leaves the new one alone', async () => {
  const first = await acquireLock(folder, 'daemon');
  rmSync(join(folder, 'daemon.lock'));
  const second = await acquireLock(folder, 'daemon');
  expect(await first.isOwned()).toBe(false);
  await first.release();
  expect(await second.isOwned()).toBe(true);
});
