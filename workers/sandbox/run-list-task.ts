import { HoldfastError } from '../../core/base/errors.ts';
import { parseGoTime } from '../../core/repository/format/go-text.ts';
import type { TreeNode } from '../../core/repository/types.ts';
import type { ReadStore } from '../../core/storage/port.ts';
import { displayName, findEntry } from './find-entry.ts';
import type { ListedEntry, ListResult, ListTask } from './messages.ts';
import { openPoint } from './open-point.ts';

/** In the child: one folder of a snapshot, folders first, then by name. @throws HoldfastError not_found, bad_request. */
export async function runListTask(store: ReadStore, task: ListTask): Promise<ListResult> {
  const { snapshot, reader } = await openPoint(store, task);
  const found = await findEntry(reader, snapshot.tree, task.path);
  if (found === undefined) throw new HoldfastError('not_found', 'The restore point holds no such folder.');
  const treeId = found === null ? snapshot.tree : found.subtree;
  if (treeId === undefined) throw new HoldfastError('bad_request', 'This is a file, not a folder.');
  const entries = (await reader.tree(treeId)).map(toEntry);
  entries.sort((a, b) => Number(b.type === 'dir') - Number(a.type === 'dir') || (a.name < b.name ? -1 : 1));
  return { entries: entries.slice(0, task.entriesMax), total: entries.length };
}

function toEntry(node: TreeNode): ListedEntry {
  const mtimeNs = parseGoTime(node.mtime);
  return {
    name: displayName(node.name),
    type: node.type,
    size: Math.min(Number(node.size ?? 0n), Number.MAX_SAFE_INTEGER),
    mtime: mtimeNs === undefined ? null : Number(mtimeNs / 1_000_000n),
    ...(node.linkTarget === undefined ? {} : { linkTarget: displayName(node.linkTarget) }),
  };
}
