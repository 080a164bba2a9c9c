/** An entry of a snapshot, as `ls` and `find` show it. */
import { unixPermissions } from '../../core/repository/format/file-mode.ts';
import type { TreeEntry } from '../../core/repository/list-tree.ts';
import type { NodeType } from '../../core/repository/types.ts';
import { printable } from './say.ts';

const LETTERS: Readonly<Record<NodeType, string>> = {
  file: '-',
  dir: 'd',
  symlink: 'l',
  dev: 'b',
  chardev: 'c',
  fifo: 'p',
  socket: 's',
  irregular: '?',
};

/** The path alone, or as `ls -l` shows it: mode, owner, size, time (as stored, to the second), path, target of a link. */
export function entryLine({ path, node }: TreeEntry, isLong: boolean): string {
  if (!isLong) return printable(path);
  const owner = `${node.user ?? node.uid}:${node.group ?? node.gid}`;
  const size = String(node.size ?? 0n).padStart(12);
  const time = node.mtime.slice(0, 19).replace('T', ' ');
  const target = node.linkTarget === undefined ? '' : ` -> ${Buffer.from(node.linkTarget).toString('utf8')}`;
  return printable(`${modeText(node.type, node.mode)} ${owner.padEnd(15)} ${size} ${time} ${path}${target}`);
}

/** Such as `-rw-r--r--`, with s, S, t and T where `ls` has them. */
export function modeText(type: NodeType, mode: number): string {
  const bits = unixPermissions(mode);
  const letters = Array.from('rwxrwxrwx', (letter, at) => (bits & (0o400 >> at) ? letter : '-'));
  const special = (at: number, bit: number, letter: string): void => {
    if (bits & bit) letters[at] = letters[at] === 'x' ? letter : letter.toUpperCase();
  };
  special(2, 0o4000, 's');
  special(5, 0o2000, 's');
  special(8, 0o1000, 't');
  return LETTERS[type] + letters.join('');
}

/** What `--json` says of an entry. */
export function entryFacts({ path, node }: TreeEntry): Record<string, unknown> {
  const { type, size, mode, mtime, uid, gid, user, group, linkTarget, links, inode } = node;
  const target = linkTarget === undefined ? {} : { linkTarget: Buffer.from(linkTarget).toString('utf8') };
  const names = { ...(user === undefined ? {} : { user }), ...(group === undefined ? {} : { group }) };
  const numbers = {
    ...(links === undefined ? {} : { links: Number(links) }),
    ...(inode === undefined ? {} : { inode: String(inode) }),
  };
  return { path, nodeType: type, size: Number(size ?? 0n), mode, mtime, uid, gid, ...names, ...numbers, ...target };
}
