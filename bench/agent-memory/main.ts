/**
 * Most memory that a backup takes at once, as a whole process with all its threads: beside an index of two million blobs, and over
 * a million files. The index is made of random ids and written as a backup writes one; the files are empty, a thousand a folder.
 * In a memory file system, for the files; what lies there is not the process's.
 *
 *   npm run bench -- agent-memory [--blobs 2000000] [--files 1000000] [--folder /dev/shm]
 */
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openRepository } from '../../core/repository/repository.ts';
import { writeIndex } from '../../core/repository/write/write-index.ts';
import { createFileStore } from '../../core/storage/file-store.ts';
import { type Measurement, measure } from '../measure.ts';
import type { PackContents } from '../../core/repository/packs-of-index.ts';

const HOLDFAST = fileURLToPath(new URL('../../bin/holdfast', import.meta.url));
const MIB = 2 ** 20;
/** What the agent promises. */
const INDEX_BOUND_MIB = 256;
const FILES_BOUND_MIB = 300;
const BLOBS_A_PACK = 200;
const BLOB_BYTES = 80_000;
const FILES_A_FOLDER = 1000;
const PASSWORD = 'benchmark';

const { values } = parseArgs({
  options: {
    blobs: { type: 'string', default: '2000000' },
    files: { type: 'string', default: '1000000' },
    folder: { type: 'string', default: '/dev/shm' },
  },
});

function countOf(name: 'blobs' | 'files'): number {
  const count = Number(values[name]);
  if (!Number.isInteger(count) || count < 1)
    throw new Error(`--${name} must be a whole number above 0, not ${values[name]}`);
  return count;
}

const scratch = mkdtempSync(path.join(values.folder, 'holdfast-bench-memory-'));
const passwordFile = path.join(scratch, 'password');
const repository = path.join(scratch, 'repository');

async function holdfast(command: string, ...args: string[]): Promise<Measurement> {
  const repo = ['--repo', repository, '--password-file', passwordFile];
  return await measure([HOLDFAST, 'repo', command, ...repo, ...args], { XDG_CACHE_HOME: path.join(scratch, 'cache') });
}

/** Packs that are nowhere: a backup asks the index for what there is, not the store. */
function* packs(blobs: number): Generator<PackContents> {
  const idOf = (name: string): string => createHash('sha256').update(name).digest('hex');
  for (let at = 0; at < blobs; at += BLOBS_A_PACK)
    yield {
      packId: idOf(`pack ${at}`),
      blobs: Array.from({ length: Math.min(BLOBS_A_PACK, blobs - at) }, (_, number) => ({
        id: idOf(`blob ${at + number}`),
        type: 'data' as const,
        packId: idOf(`pack ${at}`),
        offset: number * BLOB_BYTES,
        length: BLOB_BYTES,
        uncompressedLength: 2 * BLOB_BYTES,
      })),
    };
}

function makeFiles(source: string, files: number): void {
  for (let number = 0; number < files; number += 1) {
    const folder = path.join(source, String(Math.floor(number / FILES_A_FOLDER)));
    if (number % FILES_A_FOLDER === 0) mkdirSync(folder, { recursive: true });
    closeSync(openSync(path.join(folder, `file-${number}`), 'w'));
  }
}

function report(what: string, { peakBytes, wallSeconds }: Measurement, boundMib: number): void {
  const mib = peakBytes / MIB;
  const isOver = !(mib <= boundMib);
  if (isOver) process.exitCode = 1;
  console.log(
    `  ${what.padEnd(44)} ${mib.toFixed(0).padStart(5)} MiB in ${wallSeconds.toFixed(1).padStart(5)} s, at most ${boundMib}${isOver ? '  over' : ''}`,
  );
}

try {
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  const small = path.join(scratch, 'small');
  mkdirSync(small);
  writeFileSync(path.join(small, 'file'), 'one file');

  const blobs = countOf('blobs');
  await holdfast('init');
  const repo = await openRepository(createFileStore({ root: repository }), PASSWORD);
  await writeIndex(repo, packs(blobs), () => undefined);
  report(
    `one file, ${blobs.toLocaleString('en')} blobs in the index`,
    await holdfast('backup', small),
    INDEX_BOUND_MIB,
  );
  rmSync(repository, { recursive: true });

  const files = countOf('files');
  const source = path.join(scratch, 'files');
  makeFiles(source, files);
  await holdfast('init');
  const label = `${files.toLocaleString('en')} files`;
  report(`${label}, first backup`, await holdfast('backup', source), FILES_BOUND_MIB);
  report(`${label}, nothing changed`, await holdfast('backup', source), FILES_BOUND_MIB);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
