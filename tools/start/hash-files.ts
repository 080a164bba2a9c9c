import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * One hash over the names and bytes of files and folders (relative to `root`), for telling whether something that was made
 * from them is still current. `isSkipped` gets a path relative to `root`. A path that does not exist counts as absent.
 */
export function hashFiles(
  root: string,
  paths: readonly string[],
  isSkipped: (file: string) => boolean = () => false,
): string {
  const hash = createHash('sha256');
  const add = (file: string): void => {
    const fullPath = path.join(root, file);
    if (isSkipped(file) || !existsSync(fullPath)) return;
    if (statSync(fullPath).isDirectory()) {
      for (const name of readdirSync(fullPath).sort()) add(path.posix.join(file, name));
      return;
    }
    const bytes = readFileSync(fullPath);
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  };
  for (const file of [...paths].sort()) add(file);
  return hash.digest('hex');
}
