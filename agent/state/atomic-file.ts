/**
 * Files of the state folder are replaced whole or not at all: a temporary file, fsync, rename, fsync of the folder. A full
 * disk or a crash therefore leaves the former content, never half of the new one.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';

export const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;

function errnoCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** @throws HoldfastError disk_full when there is no room; the former content is untouched then. */
export async function writeFileAtomic(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
    const file = await open(temporary, 'wx', FILE_MODE);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw stateWriteError(error, path);
  }
}

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Undefined when there is no such file. */
export async function readFileIfPresent(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export function stateWriteError(error: unknown, path: string): unknown {
  const code = errnoCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new HoldfastError(
      'disk_full',
      `The disk that holds ${dirname(path)} is full. Nothing was lost; free some space there and try again.`,
      { cause: error },
    );
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    return new HoldfastError(
      'forbidden',
      `${dirname(path)} cannot be written by this user. Run the command as the user that enrolled this machine, or name another folder with --state.`,
      { cause: error },
    );
  }
  return error;
}
