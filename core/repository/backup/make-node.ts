/** A tree node from what the file system says of an entry. */
import type { EntryFacts, ScannedEntry } from '../../filesystem/scan.ts';
import { goMode, nodeTypeOf } from '../format/file-mode.ts';
import { goTime } from '../format/go-text.ts';
import type { TreeNode } from '../types.ts';
import type { OwnerNames } from './owners.ts';

export interface NodeContents {
  /** Blob ids of a file; null for everything else. */
  readonly content: readonly string[] | null;
  readonly subtree?: string;
}

/**
 * restic's fields: the access time is the modification time, for reading a file would otherwise change its tree. For a file
 * that was read, `facts` are those of the opened file, with the size that was read.
 */
export function makeNode(
  { name, linkTarget }: ScannedEntry,
  facts: EntryFacts,
  owners: OwnerNames,
  contents: NodeContents,
): TreeNode {
  const mtime = goTime(facts.mtimeNs);
  const type = nodeTypeOf(facts.mode);
  const user = owners.user(facts.uid);
  const group = owners.group(facts.gid);
  const isDevice = type === 'dev' || type === 'chardev';
  const hasLinks = type === 'file' || type === 'symlink' || isDevice;
  return {
    name,
    type,
    mode: goMode(facts.mode),
    mtime,
    atime: mtime,
    ctime: goTime(facts.ctimeNs),
    uid: facts.uid,
    gid: facts.gid,
    inode: facts.inode,
    deviceId: facts.device,
    content: contents.content,
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    ...(type === 'file' ? { size: BigInt(facts.size) } : {}),
    ...(hasLinks ? { links: BigInt(facts.links) } : {}),
    ...(linkTarget === undefined ? {} : { linkTarget }),
    ...(isDevice ? { device: facts.rawDevice } : {}),
    ...(contents.subtree === undefined ? {} : { subtree: contents.subtree }),
  };
}
