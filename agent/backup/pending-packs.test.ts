/** What an interrupted run has brought is used again, and nothing is believed that was not looked at. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { crc32cBase64 } from '../../core/base/crc32c.ts';
import { silentLog } from '../../core/base/log.ts';
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { packKey } from '../../core/repository/object-names.ts';
import { buildRepository, idOf, type TestRepository } from '../../core/repository/testing/build-repository.ts';
import type { MasterKey, WritableRepository } from '../../core/repository/types.ts';
import { stateFiles } from '../state/state-files.ts';
import { PendingPacks, takeOverPacks } from './pending-packs.ts';

const PIECES = [Buffer.from('one'), Buffer.from('and another'), Buffer.from('the third '.repeat(100))];
/** A gateway to which everything that is asked for has arrived. */
const ALL_PRESENT: Parameters<typeof takeOverPacks>[1] = {
  leaseAll: async (objects) => objects.map(({ key }) => ({ key, state: 'present' })),
};

let statePath: string;
let built: TestRepository;
let pending: PendingPacks;

beforeEach(async () => {
  statePath = await mkdtemp(join(tmpdir(), 'holdfast-pending-'));
  built = await buildRepository();
  pending = new PendingPacks(statePath, randomUUID(), silentLog);
});
afterEach(() => rm(statePath, { recursive: true, force: true }));

/** A pack that is there, was noted before it was sent, and is in no index. Returns its key. */
async function leftPack(pieces: readonly Uint8Array[]): Promise<string> {
  const key = packKey(await built.pack('data', pieces));
  const bytes = await built.store.get(key);
  await pending.note({ key, kind: 'data_pack', size: bytes.length, crc32c: crc32cBase64(bytes) }, bytes);
  for (const index of await indexKeys()) await built.store.remove(index);
  return key;
}

async function indexKeys(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of built.store.list('index/')) keys.push(key);
  return keys;
}

test('packs that arrived are named by an index file of the new run, and stand in its manifest', async () => {
  const first = await leftPack(PIECES.slice(0, 2));
  const second = await leftPack(PIECES.slice(2));
  const index = new BlobIndex();
  const objects = await takeOverPacks(built.repo, ALL_PRESENT, index, pending, silentLog);
  const [indexKey] = await indexKeys();
  expect(objects.map(({ key }) => key)).toEqual([first, second, indexKey]);
  for (const { key, size, crc32c } of objects) expect(await built.store.head(key)).toMatchObject({ size, crc32c });
  const stored = await BlobIndex.load(built.repo);
  for (const piece of PIECES) {
    expect(index.has(idOf(piece), 'data')).toBe(true);
    expect(stored.lookup(idOf(piece), 'data')).toEqual(index.lookup(idOf(piece), 'data'));
  }
});

test('an index file that cannot be opened again is not uploaded', async () => {
  await leftPack(PIECES);
  const { masterKey } = built.repo;
  // Memory that fails: the key is right when the list of contents is opened, wrong when the index is sealed.
  const wrong = Uint8Array.from(masterKey.macR, (byte) => byte ^ 1);
  let uses = 0;
  const failing: MasterKey = {
    ...masterKey,
    get macR() {
      uses += 1;
      return uses === 2 ? wrong : masterKey.macR;
    },
  };
  const repo: WritableRepository = { ...built.repo, masterKey: failing };
  await expect(takeOverPacks(repo, ALL_PRESENT, new BlobIndex(), pending, silentLog)).rejects.toMatchObject({
    code: 'repository_damaged',
  });
  expect(uses).toBeGreaterThan(1);
  expect(await indexKeys()).toEqual([]);
});

test('a note that is damaged, or of another pack, costs its pack and not the backup', async () => {
  await leftPack(PIECES.slice(0, 1));
  await leftPack(PIECES.slice(1, 2));
  await leftPack(PIECES.slice(2));
  const file = stateFiles.pendingPacks(statePath);
  const lines = (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { sealedHeader: string });
  const header = Buffer.from(lines[0]!.sealedHeader, 'base64');
  header[20]! ^= 1;
  lines[0]!.sealedHeader = header.toString('base64');
  lines[1]!.sealedHeader = lines[2]!.sealedHeader;
  await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const index = new BlobIndex();
  await takeOverPacks(built.repo, ALL_PRESENT, index, pending, silentLog);
  expect(PIECES.map((piece) => index.has(idOf(piece), 'data'))).toEqual([false, false, true]);
  expect((await BlobIndex.load(built.repo)).packIds()).toHaveLength(1);
});
