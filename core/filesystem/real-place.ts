import { lstat } from 'node:fs/promises';
import path from 'node:path';

/** The place of a witness path below the folder, when every folder on the way is a real one, and the file too. */
export async function realPlace(folder: string, witnessPath: string): Promise<string | undefined> {
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
