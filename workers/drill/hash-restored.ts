/**
 * The independent look at what a drill restored: the parent reads the files from the scratch folder, after the child has
 * ended, with code that shares nothing with the restore. The folder is hostile ground: no link is followed.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import path from 'node:path';
import type { RestoredFile, WitnessEntry } from '../../core/domain/drills.ts';

/** The files that came back, of those that were planned. A link, a folder or a pipe in a file's place did not come back. */
export async function hashRestored(
  folder: string,
  planned: readonly WitnessEntry[],
  onFile: (bytes: number) => void,
): Promise<RestoredFile[]> {
  const restored: RestoredFile[] = [];
  for (const { path: witnessPath } of planned) {
    const place = await realPlace(folder, witnessPath);
    const file = place === undefined ? undefined : await hashFile(place);
    if (file === undefined) continue;
    restored.push({ path: witnessPath, ...file });
    onFile(file.size);
  }
  return restored;
}

/** The place of a witness path below the folder, when every folder on the way is a real one. */
async function realPlace(folder: string, witnessPath: string): Promise<string | undefined> {
  const names = witnessPath.split('/').filter((name) => name !== '');
  if (names.length === 0 || names.some((name) => name === '.' || name === '..' || name.includes('\0')))
    return undefined;
  let place = folder;
  for (const [at, name] of names.entries()) {
    place = path.join(place, name);
    const found = await lstat(place).catch(() => undefined);
    const isLast = at === names.length - 1;
    if (found === undefined || !(isLast ? found.isFile() : found.isDirectory())) return undefined;
  }
  return place;
}

async function hashFile(place: string): Promise<{ size: number; sha256: string } | undefined> {
  const handle = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => undefined,
  );
  if (handle === undefined) return undefined;
  try {
    const hash = createHash('sha256');
    let size = 0;
    for await (const piece of handle.createReadStream({ autoClose: false })) {
      hash.update(piece as Buffer); // no encoding is set
      size += (piece as Buffer).length;
    }
    return { size, sha256: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}
