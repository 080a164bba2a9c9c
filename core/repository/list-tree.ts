/** Walking the folders of a snapshot. Paths are raw bytes with a text for people; depth and cycles are bounded. */
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

const SLASH = Buffer.of(0x2f);

export function joinPath(parent: Uint8Array, name: Uint8Array): Buffer {
  return Buffer.concat([parent, SLASH, name]);
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
  yield* walk(reader, treeId, options.basePath ?? Buffer.alloc(0), [], options, { entries: 0 });
}

async function* walk(
  reader: BlobReader,
  treeId: string,
  parent: Uint8Array,
  ancestors: readonly string[],
  options: WalkOptions,
  walked: { entries: number },
): AsyncGenerator<TreeEntry> {
  if (options.signal?.aborted) throw new HoldfastError('cancelled', 'Stopped before the end, as asked.');
  let nodes: TreeNode[];
  try {
    if (ancestors.includes(treeId)) throw damagedRepository('A folder of the snapshot contains itself.');
    if (ancestors.length >= LIMITS.treeDepth)
      throw damagedRepository('The snapshot is nested deeper than any real folder.');
    nodes = await reader.tree(treeId);
  } catch (error) {
    if (options.onDamage === undefined || !isHoldfastError(error, 'repository_damaged')) throw error;
    options.onDamage(Buffer.from(parent).toString('utf8') || '/', error);
    return;
  }
  const below = [...ancestors, treeId];
  for (const node of nodes) {
    walked.entries += 1;
    if (walked.entries > (options.entriesMax ?? LIMITS.snapshotEntries))
      throw damagedRepository('The snapshot has more entries than any real one; reading it was given up.');
    const pathBytes = joinPath(parent, node.name);
    if (!isPlainName(node.name)) {
      const damage = damagedRepository(
        'The name of an entry could lead outside of its folder. The entry was left out.',
      );
      if (options.onDamage === undefined) throw damage;
      options.onDamage(pathBytes.toString('utf8'), damage);
      continue;
    }
    const entry = { pathBytes, path: pathBytes.toString('utf8'), node };
    yield entry;
    if (node.subtree === undefined || options.enter?.(entry) === false) continue;
    yield* walk(reader, node.subtree, pathBytes, below, options, walked);
  }
}

/**
 * The node at an absolute path of a snapshot; undefined when there is none. The root itself has no node: it is the tree.
 * @throws HoldfastError repository_damaged when a folder on the way cannot be read.
 */
export async function findPath(reader: BlobReader, treeId: string, path: string): Promise<TreeEntry | undefined> {
  let tree: string | undefined = treeId;
  let found: TreeEntry | undefined;
  let parent: Buffer = Buffer.alloc(0);
  for (const part of path.split('/').filter((piece) => piece !== '')) {
    if (tree === undefined) return undefined;
    const name = Buffer.from(part, 'utf8');
    const node: TreeNode | undefined = (await reader.tree(tree)).find((entry) => name.equals(entry.name));
    if (node === undefined) return undefined;
    parent = joinPath(parent, node.name);
    found = { pathBytes: parent, path: parent.toString('utf8'), node };
    tree = node.subtree;
  }
  return found;
}
