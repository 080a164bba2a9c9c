/** F1, F2, F13: a source that changes under the hands of a backup, and a store that takes things in its own order. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { createMemoryStore, type MemoryStore } from '../../storage/memory-store.ts';
import { BlobIndex } from '../blob-index.ts';
import { initRepository } from '../repository.ts';
import { restore } from '../restore/restore.ts';
import { noise } from '../testing/noise.ts';
import { backUp, damageOf, PASSWORD, restoreAll, writeSource } from '../testing/survival.ts';
import type { BackupProgress, WritableRepository } from '../types.ts';

let scratch: string;
let source: string;
let store: MemoryStore;
let repo: WritableRepository;

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-changing-'));
  source = join(scratch, 'source');
  mkdirSync(source);
  store = createMemoryStore();
  const owner = { hostname: 'h', username: 'u', clock: systemClock } as const;
  repo = await initRepository(store, { password: PASSWORD, strength: 'machine', ...owner });
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const LOG_BYTES = 40 * 1024 * 1024;
const CHANGES: Readonly<Record<string, (path: string) => void>> = {
  'longer, while it grows': (path) => appendFileSync(path, noise(100_000, 'more')),
  'cut to its first megabyte': (path) => truncateSync(path, 1024 * 1024),
  'overwritten at its end': (path) => {
    const bytes = readFileSync(path);
    bytes.fill(7, bytes.length - 1000);
    writeFileSync(path, bytes);
  },
};

test.each(Object.keys(CHANGES))('a file that becomes %s is named, and what is kept restores whole', async (how) => {
  const log = join(source, 'log');
  writeFileSync(log, noise(LOG_BYTES, 'log'));
  writeFileSync(join(source, 'other'), 'other');
  let isDone = false;
  const onProgress = ({ bytesDone }: BackupProgress): void => {
    if (isDone || bytesDone < 1024 * 1024) return;
    isDone = true;
    CHANGES[how]!(log);
  };
  const result = await backUp(repo, source, { onProgress });
  expect(isDone).toBe(true);
  expect(result.unread).toMatchObject([{ path: log, reason: 'changed_while_reading' }]);
  const targetDir = join(scratch, 'target');
  const restored = await restore(repo, await BlobIndex.load(repo), { snapshot: result.snapshot, targetDir });
  expect(restored).toMatchObject({ damaged: [], warnings: [] });
  // The beginning was read before the change, and the size in the listing is that of what was read.
  const kept = readFileSync(join(targetDir, log));
  expect(kept.subarray(0, 1024 * 1024).equals(noise(LOG_BYTES, 'log').subarray(0, 1024 * 1024))).toBe(true);
  expect(await damageOf(store)).toEqual([]);
});

test('a file whose place another takes is kept as the one that was opened, from its beginning to its end', async () => {
  const log = join(source, 'log');
  const bytes = noise(LOG_BYTES, 'first');
  writeFileSync(log, bytes);
  writeFileSync(join(scratch, 'other'), noise(LOG_BYTES, 'second'));
  let isDone = false;
  const onProgress = ({ bytesDone }: BackupProgress): void => {
    if (isDone || bytesDone < 1024 * 1024) return;
    isDone = true;
    renameSync(join(scratch, 'other'), log);
  };
  const { snapshot } = await backUp(repo, source, { onProgress });
  expect(isDone).toBe(true);
  const targetDir = join(scratch, 'target');
  await restore(repo, await BlobIndex.load(repo), { snapshot, targetDir });
  expect(readFileSync(join(targetDir, log)).equals(bytes)).toBe(true);
  // The next backup sees the other file.
  const next = await backUp(repo, source, { parent: snapshot });
  expect(next.addedBytes).toBeGreaterThan(LOG_BYTES - 1);
  expect(statSync(log).size).toBe(LOG_BYTES);
});

test('uploads that are taken in any order, late and twice: index and snapshot come after all that they name', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  writeSource(source, 'ordered');
  const order: string[] = [];
  let calls = 0;
  const late: WritableRepository['store'] = {
    ...store,
    create: async (key, bytes, options) => {
      calls += 1;
      const waitMs = noise(1, `${seed} ${calls}`).readUInt8() / 4;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      const answer = await store.create(key, bytes, options);
      order.push(key.slice(0, key.indexOf('/')));
      await store.create(key, bytes, options); // a twin of the request that was under way for longer
      return answer;
    },
  };
  await backUp({ ...repo, store: late }, source);
  const kinds = order.join(' ');
  expect(kinds, `seed ${seed}`).toMatch(/^(data )+(index )+snapshots$/);
  expect(await damageOf(store)).toEqual([]);
  expect((await restoreAll(store, source)).size).toBe(1);
});
