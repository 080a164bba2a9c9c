import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isPlainName } from '../../filesystem/plain-name.ts';
import { BlobIndex } from '../blob-index.ts';
import { decodeTree, encodeNode, encodeTree } from '../format/tree.ts';
import { fileNode, folderNode, idOf, linkNode } from '../testing/build-repository.ts';
import { noise } from '../testing/noise.ts';
import type { TreeNode } from '../types.ts';
import { type ListedFolder, SoundListings } from './sound-listings.ts';

const seed = process.env.HOLDFAST_TEST_SEED ?? String(randomInt(2 ** 31));
const pieces = [noise(10, 'a'), noise(2000, 'b'), noise(300, 'c')];
const [a, b, c] = pieces as [Buffer, Buffer, Buffer];
const index = new BlobIndex();
for (const [at, piece] of pieces.entries())
  index.add({
    id: idOf(piece),
    type: 'data',
    packId: '0'.repeat(64),
    offset: at * 10_000,
    length: 100 + at,
    uncompressedLength: piece.length,
  });
const sound = new SoundListings(index);
const listing = (nodes: readonly TreeNode[]): Buffer => encodeTree(nodes.map((node) => encodeNode(node)));

/** What a check reports of, by reading all of it: undefined when there is anything. */
function byReading(bytes: Uint8Array): ListedFolder[] | undefined {
  let nodes: TreeNode[];
  try {
    nodes = decodeTree(bytes);
  } catch {
    return undefined;
  }
  const isWell = nodes.every(({ name, type, content, size }) => {
    const lengths = (content ?? []).map((id) => index.lookup(id, 'data')?.uncompressedLength);
    if (!isPlainName(name) || lengths.includes(undefined)) return false;
    return type !== 'file' || BigInt(lengths.reduce<number>((sum, length) => sum + length!, 0)) === (size ?? 0n);
  });
  const folders = nodes.flatMap(({ name, subtree }) => (subtree === undefined ? [] : [{ name, subtree }]));
  return isWell ? folders : undefined;
}

const texts = (folders: readonly ListedFolder[] | undefined) =>
  folders?.map(({ name, subtree }) => `${Buffer.from(name).toString('hex')} ${subtree}`);

const full = {
  user: 'some body',
  group: 'users',
  inode: 123456789012n,
  deviceId: 64769n,
  links: 2n,
};
const nodes = [
  fileNode('a', [a, b], full),
  fileNode('b.txt', []),
  folderNode('dir', idOf(a)),
  fileNode('dir2', [c]),
  { ...folderNode('e\u0301 Übermaß', idOf(b)), ...full },
  linkNode('link', '../elsewhere'),
  fileNode('z', [a, a, b, c], { mode: 0, size: 2320n }),
];

describe('a listing as backups write it', () => {
  test('is sound, with its folders, in every part of it', () => {
    for (const some of [nodes, [], ...nodes.map((node) => [node])]) {
      const found = sound.foldersOf(listing(some));
      expect(found).toBeDefined();
      expect(texts(found)).toEqual(texts(byReading(listing(some))));
    }
  });

  test('is sound wherever in some memory it lies, and without the newline at its end', () => {
    const bytes = Buffer.concat([Buffer.from('}]'), listing(nodes), Buffer.from('0123')]);
    expect(sound.foldersOf(bytes.subarray(2, -4))).toHaveLength(2);
    expect(sound.foldersOf(bytes.subarray(2, -5))).toHaveLength(2);
  });
});

describe('nothing is said of', () => {
  const changed = (node: TreeNode, more: Partial<TreeNode>): TreeNode => ({ ...node, ...more });
  const cases: [string, readonly TreeNode[] | Buffer][] = [
    ['a piece that no index lists', [fileNode('x', [noise(5, 'other')])]],
    ['a file that is longer than its pieces', [fileNode('x', [a], { size: 11n })]],
    ['a file without its size', [{ ...fileNode('x', [a]), size: 0n }]],
    ['a file whose list of pieces was lost', [changed(fileNode('x', [a]), { content: null })]],
    ['names out of order', [fileNode('b', []), fileNode('a', [])]],
    ['a name twice', [fileNode('a', []), fileNode('a', [])]],
    ['a name before one that it begins with', [fileNode('ab', []), fileNode('a', [])]],
    ['a name that leads elsewhere', [fileNode('..', [])]],
    ['a name with a slash', [fileNode('a/b', [])]],
    ['an empty name', [fileNode('', [])]],
    [
      'a folder without a listing',
      Buffer.from(
        listing([folderNode('d', idOf(a))])
          .toString()
          .replace(/,"subtree":"\w+"/, ''),
      ),
    ],
    ['a device', [changed(fileNode('x', []), { type: 'dev', content: null, device: 5n })]],
    [
      'bytes that are no text',
      Buffer.from(
        listing([fileNode('xy', [])])
          .toString('latin1')
          .replace('xy', 'x\xff'),
        'latin1',
      ),
    ],
    ['something behind the listing', Buffer.concat([listing(nodes), Buffer.from('{}')])],
    ['a listing that ends early', listing(nodes).subarray(0, -30)],
    ['a number that no double holds', [fileNode('x', [], { inode: 2n ** 63n })]],
    ['attributes', [fileNode('x', [], { extendedAttributes: [{ name: Buffer.from('user.a'), value: a }] })]],
    ['a list that is null', Buffer.from('{"nodes":null}\n')],
    ['nothing', Buffer.alloc(0)],
  ];
  test.each(cases)('%s', (_, given) => {
    expect(sound.foldersOf(Buffer.isBuffer(given) ? given : listing(given))).toBeUndefined();
  });
});

test('whatever is changed in a listing, what is called sound reads as sound, with the same folders', () => {
  console.log(`sound listings seed ${seed}`);
  const intact = listing(nodes);
  const dice = noise(4 * 200_000, seed);
  let turn = 0;
  const below = (bound: number): number => dice.readUInt32LE((turn++ % 200_000) * 4) % bound;
  const snippets = ['"', '\\', ',', '}', '0', ']', '[', ' ', '\n', '-', 'e9', '\u0000', 'ü', '/', '"mode":1,', '00'];
  let called = 0;
  for (let round = 0; round < 40_000; round += 1) {
    let bytes = Buffer.from(intact);
    const at = below(bytes.length);
    const kind = below(5);
    if (kind === 0) bytes[at] = below(256);
    else if (kind === 1) bytes[at]! ^= 1 << below(8);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(8))]);
    else if (kind === 3) {
      const snippet = Buffer.from(snippets[below(snippets.length)]!);
      bytes = Buffer.concat([bytes.subarray(0, at), snippet, bytes.subarray(at)]);
    } else {
      const from = below(bytes.length);
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(from, from + below(300)), bytes.subarray(at)]);
    }
    const found = sound.foldersOf(bytes);
    if (found === undefined) continue;
    called += 1;
    expect(texts(found), `seed ${seed}, round ${round}: ${bytes.toString()}`).toEqual(texts(byReading(bytes)));
  }
  // Times, owners and names may well be others: many a change leaves a listing sound.
  expect(called).toBeGreaterThan(1000);
});
