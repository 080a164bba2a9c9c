/**
 * Every call of the store fails, one after the other, once and from then on, in each kind of work. After each of them the
 * repository is sound, what was sealed restores byte for byte, and the same work done again succeeds.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { isHoldfastError } from '../base/errors.ts';
import { createMemoryStore, type MemoryStore } from '../storage/memory-store.ts';
import type { ReadCreateStore } from '../storage/port.ts';
import { createFaultyStore, type Fault, type FaultyOperation } from '../storage/testing/faulty-store.ts';
import { BlobIndex } from './blob-index.ts';
import { check } from './check/check.ts';
import { initRepository, loadSnapshot, openRepository } from './repository.ts';
import { restore } from './restore/restore.ts';
import { describeTree } from './testing/nasty-tree.ts';
import {
  assertResticFindsClean,
  backUp,
  changeSource,
  copyStore,
  damageOf,
  PASSWORD,
  restoreAll,
  treeOf,
  writeSource,
} from './testing/survival.ts';

let scratch: string;
let source: string;
let empty: MemoryStore;
let filled: MemoryStore;
/** What the source was at the first backup, and is now. */
let before: string[];
let now: string[];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-store-faults-'));
  source = join(scratch, 'source');
  mkdirSync(source);
  writeSource(source, 'first');
  empty = createMemoryStore();
  const owner = { hostname: 'h', username: 'u', clock: systemClock } as const;
  const repo = await initRepository(empty, { password: PASSWORD, strength: 'machine', ...owner });
  filled = await copyStore(empty);
  await backUp({ ...repo, store: filled }, source);
  before = describeTree(source);
  changeSource(source);
  now = describeTree(source);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** One piece of work on an opened repository; throws what the store throws. */
type Work = (store: ReadCreateStore) => Promise<unknown>;

const work: Readonly<Record<string, Work>> = {
  'a first backup': async (store) => await backUp(await openRepository(store, PASSWORD), source),
  'an incremental backup': async (store) => {
    const repo = await openRepository(store, PASSWORD);
    return await backUp(repo, source, { parent: await loadSnapshot(repo, 'latest') });
  },
  'a check': async (store) => await check(await openRepository(store, PASSWORD), { readData: true }),
  'a restore': async (store) => {
    const repo = await openRepository(store, PASSWORD);
    const snapshot = await loadSnapshot(repo, 'latest');
    const targetDir = mkdtempSync(join(scratch, 'restored-'));
    const result = await restore(repo, await BlobIndex.load(repo), { snapshot, targetDir });
    return { ...result, tree: describeTree(join(targetDir, source)) };
  },
};

const OPERATIONS: readonly FaultyOperation[] = ['head', 'get', 'list', 'create'];

/** Every single fault for this work: each call of each operation, in each way that it can fail. */
async function everyFault(store: MemoryStore, run: Work): Promise<Fault[]> {
  const counting = createFaultyStore(await copyStore(store));
  await run(counting);
  const faults: Fault[] = [];
  for (const operation of OPERATIONS) {
    for (let nth = 1; nth <= counting.calls[operation]; nth += 1) {
      faults.push(
        { operation, nth, effect: 'fail_before' },
        { operation, nth, effect: 'fail_before', isLasting: true },
      );
      if (operation === 'create') faults.push({ operation, nth, effect: 'fail_after' });
    }
  }
  return faults;
}

const nameOf = ({ operation, nth, effect, isLasting = false }: Fault): string =>
  `${operation} ${nth} ${effect}${isLasting ? ' from then on' : ''}`;

describe.each(['a first backup', 'an incremental backup'])('%s', (name) => {
  test('whichever call fails, what is stored is sound and the next run makes the tree that it would have made', async () => {
    const start = name === 'a first backup' ? empty : filled;
    const run = work[name]!;
    const clean = await copyStore(start);
    const { snapshot } = (await run(clean)) as { snapshot: { tree: string } };
    const tree = await treeOf(clean, snapshot.tree, source);
    const faults = await everyFault(start, run);
    expect(faults.length).toBeGreaterThan(20);
    let left = 0;
    for (const fault of faults) {
      const store = await copyStore(start);
      const faulty = createFaultyStore(store, [fault]);
      const outcome = await run(faulty).catch((error: unknown) => error);
      // New pieces are spread over packs by chance: one pack less, and the last call is not made.
      if (faulty.struck.length === 0) continue;
      if (outcome instanceof Error)
        expect(isHoldfastError(outcome, 'storage_unavailable'), `${nameOf(fault)}: ${outcome.stack}`).toBe(true);
      // Nothing was created: the store is what it was, from which the run without a fault began.
      if (outcome instanceof Error && store.objectCount === start.objectCount) continue;
      left += 1;
      expect(await damageOf(store), nameOf(fault)).toEqual([]);
      const sealed = [...(await restoreAll(store, source)).values()];
      const expected = start === empty ? [] : [before];
      // A snapshot whose answer was lost is there, and whole.
      if (sealed.length > expected.length) expected.push(now);
      expect(sealed, nameOf(fault)).toEqual(expected);
      if (!(outcome instanceof Error)) expect(sealed.length, nameOf(fault)).toBe(start === empty ? 1 : 2);
      // From here on the former fault and the lasting one are alike.
      if (fault.isLasting) continue;
      const again = (await run(store)) as { snapshot: { tree: string }; unread: readonly unknown[] };
      expect(again.unread).toEqual([]);
      expect(await treeOf(store, again.snapshot.tree, source), nameOf(fault)).toBe(tree);
      expect(await damageOf(store), nameOf(fault)).toEqual([]);
      // Stock restic as the witness, for one in six: it is the slow part.
      if (left % 5 === 1) await assertResticFindsClean(store);
    }
    expect(left).toBeGreaterThanOrEqual(8);
  }, 180_000);
});

test('a check that the store fails says so and never that the repository is damaged or sound', async () => {
  for (const fault of await everyFault(filled, work['a check']!)) {
    const faulty = createFaultyStore(filled, [fault]);
    await expect(work['a check']!(faulty), nameOf(fault)).rejects.toMatchObject({ code: 'storage_unavailable' });
  }
});

test('a restore that the store fails says so, leaves no half file behind, and succeeds when it is repeated', async () => {
  for (const fault of await everyFault(filled, work['a restore']!)) {
    const faulty = createFaultyStore(filled, [fault]);
    await expect(work['a restore']!(faulty), nameOf(fault)).rejects.toMatchObject({ code: 'storage_unavailable' });
    faulty.script([]);
    expect(await work['a restore']!(faulty), nameOf(fault)).toMatchObject({ damaged: [], tree: before });
  }
});
