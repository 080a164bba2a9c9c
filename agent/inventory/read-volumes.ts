/** The fixed volumes of a Linux machine: what its disks hold, each once, however often it is mounted. */
import { statfs } from 'node:fs/promises';
import { type FoundVolume, VOLUMES_MAX } from '../../core/protocol/inventory.ts';
import { reportable } from './reportable.ts';

/** File systems that lie on disks of the machine and that somebody writes to. Network, memory, images and pseudo file systems are none. */
const LOCAL = new Set([
  ...['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'zfs', 'f2fs', 'jfs', 'reiserfs', 'bcachefs', 'nilfs2', 'ufs'],
  ...['vfat', 'exfat', 'msdos', 'ntfs', 'ntfs3', 'fuseblk', 'hfs', 'hfsplus', 'apfs'],
]);
/** Subvolumes of one of these have device numbers of their own, and one and the same room. */
const SHARES_ROOM = new Set(['btrfs', 'bcachefs']);
/** A file that is mounted as a disk lies on another volume, and would count twice. */
const LOOP_MAJOR = '7';
/** A disk that is about to die answers late or never. */
const ANSWER_MS = 5_000;

export interface LocalMount {
  readonly mountPoint: string;
  readonly fileSystem: string;
}

/** From the text of /proc/self/mountinfo (proc(5)): the first mount of each local file system. */
export function localMounts(mountinfo: string): LocalMount[] {
  const found = new Map<string, LocalMount>();
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    const [, , device = '', root = '', mountPoint = ''] = (before ?? '').split(' ');
    const [fileSystem = '', source = ''] = (after ?? '').split(' ');
    if (!LOCAL.has(fileSystem) || mountPoint === '' || device.split(':')[0] === LOOP_MAJOR) continue;
    const sharesRoom = SHARES_ROOM.has(fileSystem);
    // A folder of a disk that somebody mounted here (in a container: of its host) would bring in the whole disk.
    if (root !== '/' && !sharesRoom) continue;
    const key = sharesRoom ? source : device;
    if (!found.has(key)) found.set(key, { mountPoint: unescaped(mountPoint), fileSystem });
  }
  return [...found.values()];
}

/** Blanks, tabs, line feeds and backslashes are octal there. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Null where there is none that can be measured, as inside most containers. */
export async function readVolumes(mountinfo: string, ask: typeof statfs = statfs): Promise<FoundVolume[] | null> {
  const mounts = localMounts(mountinfo).slice(0, VOLUMES_MAX);
  const volumes = await Promise.all(
    mounts.map(async ({ mountPoint, fileSystem }): Promise<FoundVolume> => {
      const room = await withinTime(ask(mountPoint)).catch(() => undefined);
      const known = room !== undefined && room.bfree <= room.blocks;
      return {
        mountPoint: reportable(mountPoint),
        fileSystem,
        usedBytes: known ? (room.blocks - room.bfree) * room.bsize : null,
        sizeBytes: known ? room.blocks * room.bsize : null,
      };
    }),
  );
  // Two names may differ in letters alone that are not sent.
  const unique = [...new Map(volumes.map((one) => [one.mountPoint, one])).values()];
  return unique.length === 0 ? null : unique;
}

async function withinTime<T>(answer: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ANSWER_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
