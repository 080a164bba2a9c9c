/**
 * Objects that stock restic wrote, hurt in every way that a store or a thief can: whatever comes, readers answer with what was
 * backed up, or say by name that it is damaged. They never crash, never hang, and never hand out something else.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isHoldfastError } from '../base/errors.ts';
import { createFileStore } from '../storage/file-store.ts';
import type { MemoryStore } from '../storage/memory-store.ts';
import { BlobIndex } from './blob-index.ts';
import { BlobReader } from './blob-reader.ts';
import { check } from './check/check.ts';
import { unseal } from './crypto/seal.ts';
import { decodeConfig } from './format/config.ts';
import { decodeIndex } from './format/index-file.ts';
import { decodeKeyFile } from './format/key-file.ts';
import { decodePackHeader, readPackTrailer } from './format/pack-header.ts';
import { decodeSnapshot } from './format/snapshot.ts';
import { decodeTree } from './format/tree.ts';
import { listSnapshots, loadUnpacked, openRepository } from './repository.ts';
import { restore } from './restore/restore.ts';
import { describeTree } from './testing/nasty-tree.ts';
import { noise } from './testing/noise.ts';
import { copyStore, PASSWORD } from './testing/survival.ts';
import type { OpenRepository } from './types.ts';
import { cheapenKey } from './testing/cheapen-key.ts';

/** Put the printed seed here to repeat a run. */
const seed = Math.floor(Math.random() * 2 ** 31);
console.log(`stored objects fuzz seed ${seed}`);

let scratch: string;
let source: string;
let stock: MemoryStore;
/** The same with a key file that takes no half second to try, for all that is not about key files. */
let quick: MemoryStore;
let repo: OpenRepository;
let whole: string[];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-stored-'));
  source = join(scratch, 'source');
  mkdirSync(join(source, 'sub', 'deeper'), { recursive: true });
  writeFileSync(join(source, 'sub', 'text'), 'words '.repeat(3000));
  writeFileSync(join(source, 'sub', 'deeper', 'noise'), noise(40_000, 'stock'));
  writeFileSync(join(source, 'odd "name"\n\x07<&>'), 'odd');
  symlinkSync('sub/text', join(source, 'link'));
  const folder = join(scratch, 'repository');
  const env = { ...process.env, RESTIC_PASSWORD: PASSWORD };
  const run = (...args: string[]): void =>
    void execFileSync('restic', ['-r', folder, '--no-cache', ...args], { env, stdio: 'pipe' });
  run('init', '--repository-version', '2');
  run('backup', source);
  run('backup', source, '--force');
  stock = await copyStore(createFileStore({ root: folder }));
  await cheapenKey(folder, PASSWORD);
  quick = await copyStore(createFileStore({ root: folder }));
  repo = await openRepository(stock, PASSWORD);
  whole = (await restored(repo))[0]!;
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What comes back of each snapshot, damaged parts left out. */
async function restored(from: OpenRepository): Promise<string[][]> {
  const trees: string[][] = [];
  for (const snapshot of (await listSnapshots(from)).snapshots) {
    const targetDir = mkdtempSync(join(scratch, 'out-'));
    try {
      await restore(from, await BlobIndex.load(from), { snapshot, targetDir });
      trees.push(describeTree(targetDir).map((line) => line.replace(source, '')));
    } finally {
      rmSync(targetDir, { recursive: true, force: true });
    }
  }
  return trees;
}

/** Name, contents: folders that miss an entry have other times. */
const contentsOf = (line: string): string => {
  const [name = '', , , , , ...rest] = line.split(' ');
  return `${name} ${rest.join(' ')}`;
};

type Hurt = (bytes: Uint8Array) => Uint8Array;
const hurts: fc.Arbitrary<Hurt> = fc.oneof(
  fc.nat().map(
    (at): Hurt =>
      (bytes) => {
        const copy = Uint8Array.from(bytes);
        copy[at % copy.length]! ^= 1 << (at % 8);
        return copy;
      },
  ),
  fc.nat().map(
    (at): Hurt =>
      (bytes) =>
        bytes.slice(0, at % bytes.length),
  ),
  fc.uint8Array({ maxLength: 200 }).map(
    (other): Hurt =>
      () =>
        other,
  ),
  fc.uint8Array({ minLength: 1, maxLength: 50 }).map(
    (more): Hurt =>
      (bytes) =>
        Buffer.concat([bytes, more]),
  ),
  fc.constant<Hurt>((bytes) => Buffer.concat([bytes, bytes])),
);

const CODES = [
  'repository_damaged',
  'repository_missing',
  'wrong_password',
  'object_missing',
  'object_mismatch',
  'not_found',
];
const isNamed = (error: unknown): boolean => CODES.some((code) => isHoldfastError(error, code as 'repository_damaged'));

