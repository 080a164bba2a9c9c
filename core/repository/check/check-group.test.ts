import { randomInt } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { LANES } from '../../base/native/many-hashes.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { ReadStore } from '../../storage/port.ts';
import { BlobIndex } from '../blob-index.ts';
import { packKey } from '../object-names.ts';
import { columnsOf } from '../pack-columns.ts';
import { packsOf } from '../packs-of-index.ts';
import { buildRepository, type TestRepository } from '../testing/build-repository.ts';
import { noise } from '../testing/noise.ts';
import type { PackedBlob } from '../types.ts';
import { checkGroup, isRegular } from './check-group.ts';
import type { StoredPack } from './check-pack.ts';
import { runPartTask } from './part-task.ts';

const MIB = 1024 * 1024;
const seed = process.env.HOLDFAST_TEST_SEED ?? String(randomInt(2 ** 31));

let built: TestRepository;
let packs: (StoredPack & { readonly blobs: readonly PackedBlob[] })[];

/** Packs of one part and of several, of many small pieces and of few large ones, of files and of folders. */
beforeEach(async () => {
  built = await buildRepository();
  for (let pack = 0; pack < LANES; pack += 1) {
    const size = [300, 20_000, 200_000, MIB + 17][pack % 4]!;
    const count = Math.max(2, Math.floor(((pack + 1) * 80_000) / size));
    const pieces = Array.from({ length: Math.min(count, 500) }, (_, at) => noise(size + at, `${seed} ${pack} ${at}`));
    await built.pack(pack === 5 ? 'tree' : 'data', pieces, { isCompressed: pack % 2 === 0 });
  }
  const index = await BlobIndex.load(built.repo);
  packs = [];
  for (const { packId, blobs } of packsOf(index))
    packs.push({ packId, blobs, columns: columnsOf(blobs), size: (await built.store.get(packKey(packId))).length });
});

async function checked(
  store: ReadStore = built.store,
  some: readonly StoredPack[] = packs,
  assertWanted = (): void => undefined,
): Promise<boolean[]> {
  const run = async (task: Parameters<typeof runPartTask>[1]) => runPartTask(built.repo.masterKey, task);
  return await checkGroup(store, run, some, assertWanted);
}

const diced = (number: number): number => noise(4, `${seed} ${number}`).readUInt32LE();
const others = (than: number): boolean[] => packs.map((_, at) => at !== than);

test('intact packs are well, as many as there are', async () => {
  for (let count = 1; count <= packs.length; count += 1) {
    const some = packs.slice(0, count);
    expect(some.every((pack) => isRegular(pack))).toBe(true);
    expect(await checked(built.store, some)).toEqual(some.map(() => true));
  }
});

test('one changed byte anywhere is noticed, and blamed on its pack alone', async () => {
  console.log(`check group seed ${seed}`);
  for (const [number, { packId, size }] of packs.entries()) {
    const key = packKey(packId);
    const intact = Buffer.from(await built.store.get(key));
    for (const at of [0, size - 1, size - 5, diced(number) % size]) {
      const bytes = Buffer.from(intact);
      bytes[at]! ^= 1 << (diced(at) % 8);
      await built.overwrite(key, bytes);
      expect(await checked(), `pack ${number}, byte ${at} of ${size}`).toEqual(others(number));
    }
    await built.overwrite(key, intact);
  }
  expect(await checked()).toEqual(others(-1));
});

test('a pack that is gone or cut short is not well', async () => {
  const { packId } = packs[3]!;
  const key = packKey(packId);
  const intact = Buffer.from(await built.store.get(key));
  await built.overwrite(key, intact.subarray(0, -1));
  expect(await checked()).toEqual(others(3));
  await built.store.remove(key);
  expect(await checked()).toEqual(others(3));
});

test('an index that says something else of a piece is noticed, though every byte is as it was', async () => {
  const [first, ...rest] = packs[2]!.blobs;
  const changes = [
    { id: packs[1]!.blobs[0]!.id },
    { uncompressedLength: first!.uncompressedLength + 1 },
    // Which packs hold trees differs from run to run.
    { type: first!.type === 'tree' ? 'data' : 'tree' },
  ];
  for (const change of changes) {
    const some = packs.with(2, { ...packs[2]!, columns: columnsOf([{ ...first!, ...change } as PackedBlob, ...rest]) });
    expect(await checked(built.store, some)).toEqual(others(2));
  }
});

test('what is not laid out as backups do it is never read in parts', () => {
  const { packId, size, blobs } = packs[1]!;
  expect(isRegular({ packId, size: size + 1, columns: columnsOf(blobs) })).toBe(false);
  expect(isRegular({ packId, size, columns: columnsOf(blobs.slice(1)) })).toBe(false);
  expect(isRegular({ packId, size, columns: columnsOf([]) })).toBe(false);
  const huge = [{ ...blobs[0]!, length: 10 * MIB }];
  expect(isRegular({ packId, size: 10 * MIB + 41 + 36, columns: columnsOf(huge) })).toBe(false);
});

test('a store that cannot be asked, and a check that is to stop, end it', async () => {
  const down = new HoldfastError('storage_unavailable', 'down');
  const store: ReadStore = { ...built.store, get: () => Promise.reject(down) };
  await expect(checked(store)).rejects.toBe(down);
  let turns = 0;
  const stop = new Error('stop');
  const assertWanted = (): void => {
    turns += 1;
    if (turns === 2) throw stop;
  };
  await expect(checked(built.store, packs, assertWanted)).rejects.toBe(stop);
});
