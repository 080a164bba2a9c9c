import type { EntryMetadata } from '../../filesystem/entry-metadata.ts';
import { unixPermissions } from '../format/file-mode.ts';
import { parseGoTime } from '../format/go-text.ts';
import type { TreeNode } from '../types.ts';

/** A stored time in seconds; 0 for one that cannot be read. */
export function secondsOf(time: string): number {
  return Number(parseGoTime(time) ?? 0n) / 1e9;
}

/** What of a node's metadata a restore sets. A time that cannot be read is 1970. */
export function metadataOf(node: TreeNode, byNodeAlone = false): EntryMetadata {
  return {
    permissions: unixPermissions(node.mode),
    mtimeNs: parseGoTime(node.mtime) ?? 0n,
    atimeNs: parseGoTime(node.atime) ?? 0n,
    owner: { uid: node.uid, gid: node.gid },
    // Parts of their own: a small Buffer is a view into a pool, and the whole pool would cross into a thread.
    ...(node.extendedAttributes === undefined
      ? {}
      : {
          attributes: node.extendedAttributes.map(({ name, value }) => ({
            name: new Uint8Array(name),
            value: new Uint8Array(value),
          })),
        }),
    ...(byNodeAlone ? { byNodeAlone } : {}),
  };
}

/** What a restore by anybody but root says of owners, once, when `foreign` entries had another; undefined otherwise. */
export function ownerLimits(foreign: number): string | undefined {
  const self = process.geteuid?.();
  if (self === undefined || self === 0 || foreign === 0) return undefined;
  return `${foreign} restored entries had another owner and belong to the user who restores: only root may give files away`;
}
