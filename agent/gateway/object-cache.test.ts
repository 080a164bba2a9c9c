import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../core/base/log.ts';
import { ObjectCache } from './object-cache.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-cache-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function object(kind: 'index' | 'data'): { key: string; bytes: Buffer } {
  const bytes = randomBytes(5000);
  const id = createHash('sha256').update(bytes).digest('hex');
  return { bytes, key: kind === 'index' ? `index/${id}` : `data/${id.slice(0, 2)}/${id}` };
}

test('gives back what was put, whole and in part, in private files', async () => {
  const cache = new ObjectCache(folder, silentLog);
  const { key, bytes } = object('data');
  expect(await cache.get(key)).toBeUndefined();
  await cache.put(key, bytes);
  expect(await cache.get(key)).toEqual(bytes);
  expect(await cache.get(key, { offset: 100, length: 50 })).toEqual(bytes.subarray(100, 150));
  expect(statSync(join(folder, 'cache', key)).mode & 0o077).toBe(0);
});

test('a file that was damaged, cut short or swapped is never believed, and is dropped', async () => {
  const { key, bytes } = object('index');
  const flipped = Buffer.from(bytes);
  flipped[0]! ^= 1;
  for (const damaged of [flipped, bytes.subarray(1), Buffer.alloc(0), randomBytes(5000)]) {
    await new ObjectCache(folder, silentLog).put(key, bytes);
    writeFileSync(join(folder, 'cache', key), damaged);
    expect(await new ObjectCache(folder, silentLog).get(key, { offset: 0, length: 1 })).toBeUndefined();
    expect(readdirSync(join(folder, 'cache', 'index'))).toEqual([]);
  }
});

test('a range beyond the file’s end is a miss, not short bytes', async () => {
  const cache = new ObjectCache(folder, silentLog);
  const { key, bytes } = object('data');
  await cache.put(key, bytes);
  expect(await cache.get(key, { offset: 4990, length: 20 })).toBeUndefined();
});

test('keeps what is wanted and removes the rest with left-over temporary files', async () => {
  const cache = new ObjectCache(folder, silentLog);
  const [kept, dropped] = [object('data'), object('data')];
  for (const { key, bytes } of [kept, dropped]) await cache.put(key, bytes);
  writeFileSync(join(folder, 'cache', `${dropped.key}.0011.tmp`), 'half');
  await cache.keepOnly('data', new Set([kept.key]));
  expect(readFileSync(join(folder, 'cache', kept.key)).equals(kept.bytes)).toBe(true);
  const left = readdirSync(join(folder, 'cache', 'data'), { recursive: true, withFileTypes: true });
  expect(left.filter((entry) => entry.isFile()).map(({ name }) => name)).toEqual([kept.key.split('/')[2]]);
});

test('a cache that cannot be written warns once and costs nothing else', async () => {
  const warnings: string[] = [];
  writeFileSync(join(folder, 'cache'), 'a file where the folder should be');
  const cache = new ObjectCache(folder, { ...silentLog, warn: (_, message) => void warnings.push(message) });
  for (const { key, bytes } of [object('index'), object('index')]) {
    await cache.put(key, bytes);
    expect(await cache.get(key)).toBeUndefined();
  }
  expect(warnings).toHaveLength(1);
});

test('no key of a server leads out of the folder', async () => {
  const cache = new ObjectCache(folder, silentLog);
  for (const key of [
    'config',
    '../x',
    'index/../../etc/passwd',
    `index/${'a'.repeat(63)}`,
    `data/ab/${'g'.repeat(64)}`,
  ]) {
    expect(ObjectCache.isCacheable(key), key).toBe(false);
    await expect(cache.put(key, Buffer.from('x')), key).rejects.toThrow();
  }
});
