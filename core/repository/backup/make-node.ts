/** A tree node from what the file system says of an entry. */
import type { ScannedEntry } from '../../filesystem/scan.ts';
import { goMode, nodeTypeOf } from '../format/file-mode.ts';
import { goTime } from '../format/go-text.ts';
import type { TreeNode } from '../types.ts';
import type { OwnerNames } from './owners.ts';

export interface NodeContents {
  readonly content: readonly string[] | null;
  readonly subtree?: string;
  /** Bytes that were read: what the contents add up to, whatever the size was when the folder was walked. */
  readonly size?: bigint;
}

/** restic's fields: the access time is the modification time, for reading a file would otherwise change its tree. */
export function makeNode(entry: ScannedEntry, owners: OwnerNames, contents: NodeContents): TreeNode {
  const { stat } = entry;
  const uid = Number(stat.uid);
  const gid = Number(stat.gid);
  const mtime = goTime(stat.mtimeNs);
  const type = nodeTypeOf(Number(stat.mode));
  const user = owners.user(uid);
  const group = owners.group(gid);
  const isDevice = type === 'dev' || type === 'chardev';
  const hasLinks = type === 'file' || type === 'symlink' || isDevice;
  return {
    name: entry.name,
    type,
    mode: goMode(Number(stat.mode)),
    mtime,
    atime: mtime,
    ctime: goTime(stat.ctimeNs),
    uid,
    gid,
    inode: stat.ino,
    deviceId: stat.dev,
    content: contents.content,
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    ...(type === 'file' ? { size: contents.size ?? stat.size } : {}),
    ...(hasLinks ? { links: stat.nlink } : {}),
    ...(entry.linkTarget === undefined ? {} : { linkTarget: entry.linkTarget }),
    ...(isDevice ? { device: stat.rdev } : {}),
    ...(contents.subtree === undefined ? {} : { subtree: contents.subtree }),
  };
}
