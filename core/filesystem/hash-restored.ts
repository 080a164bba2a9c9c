/**
 * The independent look at what a drill restored: the files are read from the scratch folder, after the restore has ended, with
 * code that shares nothing with it. The folder is hostile ground: no link is followed.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { realPlace } from './real-place.ts';

export interface HashedFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

/** The files that came back, of those that were planned. A link, a folder or a pipe in a file's place did not come back. */
export async function hashRestored(
  folder: string,
  planned: readonly { readonly path: string }[],
  onFile: (bytes: number) => void,
): Promise<HashedFile[]> {
  const restored: HashedFile[] = [];
  for (const { path: witnessPath } of planned) {
    const place = await realPlace(folder, witnessPath);
    const file = place === undefined ? undefined : await hashFile(place);
    if (file === undefined) continue;
    restored.push({ path: witnessPath, ...file });
    onFile(file.size);
  }
  return restored;
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
