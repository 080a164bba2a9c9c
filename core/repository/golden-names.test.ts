/**
 * Every character that there is, names, targets and attributes of any bytes, and inode numbers that no double holds are in a
 * listing as stock restic has them: either adds nothing to what the other stored.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { stockRestic } from '../../tests/support/stock-restic.ts';
import { FACT_WORDS, readFacts, writeFacts } from '../filesystem/entry-facts.ts';
import { createFileStore } from '../storage/file-store.ts';
import { BlobIndex } from './blob-index.ts';
import { BlobReader } from './blob-reader.ts';
import { findPath } from './list-tree.ts';
import { loadSnapshot, openRepository } from './repository.ts';
import { backUpSource } from './testing/back-up-source.ts';
import { cheapenKey } from './testing/cheapen-key.ts';
import type { WritableRepository } from './types.ts';

const PASSWORD = 'names';

// The first use of a release downloads it.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

const MAKE = `
import os, random, sys
root = os.fsencode(sys.argv[1])
random.seed(int(sys.argv[2]))
characters = [c for c in range(1, 0x110000) if not 0xd800 <= c < 0xe000 and c != 0x2f]
for folder in (b'characters', b'names', b'links', b'attributes'): os.mkdir(root + b'/' + folder)
name = b''
for character in characters + [None]:
    letter = b'' if character is None else chr(character).encode()
    if character is None or len(name) + len(letter) > 250:
        open(root + b'/characters/' + name, 'w').close()
        name = b''
    name += letter
ODD = [b'\\\\', b'"', b'\\xed\\xa0\\x80', b'\\xf4\\x90\\x80\\x80', b'\\xc0\\x80', b'\\xe2\\x82', b'\\xf0\\x9f', b'<', b'&', b"'", b'\\\\x', b'\\xef\\xbf\\xbd', b'\\xe2\\x80\\xa8']
def some(length):
    made = b''
    while len(made) < length:
        made += random.choice([lambda: bytes([random.randrange(1, 256)]), lambda: chr(random.choice(characters)).encode(), lambda: random.choice(ODD),
                               lambda: chr(random.randrange(1, 0x250)).encode(), lambda: b'a'])()
    return made[:length].replace(b'/', b'|')
for number in range(1500):
    name = some(random.randrange(1, 200))
    if name not in (b'.', b'..'): open(root + b'/names/' + name, 'a').close()
for number in range(300): os.symlink(some(random.randrange(1, 800)), root + b'/links/%d' % number)
for number in range(300):
    place = root + b'/attributes/%d' % number
    os.mkdir(place) if number % 3 == 0 else open(place, 'w').close()
    for _ in range(random.randrange(4)):
        key = b'user.' + some(random.randrange(1, 100))
        try: key.decode()
        except UnicodeDecodeError: continue # see golden-trees.test.ts
        os.setxattr(place, key, os.urandom(random.randrange(300)))
`;

let scratch: string;
let source: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-names-'));
  source = join(scratch, 'source');
  mkdirSync(source);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The listings of these folders below `from`, as restic's backup made them and as ours did. */
async function listings(release: '0.18' | '0.19', from: string, names: readonly string[]) {
  const folder = mkdtempSync(join(scratch, 'repo-'));
  const restic = stockRestic(release, PASSWORD);
  restic.run(folder, 'init');
  await cheapenKey(folder, PASSWORD);
  const summary = restic.summary(folder, 'backup', '--host', 'machine', from);
  const repo: WritableRepository = await openRepository(createFileStore({ root: folder }), PASSWORD);
  const theirs = await loadSnapshot(repo, String(summary['snapshot_id']));
  const ours = await backUpSource(repo, from);
  expect(ours).toMatchObject({ unread: [], warnings: [] });
  const reader = new BlobReader(repo, await BlobIndex.load(repo));
  const read = async (tree: string): Promise<(string | undefined)[]> =>
    await Promise.all(names.map(async (name) => (await findPath(reader, tree, join(from, name)))?.node.subtree));
  return { theirs: await read(theirs.tree), ours: await read(ours.snapshot.tree), reader };
}

test('any name, target and attribute, and every character', async () => {
  const seed = randomInt(2 ** 31);
  console.log(`golden names seed ${seed}`);
  execFileSync('python3', ['-c', MAKE, source, String(seed)], { stdio: ['ignore', 'inherit', 'inherit'] });
  for (const release of ['0.18', '0.19'] as const) {
    const { theirs, ours } = await listings(release, source, ['characters', 'names', 'links', 'attributes']);
    expect(theirs).not.toContain(undefined);
    expect(ours, `seed ${seed}, restic ${release}`).toEqual(theirs);
  }
});

test('inode numbers of more than 63 bits', async () => {
  const at = (name: string): string => join(scratch, name);
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(at(name));
  const memory = mkdtempSync('/dev/shm/holdfast-lower-');
  // A file system that joins two numbers their entries by the upper bits.
  const options = `lowerdir=${at('lower')}:${memory},upperdir=${at('upper')},workdir=${at('work')},xino=on`;
  try {
    execFileSync('python3', ['-c', 'import sys; [open(sys.argv[1] + f"/{n}", "w") for n in range(9)]', memory]);
    const mounted = spawnSync('mount', ['-t', 'overlay', 'overlay', '-o', options, at('merged')], { encoding: 'utf8' });
    // Whoever may not mount makes no such file system; that the numbers survive us, the test below says everywhere.
    if (mounted.status !== 0) return expect(mounted.stderr).toMatch(/permission denied|superuser|not permitted/i);
    for (const release of ['0.18', '0.19'] as const) {
      const { theirs, ours, reader } = await listings(release, at('merged'), ['']);
      expect(ours).toEqual(theirs);
      const nodes = await reader.tree(ours[0]!);
      expect(nodes.filter(({ inode = 0n }) => inode > 1n << 53n)).toHaveLength(9);
    }
  } finally {
    spawnSync('umount', ['-q', at('merged')]);
    rmSync(memory, { recursive: true, force: true });
  }
});

test('an inode number of 64 bits, and a time of any century, cross from a lane to the backup as they are', () => {
  const words = new BigInt64Array(FACT_WORDS);
  const plain = readFacts(words, 0);
  for (const inode of [2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n])
    for (const mtimeNs of [-(2n ** 63n) - 1n, -1n, 2n ** 63n]) {
      const facts = { ...plain, inode, mtimeNs, ctimeNs: -mtimeNs };
      writeFacts(facts, words, 0);
      expect(readFacts(words, 0)).toEqual(facts);
    }
});
