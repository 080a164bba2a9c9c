/** Files that a child restored, in the parent's hands. The folder is hostile ground: no link is followed. */
import { constants } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, open, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { realPlace } from '../../core/filesystem/real-place.ts';

/** The first bytes of a file; none where it did not come back. */
export async function headOf(folder: string, witnessPath: string, bytes = 4096): Promise<Buffer> {
  const place = await realPlace(folder, witnessPath);
  if (place === undefined) return Buffer.alloc(0);
  const handle = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

export interface OpenedFile {
  /** Path in the snapshot. */
  readonly path: string;
  readonly name: string;
  /** A file that several looks need is copied: what one of them did to it must not reach the next. */
  readonly isShared?: boolean;
}

/** A fresh folder for a child that opens things, with these files in it and nobody else's. @returns those that were there. */
export async function moveInto(target: string, folder: string, files: readonly OpenedFile[]): Promise<Set<string>> {
  await mkdir(target, { mode: 0o700 });
  const moved = new Set<string>();
  for (const { path: witnessPath, name, isShared = false } of files) {
    const from = await realPlace(folder, witnessPath);
    if (from === undefined) continue;
    const to = path.join(target, name);
    // Moved, not copied, where that is possible: what is opened are the very bytes that were compared.
    await (isShared ? copyFile(from, to, constants.COPYFILE_EXCL) : rename(from, to));
    // Its user is drawn when the child starts; the folder is that user's alone then.
    await chmod(to, 0o666);
    moved.add(witnessPath);
  }
  return moved;
}

/**
 * Lets every user of the machine who reaches the place read it: a sandbox has a user of its own, who sees what is shown to it,
 * and the folder above is the service's alone. Whoever restored it has ended; links are neither followed nor changed.
 */
export async function openToReaders(place: string): Promise<void> {
  const found = await lstat(place);
  if (found.isFile()) return await chmod(place, 0o444);
  if (!found.isDirectory()) return;
  await chmod(place, 0o755);
  for (const name of await readdir(place)) await openToReaders(path.join(place, name));
}
