import type { EntryMetadata } from '../../filesystem/restored-file.ts';
import { unixPermissions } from '../format/file-mode.ts';
import { parseGoTime } from '../format/go-text.ts';
import type { TreeNode } from '../types.ts';

/** A stored time in seconds; 0 for one that cannot be read. */
export function secondsOf(time: string): number {
  return Number(parseGoTime(time) ?? 0n) / 1e9;
}

/** What of a node's metadata a restore sets; owners only where this process may give files away. */
export function metadataOf(node: TreeNode): EntryMetadata {
  return {
    permissions: unixPermissions(node.mode),
    mtimeSeconds: secondsOf(node.mtime),
    atimeSeconds: secondsOf(node.atime),
    ...(process.getuid?.() === 0 ? { owner: { uid: node.uid, gid: node.gid } } : {}),
  };
}
