/** A tree node from what the file system says of an entry. */
import { goMode, nodeTypeOf } from '../format/file-mode.ts';
import { goTime, type ZoneOffset } from '../format/go-text.ts';
import type { TreeNode } from '../types.ts';
import type { KeptEntry } from './folder-record.ts';
import type { OwnerNames } from './owners.ts';

/**
 * restic's fields: the access time is the modification time, for reading a file would otherwise change its tree. For a file
 * that was read, `facts` are those of the opened file, with the size that was read.
 */
export function makeNode(entry: KeptEntry, owners: OwnerNames, zone: ZoneOffset): TreeNode {
  const { name, linkTarget, facts, content, subtree, attributes } = entry;
  const mtime = goTime(facts.mtimeNs, zone);
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
    ctime: goTime(facts.ctimeNs, zone),
    uid: facts.uid,
    gid: facts.gid,
    inode: facts.inode,
    deviceId: facts.device,
    content,
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    ...(type === 'file' ? { size: BigInt(facts.size) } : {}),
    ...(hasLinks ? { links: BigInt(facts.links) } : {}),
    ...(linkTarget === undefined ? {} : { linkTarget }),
    ...(attributes.length === 0 ? {} : { extendedAttributes: attributes }),
    ...(isDevice ? { device: facts.rawDevice } : {}),
    ...(subtree === undefined ? {} : { subtree }),
  };
}
