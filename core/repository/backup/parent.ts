/** What the parent snapshot knows of each file: an unchanged one keeps its contents without being read. */
import type { ScannedEntry } from '../../filesystem/scan.ts';
import type { BlobIndex } from '../blob-index.ts';
import { type BlobReader, isReadDamage } from '../blob-reader.ts';
import { goTime } from '../format/go-text.ts';
import type { TreeNode } from '../types.ts';

export interface ParentFolder {
  readonly subtree: string;
  readonly nodes: ReadonlyMap<string, TreeNode>;
}

/** A folder of the parent by its tree; a damaged or missing one is as if it had not been there: its files are read again. */
export async function loadParentFolder(
  reader: BlobReader,
  treeId: string | undefined,
): Promise<ParentFolder | undefined> {
  if (treeId === undefined) return undefined;
  try {
    const nodes = await reader.tree(treeId);
    return { subtree: treeId, nodes: new Map(nodes.map((node) => [latin1(node.name), node])) };
  } catch (error) {
    if (isReadDamage(error)) return undefined;
    throw error;
  }
}

export function parentNode(folder: ParentFolder | undefined, entry: ScannedEntry): TreeNode | undefined {
  return folder?.nodes.get(latin1(entry.name));
}

/** Same size, times and inode, and every piece still in the repository. */
export function isUnchanged(entry: ScannedEntry, node: TreeNode | undefined, index: BlobIndex): boolean {
  if (node?.type !== 'file' || node.content === null) return false;
  const { stat } = entry;
  const isSame =
    (node.size ?? 0n) === stat.size &&
    node.inode === stat.ino &&
    node.mtime === goTime(stat.mtimeNs) &&
    node.ctime === goTime(stat.ctimeNs);
  return isSame && node.content.every((id) => index.has(id, 'data'));
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
