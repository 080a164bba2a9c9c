import { chmod, lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';

/** A fresh folder for one drill, for its child alone. `remove` also gets past folders that forbid it. */
export async function makeScratchFolder(
  root: string,
  name: string,
): Promise<{ readonly path: string; bytes(): Promise<number>; remove(): Promise<void> }> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(path.join(path.resolve(root), `${name}-`));
  await chmod(folder, 0o700);
  return {
    path: folder,
    bytes: async () => await bytesIn(folder),
    remove: async () => await rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** Of plain files; what vanishes while it is counted counts nothing. */
export async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const inside = path.join(folder, entry.name);
    if (entry.isDirectory()) bytes += await bytesIn(inside);
    else if (entry.isFile()) bytes += (await lstat(inside).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
}
