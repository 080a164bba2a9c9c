/** Walking the folders of a snapshot. Paths are raw bytes with a text for people; depth and cycles are bounded. */
import { bytesOfUtf8, compareBytes, concatBytes, utf8Of } from '../base/bytes.ts';
import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { isPlainName } from '../filesystem/plain-name.ts';
import type { BlobReader } from './blob-reader.ts';
import { damagedRepository } from './format/damage.ts';
import { LIMITS } from './format/limits.ts';
import type { TreeNode } from './types.ts';

export interface TreeEntry {
  /** Slash-separated, absolute, of raw name bytes. */
  readonly pathBytes: Uint8Array;
  /** The same as text; invalid UTF-8 becomes replacement characters. */
  readonly path: string;
  readonly node: TreeNode;
}

export interface WalkOptions {
  readonly signal?: AbortSignal;
  /** Where the walk begins, when the tree is not a snapshot's root. */
  readonly basePath?: Uint8Array;
  /**
   * Called for a folder that cannot be read and for an entry whose name is no plain name (`..`, a slash: it would lead
   * elsewhere), which is left out; without it the walk ends with the error.
   */
  readonly onDamage?: (path: string, error: Error) => void;
  /** Entries after which the walk is given up. */
  readonly entriesMax?: number;
  /** False: the folder's contents are left out. */
  readonly enter?: (entry: TreeEntry) => boolean;
}

const SLASH = Uint8Array.of(0x2f);

export function joinPath(parent: Uint8Array, name: Uint8Array): Uint8Array {
  return concatBytes([parent, SLASH, name]);
}

/**
 * Every entry below a tree, folders before their contents, names in byte order. A tree that holds itself twice, and so on
 * forty levels down, is small to store and endless to walk: the number of entries is bounded.
 * @throws HoldfastError repository_damaged; cancelled.
 */
export async function* walkTree(
  reader: BlobReader,
  treeId: string,
  options: WalkOptions = {},
): AsyncGenerator<TreeEntry> {
  for await (const run of walkRuns(reader, treeId, options)) yield* run;
}

/** Most entries are never asked for the bytes of their path. */
export class WalkedEntry implements TreeEntry {
  readonly path: string;
  readonly node: TreeNode;
  /** Path of the folder that it is in; the same object for all entries of a folder. */
  readonly parentBytes: Uint8Array;

  constructor(parentBytes: Uint8Array, path: string, node: TreeNode) {
    this.parentBytes = parentBytes;
    this.path = path;
    this.node = node;
  }

  get pathBytes(): Uint8Array {
    return joinPath(this.parentBytes, this.node.name);
  }
}

/** One folder on the way from the root to where the walk is. */
interface OpenFolder {
  readonly treeId: string;
  readonly pathBytes: Uint8Array;
  readonly path: string;
  readonly nodes: readonly TreeNode[];
  next: number;
}

/**
 * As walkTree, but by the run: the entries of a folder up to the next one that is descended into, for a promise for each of
 * a million entries takes longer than reading them. `enter` is asked about a run's last entry when the next run is.
 */
export async function* walkRuns(
  reader: BlobReader,
  treeId: string,
  options: WalkOptions = {},
): AsyncGenerator<WalkedEntry[]> {
  const entriesMax = options.entriesMax ?? LIMITS.snapshotEntries;
  const base = options.basePath ?? new Uint8Array(0);
  const way: OpenFolder[] = [];
  /** Listings of the folders on the way. */
  const above = new Set<string>();
  let entries = 0;
  const open = async (id: string, pathBytes: Uint8Array, path: string): Promise<void> => {
    const nodes = await readFolder(reader, id, { path, pathBytes, above }, options);
    if (nodes === undefined) return;
    way.push({ treeId: id, pathBytes: new Uint8Array(pathBytes), path, nodes, next: 0 });
    above.add(id);
  };
  await open(treeId, base, utf8Of(base));
  for (let folder = way.at(-1); folder !== undefined; folder = way.at(-1)) {
    const run: WalkedEntry[] = [];
    let damage: Error | undefined;
    let last: WalkedEntry | undefined;
    while (folder.next < folder.nodes.length && last === undefined && damage === undefined) {
      const node = folder.nodes[folder.next]!;
      folder.next += 1;
      entries += 1;
      if (entries > entriesMax) {
        damage = damagedRepository('The snapshot has more entries than any real one; reading it was given up.');
        continue;
      }
      // A slash ends every damaged character: the text of a path is the texts of its names.
      const path = `${folder.path}/${utf8Of(node.name)}`;
      if (!isPlainName(node.name)) {
        damage = unsafeName();
        options.onDamage?.(path, damage);
        if (options.onDamage !== undefined) damage = undefined;
        continue;
      }
      const entry = new WalkedEntry(folder.pathBytes, path, node);
      run.push(entry);
      if (node.subtree !== undefined) last = entry;
    }
    if (run.length > 0) yield run;
    if (damage !== undefined) throw damage;
    if (last?.node.subtree === undefined) {
      way.pop();
      above.delete(folder.treeId);
    } else if (options.enter?.(last) !== false) await open(last.node.subtree, last.pathBytes, last.path);
  }
}

/** The entries of a folder; undefined when it is damaged, which `onDamage` was told. */
async function readFolder(
  reader: BlobReader,
  treeId: string,
  {
    path,
    pathBytes,
    above,
  }: { readonly path: string; readonly pathBytes: Uint8Array; readonly above: ReadonlySet<string> },
  options: WalkOptions,
): Promise<readonly TreeNode[] | undefined> {
  if (options.signal?.aborted) throw new HoldfastError('cancelled', 'Stopped before the end, as asked.');
  try {
    if (above.has(treeId)) throw damagedRepository('A folder of the snapshot contains itself.');
    if (above.size >= LIMITS.treeDepth || pathBytes.length > LIMITS.pathBytes)
      throw damagedRepository('The snapshot is nested deeper than any real folder.');
    return await reader.tree(treeId);
  } catch (error) {
    if (options.onDamage === undefined || !isHoldfastError(error, 'repository_damaged')) throw error;
    options.onDamage(path || '/', error);
    return undefined;
  }
}

function unsafeName(): Error {
  return damagedRepository('The name of an entry could lead outside of its folder. The entry was left out.');
}

/**
 * The node at an absolute path of a snapshot; undefined when there is none. The root itself has no node: it is the tree.
 * @throws HoldfastError repository_damaged when a folder on the way cannot be read.
 */
export async function findPath(reader: BlobReader, treeId: string, path: string): Promise<TreeEntry | undefined> {
  let tree: string | undefined = treeId;
  let found: TreeEntry | undefined;
  let parent: Uint8Array = new Uint8Array(0);
  for (const part of path.split('/').filter((piece) => piece !== '')) {
    if (tree === undefined) return undefined;
    const name = bytesOfUtf8(part);
    const node: TreeNode | undefined = (await reader.tree(tree)).find((entry) => compareBytes(name, entry.name) === 0);
    if (node === undefined) return undefined;
    parent = joinPath(parent, node.name);
    found = { pathBytes: parent, path: utf8Of(parent), node };
    tree = node.subtree;
  }
  return found;
}
