import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { BlobIndex } from '../blob-index.ts';
import { packKey } from '../object-names.ts';
import { packColumnsOf } from '../packs-of-index.ts';
import { buildRepository, fileNode, idOf } from '../testing/build-repository.ts';
import type { MasterKey, OpenRepository } from '../types.ts';
import { check } from './check.ts';
import { checkPackData } from './check-pack.ts';
import { startCheckThreads } from './check-threads.ts';

test('a check on threads finds what one in place finds: each bad piece, its snapshots, and nothing else', async () => {
  const built = await buildRepository();
  const packs: string[] = [];
  const pieces: Buffer[][] = [];
  for (let pack = 0; pack < 4; pack += 1) {
    pieces.push(Array.from({ length: 10 }, () => randomBytes(1024 * 1024)));
    packs.push(await built.pack('data', pieces[pack]!, { isCompressed: pack % 2 === 0 }));
  }
  const ids: string[] = [];
  for (const [at, contents] of pieces.entries())
    ids.push((await built.snapshot(await built.tree([fileNode(`file${at}`, contents)]))).id);

  const phases: string[] = [];
  const intact = await check(built.repo, { readData: true, onProgress: ({ phase }) => phases.push(phase) });
  expect(intact).toMatchObject({ isIntact: true, findings: [], packsRead: 8 });
  expect([...new Set(phases)]).toEqual(['index', 'packs', 'trees', 'data']);

  const key = packKey(packs[2]!);
  const bytes = Buffer.from(await built.store.get(key));
  bytes[100]! ^= 1;
  await built.overwrite(key, bytes);
  const { isIntact, findings } = await check(built.repo, { readData: true });
  expect(isIntact).toBe(false);
  expect(findings.map(({ kind, blobId, affectedSnapshots }) => ({ kind, blobId, affectedSnapshots }))).toEqual([
    { kind: 'pack_damaged', blobId: undefined, affectedSnapshots: [] },
    { kind: 'blob_damaged', blobId: idOf(pieces[2]![0]!), affectedSnapshots: [ids[2]] },
  ]);

  const stop = new AbortController();
  stop.abort();
  await expect(check(built.repo, { readData: true, signal: stop.signal })).rejects.toMatchObject({ code: 'cancelled' });
});

test('threads that start while the password is turned into the key find the same, and are gone however the check ends', async () => {
  const built = await buildRepository();
  const small = Array.from({ length: 30_000 }, () => randomBytes(40));
  const smallPack = await built.pack('data', small);
  await built.snapshot(await built.tree([fileNode('file', small.slice(0, 3))]));
  let indexBytes = 0;
  for await (const { size } of built.store.list('index/')) indexBytes += size;
  expect(indexBytes).toBeGreaterThan(1024 * 1024);
  const workers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;
  const before = workers();

  const opening = Promise.withResolvers<OpenRepository>();
  const repo = { store: built.store, opened: opening.promise };
  const checking = check(repo, { readData: true });
  while (workers() === before) await new Promise((resolve) => setTimeout(resolve, 5));
  opening.resolve(built.repo);
  expect(await checking).toMatchObject({ isIntact: true, findings: [], packsRead: 2 });
  expect(workers()).toBe(before);

  const refused = check({ ...repo, opened: Promise.reject(new Error('a wrong password')) }, { readData: true });
  await expect(refused).rejects.toThrow('a wrong password');
  expect(workers()).toBe(before);

  const stop = new AbortController();
  const stopped = check(repo, { readData: true, signal: stop.signal, onProgress: () => stop.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
  expect(workers()).toBe(before);

  const key = packKey(smallPack);
  const bytes = Buffer.from(await built.store.get(key));
  bytes[100]! ^= 1;
  await built.overwrite(key, bytes);
  const { findings } = await check(repo, { readData: true });
  expect(findings.map(({ kind, blobId }) => ({ kind, blobId }))).toEqual([
    { kind: 'pack_damaged', blobId: undefined },
    { kind: 'blob_damaged', blobId: idOf(small[1]!) },
  ]);
});

test('a pack that comes before the key is known waits for it, and is checked', async () => {
  const built = await buildRepository();
  const pieces = Array.from({ length: 3 }, () => randomBytes(4096));
  const packId = await built.pack('data', pieces);
  const size = (await built.store.get(packKey(packId))).length;
  const [contents] = [...packColumnsOf(await BlobIndex.load(built.repo))];
  const key = Promise.withResolvers<MasterKey>();
  const threads = startCheckThreads(key.promise, 2 ** 30);
  try {
    const found = checkPackData(built.store, threads, { packId, size, columns: contents!.columns });
    await new Promise((resolve) => setTimeout(resolve, 50));
    key.resolve(built.repo.masterKey);
    expect(await found).toEqual([]);
  } finally {
    await threads.close();
  }
});
