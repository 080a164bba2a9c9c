/** Two nodes of one type and name. */
import type { TreeNode } from '../types.ts';

/** Bytes of a file, target of a link, number of a device. Of folders nothing: their entries are compared one by one. */
export function hasOtherContents(before: TreeNode, after: TreeNode): boolean {
  const [old, young] = [before.content ?? [], after.content ?? []];
  return (
    old.length !== young.length ||
    old.some((id, at) => id !== young[at]) ||
    !isSameBytes(before.linkTarget, after.linkTarget) ||
    (before.device ?? 0n) !== (after.device ?? 0n)
  );
}

/**
 * The names of the fields that differ besides the contents. Not among them are what changes without anybody changing the
 * entry: when it was read, its inode's number and time, the device that it lies on.
 */
export function changedMetadata(before: TreeNode, after: TreeNode): string[] {
  const fields = ['mode', 'mtime', 'uid', 'gid', 'user', 'group', 'links'] as const;
  const changed: string[] = fields.filter((field) => (before[field] ?? '') !== (after[field] ?? ''));
  if (attributesOf(before) !== attributesOf(after)) changed.push('extendedAttributes');
  return changed;
}

function attributesOf({ extendedAttributes = [] }: TreeNode): string {
  const pairs = extendedAttributes.map(({ name, value }) => [
    Buffer.from(name).toString('latin1'),
    Buffer.from(value).toString('base64'),
  ]);
  return JSON.stringify(pairs.sort(([a], [b]) => (a! < b! ? -1 : 1)));
}

function isSameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return Buffer.compare(a ?? Buffer.alloc(0), b ?? Buffer.alloc(0)) === 0;
}
