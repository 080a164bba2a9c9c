import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readImports } from '../check/layers/read-imports.mjs';

/** How the sources start a worker thread: the file beside them, by its URL. */
export const THREAD_START = /new Worker\(\s*new URL\('(\.{1,2}\/[^']+\.ts)',\s*import\.meta\.url\),\s*\{/g;

/**
 * Everything that a program reaches from its entry by imports of our own files, threads included:
 * `{ files, threads, packages, missed }`. Paths are relative to the root; `packages` are names from npm that are imported for
 * more than their types; `missed` are files named by a URL that are no thread, which a single file cannot hold.
 */
export function reachFrom(root, entry) {
  const files = new Set([entry]);
  const threads = new Set();
  const packages = new Set();
  const missed = new Set();
  for (const file of files) {
    const text = readFileSync(path.join(root, file), 'utf8');
    const resolve = (specifier) => path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
    const started = new Set([...text.matchAll(THREAD_START)].map(([, specifier]) => resolve(specifier)));
    for (const { specifier, isType, how } of readImports(file, text).imports) {
      if (isType || specifier === undefined || specifier.startsWith('node:')) continue;
      if (!specifier.startsWith('.')) {
        packages.add(
          specifier
            .split('/')
            .slice(0, specifier.startsWith('@') ? 2 : 1)
            .join('/'),
        );
        continue;
      }
      const target = resolve(specifier);
      if (how === 'new URL') (started.has(target) ? threads : missed).add(target);
      if (/\.[cm]?ts$/.test(target)) files.add(target);
    }
  }
  const sorted = (set) => [...set].sort(undefined);
  return { files: sorted(files), threads: sorted(threads), packages: sorted(packages), missed: sorted(missed) };
}
