/** The promise of the format: what stock restic wrote is read here, and what is written here stock restic reads. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { createFileStore } from '../storage/file-store.ts';
import { BlobIndex } from './blob-index.ts';
import { BlobReader } from './blob-reader.ts';
import { check } from './check/check.ts';
import { decodeTree, encodeNode, encodeTree } from './format/tree.ts';
import { walkTree } from './list-tree.ts';
import { createKeyFile, initRepository, listSnapshots, loadSnapshot, openRepository } from './repository.ts';
import { restore } from './restore/restore.ts';
import { buildRepository, fileNode, folderNode, TEST_PASSWORD } from './testing/build-repository.ts';
import { describeTree, makeNastyTree } from './testing/nasty-tree.ts';

const PASSWORD = 'a password of restic’s';
let scratch: string;
let source: string;

/** @throws with restic's own words when it exits with anything but 0. */
function restic(repo: string, args: readonly string[], password = PASSWORD): string {
  return execFileSync('restic', ['-r', repo, '--no-cache', ...args], {
    env: { ...process.env, RESTIC_PASSWORD: password },
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-restic-'));
  source = join(scratch, 'source');
  makeNastyTree(source);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.each([1, 2])('a repository of version %i that stock restic wrote', (version) => {
  let path: string;
  const open = () => openRepository(createFileStore({ root: path }), PASSWORD);

  beforeAll(() => {
    path = join(scratch, `restic-v${version}`);
    restic(path, ['init', '--repository-version', String(version)]);
    restic(path, ['backup', '-q', '--host', 'somewhere', '--tag', 'nasty', source]);
  });

  test('opens with its password and lists its snapshots', async () => {
    const repo = await open();
    expect(repo.config.version).toBe(version);
    const { snapshots, damaged } = await listSnapshots(repo);
    expect(damaged).toEqual([]);
    expect(snapshots).toMatchObject([{ paths: [source], hostname: 'somewhere', tags: ['nasty'] }]);
    const [told] = JSON.parse(restic(path, ['snapshots', '--json'])) as { id: string; tree: string }[];
    expect(snapshots[0]).toMatchObject({ id: told!.id, tree: told!.tree });
  });

  test('restores byte for byte what was backed up', async () => {
    const repo = await open();
    const target = join(scratch, `target-v${version}`);
    const snapshot = await loadSnapshot(repo, 'latest');
    const result = await restore(repo, await BlobIndex.load(repo), { snapshot, targetDir: target });
    expect(result.damaged).toEqual([]);
    expect(result.skipped).toEqual([]);
    expect(result.warnings).toEqual([]);
    const expected = describeTree(source);
    expect(describeTree(join(target, source))).toEqual(expected);
    expect(expected.length).toBeGreaterThan(80);
  });

  test('is found intact, and every folder listing is spelled here as restic spelled it', async () => {
    const repo = await open();
    const result = await check(repo, { readData: true });
    expect(result.findings).toEqual([]);
    const index = await BlobIndex.load(repo);
    const reader = new BlobReader(repo, index);
    const trees = [...index.blobs()].filter(({ type }) => type === 'tree');
    expect(trees.length).toBeGreaterThan(30);
    for (const { id } of trees) {
      const stored = await reader.read(id, 'tree');
      const again = encodeTree(decodeTree(stored).map((node) => encodeNode(node)));
      expect(again.equals(stored), `listing ${id}`).toBe(true);
    }
  });

  test('damage that restic finds is found here', async () => {
    const hurt = join(scratch, `hurt-v${version}`);
    execFileSync('cp', ['-a', path, hurt]);
    const folder = readdirSync(join(hurt, 'data')).find((name) => readdirSync(join(hurt, 'data', name)).length > 0)!;
    const pack = join(hurt, 'data', folder, readdirSync(join(hurt, 'data', folder))[0]!);
    const bytes = readFileSync(pack);
    bytes[100]! ^= 4;
    rmSync(pack);
    writeFileSync(pack, bytes);
    expect(() => restic(hurt, ['check', '--read-data'])).toThrow();
    const repo = await openRepository(createFileStore({ root: hurt }), PASSWORD);
    const { isIntact, findings } = await check(repo, { readData: true });
    expect(isIntact).toBe(false);
    expect(findings.find(({ kind }) => kind === 'blob_damaged')?.affectedSnapshots).toHaveLength(1);
  });
});

describe('a repository that was made here', () => {
  test('passes restic’s check and opens with each of its key files', async () => {
    const path = join(scratch, 'ours');
    const store = createFileStore({ root: path });
    const who = { hostname: 'h', username: 'u', clock: systemClock };
    const repo = await initRepository(store, { password: 'first', strength: 'machine', ...who });
    const second = await createKeyFile(repo.masterKey, { password: 'second', strength: 'password', ...who });
    await store.create(second.key, second.bytes);
    expect(JSON.parse(restic(path, ['cat', 'config'], 'first'))).toEqual({
      version: 2,
      id: repo.config.id,
      chunker_polynomial: repo.config.chunkerPolynomial,
    });
    expect(restic(path, ['check'], 'second')).toContain('no errors were found');
    expect(() => restic(path, ['cat', 'config'], 'third')).toThrow(/wrong password/);
    await expect(openRepository(store, 'third')).rejects.toMatchObject({ code: 'wrong_password' });
    expect((await openRepository(store, 'second')).keyId).toBe(second.id);
  });

  test('restores with restic, compressed or not, files and names alike', async () => {
    const path = join(scratch, 'built');
    const built = await buildRepository(createFileStore({ root: path }));
    const pieces = [Buffer.alloc(100_000, 'text '), Buffer.from('more')];
    await built.pack('data', [pieces[0]!]);
    await built.pack('data', [pieces[1]!], { isCompressed: false });
    const name = Buffer.from('a<\xff>\\"\n', 'latin1');
    const tree = await built.tree([
      folderNode('dir', await built.tree([fileNode(name, pieces), fileNode('empty', [])])),
    ]);
    const snapshot = await built.snapshot(tree);
    expect(restic(path, ['check', '--read-data'], TEST_PASSWORD)).toContain('no errors were found');
    const target = join(scratch, 'by-restic');
    restic(path, ['restore', '-q', snapshot.id, '--target', target], TEST_PASSWORD);
    const restored = Buffer.concat([Buffer.from(`${target}/dir/`), name]);
    expect(readFileSync(restored).equals(Buffer.concat(pieces))).toBe(true);
    expect(readFileSync(`${target}/dir/empty`).length).toBe(0);
  });
});

test('a walk gives raw names and a text for each, folders before their contents', async () => {
  const path = join(scratch, 'restic-v2');
  const repo = await openRepository(createFileStore({ root: path }), PASSWORD);
  const reader = new BlobReader(repo, await BlobIndex.load(repo));
  const snapshot = await loadSnapshot(repo, 'latest');
  const seen: string[] = [];
  for await (const entry of walkTree(reader, snapshot.tree)) {
    seen.push(Buffer.from(entry.pathBytes).toString('latin1'));
    expect(entry.path).toBe(Buffer.from(entry.pathBytes).toString('utf8'));
  }
  const at = (name: string): number => seen.indexOf(`${source}/${name}`);
  expect(at('latin1-\xe9\xff')).toBeGreaterThan(0);
  expect(at('folder-\xff/in it')).toBe(at('folder-\xff') + 1);
  expect(seen).toHaveLength(new Set(seen).size);
});