test('any stored object, hurt in any way: what comes back is the truth or a part of it, and the check says what is wrong', async () => {
  const keys: string[] = [];
  for await (const { key } of stock.list('')) keys.push(key);
  const truth = new Set(whole.map(contentsOf));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...keys), fc.option(hurts, { nil: undefined }), async (key, hurt) => {
      const store = await copyStore(key.startsWith('keys/') ? stock : quick);
      const before = await store.get(key);
      const after = hurt?.(before);
      if (after === undefined) await store.remove(key);
      else store.overwrite(key, after);
      const isSame = after !== undefined && Buffer.compare(after, before) === 0;
      try {
        const opened = await openRepository(store, PASSWORD);
        const { isIntact } = await check(opened, { readData: true });
        const trees = await restored(opened);
        for (const tree of trees) for (const line of tree) expect(truth).toContain(contentsOf(line));
        const isAll = trees.length === 2 && trees.every((tree) => tree.length === whole.length);
        // Nobody is told that all is well where something is missing. A snapshot that is gone leaves no trace in this format.
        if (isIntact && !isSame) expect(isAll || (after === undefined && key.startsWith('snapshots/'))).toBe(true);
      } catch (error) {
        if (!isNamed(error)) throw error;
      }
    }),
    { seed, numRuns: 80 },
  );
}, 240_000);

/** What stands inside of the seals, by parser. */
async function openedObjects(): Promise<{ name: string; parse: (bytes: Uint8Array) => unknown; bytes: Uint8Array }[]> {
  const objects: { name: string; parse: (bytes: Uint8Array) => unknown; bytes: Uint8Array }[] = [];
  for await (const { key } of stock.list('')) {
    const bytes = await stock.get(key);
    if (key === 'config') objects.push({ name: key, parse: decodeConfig, bytes: unseal(repo.masterKey, bytes) });
    if (key.startsWith('keys/')) objects.push({ name: key, parse: decodeKeyFile, bytes });
    if (key.startsWith('index/'))
      objects.push({ name: key, parse: decodeIndex, bytes: await loadUnpacked(repo, key, 1e6) });
    if (key.startsWith('snapshots/'))
      objects.push({ name: key, parse: decodeSnapshot, bytes: await loadUnpacked(repo, key, 1e6) });
    if (key.startsWith('data/')) {
      const end = bytes.length - 4;
      const header = unseal(repo.masterKey, bytes.subarray(end - readPackTrailer(bytes), end));
      objects.push({ name: `header of ${key}`, parse: decodePackHeader, bytes: header });
    }
  }
  const index = await BlobIndex.load(repo);
  const reader = new BlobReader(repo, index);
  for (const blob of index.blobs())
    if (blob.type === 'tree')
      objects.push({ name: `tree ${blob.id}`, parse: decodeTree, bytes: await reader.read(blob.id, 'tree') });
  return objects;
}

test('what stock restic wrote is accepted, every object of it', async () => {
  const objects = await openedObjects();
  expect(new Set(objects.map(({ parse }) => parse)).size).toBe(6);
  for (const { name, parse, bytes } of objects) expect(() => parse(bytes), name).not.toThrow();
});

test('inside of the seal, too: a parser answers within its rules or refuses, whatever a holder of the key wrote', async () => {
  const objects = await openedObjects();
  const edits = fc.array(
    fc.tuple(
      fc.nat(),
      fc.constantFrom(
        '"',
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '\\',
        '\\u0000',
        '-1',
        '1e999',
        '99999999999999999999',
        'null',
        '__proto__',
        '../',
        '\0',
        '\xff',
      ),
      fc.nat(6),
    ),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(fc.constantFrom(...objects), edits, ({ parse, bytes }, changes) => {
      let text = Buffer.from(bytes).toString('latin1');
      for (const [at, piece, cut] of changes) {
        const place = at % (text.length + 1);
        text = text.slice(0, place) + piece + text.slice(place + cut);
      }
      const changed = Buffer.from(text, 'latin1');
      const startMs = performance.now();
      try {
        const value = parse(changed);
        if (parse === decodeTree) expectOrdered(value as ReturnType<typeof decodeTree>);
        if (parse === decodeIndex) expectSound(value as ReturnType<typeof decodeIndex>);
      } catch (error) {
        expect(isHoldfastError(error, 'repository_damaged'), String(error)).toBe(true);
      }
      expect(performance.now() - startMs).toBeLessThan(10_000);
    }),
    { seed, numRuns: 3000 },
  );
});

function expectOrdered(nodes: ReturnType<typeof decodeTree>): void {
  for (let at = 1; at < nodes.length; at += 1)
    expect(Buffer.compare(nodes[at - 1]!.name, nodes[at]!.name)).toBeLessThan(0);
  for (const { content, size = 0n, uid } of nodes) {
    for (const id of content ?? []) expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(size >= 0n && size < 2n ** 64n && Number.isInteger(uid)).toBe(true);
  }
}

function expectSound(packs: ReturnType<typeof decodeIndex>): void {
  for (const { blobs } of packs)
    for (const { id, offset, length } of blobs)
      expect(/^[0-9a-f]{64}$/.test(id) && Number.isInteger(offset) && offset >= 0 && length >= 0).toBe(true);
}
