/** The way back of a SQLite database: a file that is whole and checked before it takes its place. */
import { randomBytes } from 'node:crypto';
import { access, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import type { DumpFile, LoadTerms } from './load-dump.ts';
import { runSqliteJob } from './sqlite-job.ts';

const CHECK_MS = 60 * 60_000;
const SIDE_FILES = ['', '-wal', '-shm', '-journal'];

/**
 * Restores to the file `into`. One that is there is refused, or, with `clean`, set aside under another name.
 * Returns that name, or undefined. @throws HoldfastError conflict, source_unreadable, disk_full, repository_damaged.
 */
export async function restoreSqlite(dump: DumpFile, terms: LoadTerms): Promise<string | undefined> {
  const { into, clean, signal } = terms;
  const isThere = (await stat(into).catch(() => undefined)) !== undefined;
  if (isThere && !clean)
    throw new HoldfastError(
      'conflict',
      `${into} is there already and was not changed. Name another file, or add --clean to set it aside.`,
    );
  await access(dirname(into)).catch((cause: unknown) => {
    throw new HoldfastError('not_found', `There is no folder ${dirname(into)} to restore to.`, { cause });
  });
  const mark = randomBytes(4).toString('hex');
  const made = `${into}.restore-${mark}`;
  try {
    await writeFile(made, dump, terms);
    await runSqliteJob({ kind: 'check', file: made, busyMs: 0 }, CHECK_MS, signal);
    const aside = isThere ? `${into}.before-${mark}` : undefined;
    // With what belongs to it: a leftover journal would be played into the new file.
    if (aside !== undefined) for (const suffix of SIDE_FILES) await renameIfThere(into + suffix, aside + suffix);
    await rename(made, into);
    return aside;
  } finally {
    await rm(made, { force: true });
  }
}

async function writeFile(path: string, dump: DumpFile, { signal, onBytes }: LoadTerms): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const piece of dump.bytes(signal)) {
      await file.writeFile(piece);
      onBytes?.(piece.length);
    }
    await file.sync();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC')
      throw new HoldfastError('disk_full', `The disk that holds ${path} is full. Nothing was replaced.`, {
        cause: error,
      });
    throw error;
  } finally {
    await file.close();
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  });
}
