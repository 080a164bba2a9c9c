/** What the file system refused while a tree was restored: one entry's trouble, or the end of the restore. */
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import { SafeWriter } from '../../filesystem/safe-writer.ts';
import type { RestoreOptions } from './restore-options.ts';

/** @throws HoldfastError disk_full, storage_unavailable when the folder cannot be made. */
export function openWriter({ targetDir, overwrite = 'refuse' }: RestoreOptions): SafeWriter {
  try {
    return new SafeWriter(targetDir, overwrite);
  } catch (error) {
    throw translateWriteError(error);
  }
}

/** What ends the whole restore: the disk is full or failing, or the process is out of files. Anything else is one entry's. */
export const FATAL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE']);

/** What the system said of this entry, in words; undefined when it went well. @throws what concerns more than the entry. */
export function refusedBy(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (isHoldfastError(error) || code === undefined || FATAL.has(code)) throw error;
    return inWords(code);
  }
}

/** The reason as a person may read it, with the code for the log. */
export function inWords(code: string): string {
  const known: Readonly<Record<string, string>> = {
    EACCES: 'it may not be written there',
    EPERM: 'it may not be written there',
    EEXIST: 'its place was taken while the restore ran',
    ENAMETOOLONG: 'its name is too long for this file system',
    EILSEQ: 'this file system cannot store its name',
    EINVAL: 'this file system cannot store its name',
    ELOOP: 'a link stands in its place',
    ENOENT: 'its folder is gone',
    ENOTDIR: 'its folder could not be made',
  };
  return `${known[code] ?? 'it could not be written'} (${code})`;
}

/** A disk that is full or refuses to be written, in words; what did not come from the file system as it is. */
export function translateWriteError(error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (isHoldfastError(error) || code === undefined) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new HoldfastError(
      'disk_full',
      'The disk of the restore folder is full. The backup is untouched; free some space, or restore to another place.',
      { cause: error },
    );
  }
  if (syscall === undefined && !FATAL.has(code)) return error;
  return new HoldfastError(
    'storage_unavailable',
    `The folder of the restore cannot be written (${code}). The backup is untouched; look at that disk and its rights, or restore to another place.`,
    { cause: error },
  );
}
