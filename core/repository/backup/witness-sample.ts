/** Which files are witnessed: a sample that the seed decides, so that nobody can tell beforehand which file is looked at. */
import { createHash } from 'node:crypto';
import type { ScannedEntry } from '../../filesystem/scan.ts';
import { isValidUtf8 } from '../format/utf8-rune.ts';

/** A larger file would make every run read it again, changed or not. */
const SAMPLE_FILE_BYTES_MAX = 64 * 1024 * 1024;

/** The `count` files with the smallest hash of seed and path, of those with a path that text can hold. */
export function witnessSample(files: readonly ScannedEntry[], seed: string, count: number): Set<ScannedEntry> {
  const ranked = files
    .filter(({ stat, path }) => stat.size > 0n && stat.size <= SAMPLE_FILE_BYTES_MAX && isValidUtf8(path))
    .map((entry) => ({ entry, rank: createHash('sha256').update(`${seed}\n`).update(entry.path).digest('hex') }));
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  return new Set(ranked.slice(0, count).map(({ entry }) => entry));
}
