/** Repositories of stock restic with a source that is unkind to readers, for tests of the read path in a browser. */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { noise } from '../../core/repository/testing/noise.ts';

export const PASSWORD = 'correct horse — Batterie 電池';

/** Zeros are cut as soon as they may be. */
export const CHUNK_BYTES_MIN = 512 * 1024;

/** More than a reader keeps in memory. */
export const ZEROS_BYTES = 65 * 1024 * 1024;

const NAMES = [
  Buffer.from('plain.txt'),
  Buffer.from('not UTF-8 \xff\xfe\x80', 'latin1'),
  Buffer.from('surrogate \xed\xa0\x80', 'latin1'),
  Buffer.from('new\nline\ttab "quote" \\back'),
  Buffer.from('<b>&amp;<b>\u2028\u202etxt.exe'),
  Buffer.from('\ufeffmark first'),
  Buffer.from('日本語 🗂️ é'),
];

/** Fills a folder and returns it. Names are bytes: half of them are no valid text. */
export function makeSource(folder: string): string {
  const inside = path.join(folder, 'deep', 'er');
  mkdirSync(inside, { recursive: true });
  for (const [at, name] of NAMES.entries())
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), name]), `contents of file ${at}\n`.repeat(1 + at * 500));
  writeFileSync(path.join(inside, 'empty'), '');
  // Half of it compresses; 20 MiB are several chunks, in several packs.
  const large = Buffer.concat([noise(10 * 1024 * 1024, 'large'), Buffer.alloc(10 * 1024 * 1024, 'words and words ')]);
  writeFileSync(path.join(inside, 'large.bin'), large);
  // Large for a reader, and small to store: every chunk of it is the same.
  writeFileSync(path.join(inside, 'zeros'), '');
  truncateSync(path.join(inside, 'zeros'), ZEROS_BYTES);
  for (let at = 0; at < 600; at += 1) writeFileSync(path.join(folder, 'deep', `small ${at}`), `small file ${at}`);
  return folder;
}

/** SHA-256 of each file below a folder, by the latin1 of its path's bytes. */
export function hashesOf(folder: string): Record<string, string> {
  const hashes: Record<string, string> = {};
  const walk = (at: Buffer): void => {
    for (const entry of readdirSync(at, { withFileTypes: true, encoding: 'buffer' })) {
      const below = Buffer.concat([at, Buffer.from('/'), entry.name]);
      if (entry.isDirectory()) walk(below);
      else if (entry.isFile())
        hashes[below.toString('latin1')] = createHash('sha256').update(readFileSync(below)).digest('hex');
    }
  };
  walk(Buffer.from(folder));
  return hashes;
}

function restic(repository: string, ...args: readonly string[]): string {
  return execFileSync('restic', ['--no-cache', '-q', '-r', repository, ...args], {
    encoding: 'utf8',
    env: { ...process.env, RESTIC_PASSWORD: PASSWORD },
  });
}

/** As `restic`, without holding up this process: for one that asks this process for its repository. */
export async function resticMeanwhile(repository: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('restic', ['--no-cache', '-q', '-r', repository, ...args], {
    timeout: 60_000,
    env: { ...process.env, RESTIC_PASSWORD: PASSWORD },
  });
  return stdout;
}

export function makeRepository(folder: string, version: 1 | 2, source: string): string {
  restic(folder, 'init', '--repository-version', String(version));
  restic(folder, 'backup', '--host', 'mill', '--tag', 'nightly', source);
  return folder;
}
