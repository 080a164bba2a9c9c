import type { BlobReader } from '../../core/repository/blob-reader.ts';
import type { TreeNode } from '../../core/repository/types.ts';

/** A name as people see it: invalid UTF-8 as replacement characters, and without NUL, which no database text holds. */
export function displayName(name: Uint8Array): string {
  return Buffer.from(name).toString('utf8').replaceAll('\0', '\ufffd');
}

/**
 * The node at a path as a listing shows it; null for the root. Names that are no valid UTF-8 are found by what is shown of
 * them, the first of several that look the same. Undefined: there is none.
 * @throws HoldfastError repository_damaged when a folder on the way cannot be read.
 */
export async function findEntry(
  reader: BlobReader,
  treeId: string,
  path: string,
): Promise<TreeNode | null | undefined> {
  let tree: string | undefined = treeId;
  let node: TreeNode | null = null;
  for (const part of path.split('/').filter((piece) => piece !== '')) {
    if (tree === undefined) return undefined;
    const nodes = await reader.tree(tree);
    const bytes = Buffer.from(part, 'utf8');
    const found = nodes.find((one) => bytes.equals(one.name)) ?? nodes.find((one) => displayName(one.name) === part);
    if (found === undefined) return undefined;
    node = found;
    tree = found.subtree;
  }
  return node;
}
