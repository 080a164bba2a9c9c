/** A tree node from what the file system says of an entry. */
import { goMode, nodeTypeOf } from '../format/file-mode.ts';
import { goTime, type ZoneOffset } from '../format/go-text.ts';
import type { Filling, TreeNode } from '../types.ts';
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
  // Filled in place: a backup makes one of these for each entry, and every part that is spread into it would be an object more.
  const node: Filling<TreeNode> = {
    name,
    type,
    mode: goMode(facts.mode),
    mtime,
    atime: mtime,
    ctime: facts.ctimeNs === facts.mtimeNs ? mtime : goTime(facts.ctimeNs, zone),
    uid: facts.uid,
    gid: facts.gid,
    inode: facts.inode,
    deviceId: facts.device,
    content,
  };
  if (user !== undefined) node.user = user;
  if (group !== undefined) node.group = group;
  if (type === 'file') node.size = BigInt(facts.size);
  if (hasLinks) node.links = BigInt(facts.links);
  if (linkTarget !== undefined) node.linkTarget = linkTarget;
  if (attributes.length > 0) node.extendedAttributes = attributes;
  if (isDevice) node.device = facts.rawDevice;
  if (subtree !== undefined) node.subtree = subtree;
  return node;
}
