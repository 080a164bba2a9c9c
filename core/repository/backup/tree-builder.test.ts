import { expect, test } from 'vitest';
import { FolderListing } from '../../filesystem/folder-listing.ts';
import type { ScannedFolder } from '../../filesystem/scan.ts';
import { utcZone } from '../format/go-text.ts';
import { decodeTree } from '../format/tree.ts';
import { loadOwnerNames } from './owners.ts';
import { madeFolder } from './stream-source.ts';
import { TreeBuilder } from './tree-builder.ts';

const folderAt = (path: string): ScannedFolder => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return madeFolder(Buffer.from(path), Buffer.from(name), 0n);
};

function builder(entriesMax: number) {
  const stored = new Map<string, Buffer>();
  const leftOut: string[] = [];
  const trees = new TreeBuilder({
    owners: loadOwnerNames(),
    zone: utcZone,
    attributesOf: () => ({ attributes: [], isAll: true }),
    store: (tree) => {
      const id = String(stored.size).repeat(64);
      stored.set(id, tree);
      return id;
    },
    isReadable: (entries) => entries <= entriesMax,
    onTooLarge: ({ path, bytes }) => void leftOut.push(`${path} ${bytes}`),
    state: undefined,
  });
  return { trees, stored, leftOut };
}

/** `/small` with one file and `/large` with three. */
async function build(entriesMax: number) {
  const made = builder(entriesMax);
  const { trees } = made;
  const above = undefined;
  const rest = { parentTree: undefined, same: undefined };
  const root = FolderListing.of(folderAt(''), [folderAt('/large'), folderAt('/small')]);
  const open = trees.open({ listing: root, above, place: 0, ...rest });
  for (const [place, names] of [
    [0, ['a', 'b', 'c']],
    [1, ['a']],
  ] as const) {
    const folder = root.subfolder(place);
    const files = names.map((name) => ({ ...folderAt(`${String(folder.path)}/${name}`), kind: 'special' as const }));
    const listing = FolderListing.of(folder, files);
    const inner = trees.open({ listing, above: open, place, ...rest });
    for (const at of names.keys())
      trees.set(inner, at, { facts: { ...listing.facts(at), mode: 0o100_644, size: 5 }, content: [] });
  }
  return { ...made, root: trees.root };
}

test('a folder that no reader would take is left out by name with its bytes, and the others are stored', async () => {
  const { root, stored, leftOut } = await build(2);
  const nodes = decodeTree(stored.get(await root)!);
  expect(nodes.map(({ name }) => String(name))).toEqual(['small']);
  expect(leftOut).toEqual(['/large 15']);
});

test('where that is the root there is no snapshot', async () => {
  await expect(build(-1)).rejects.toMatchObject({ code: 'source_unreadable' });
});
