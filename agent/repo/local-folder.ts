/** Whether a folder lies on a disk of this machine, where what one program has written the next one sees at once. */
import { statfs } from 'node:fs/promises';
import path from 'node:path';

/** The f_type of Linux' own file systems, by statfs(2). What is not known counts as a network's. */
const LOCAL_TYPES: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0x01021994, // tmpfs
  0x2fc12fc1, // zfs
  0xf2f52010, // f2fs
  0x794c7630, // overlayfs
]);

export async function isLocalFolder(folder: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  try {
    // Types are 32 bits, and some systems give them with a sign.
    return LOCAL_TYPES.has((await statfs(path.resolve(folder))).type >>> 0);
  } catch {
    return false;
  }
}
