/** Finds the programs that sources run, and refuses those that somebody else on the machine could have written. */
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';

/** Where a service's programs lie when its environment names no path. */
export const DEFAULT_SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The first of `names` in the folder, or on the search path.
 * @throws HoldfastError service_missing when there is none; forbidden when others may write it.
 */
export async function findProgram(
  names: readonly string[],
  searchPath: string,
  folder: string | undefined,
  installHint: string,
): Promise<string> {
  const folders = folder === undefined ? searchPath.split(':').filter((entry) => entry.startsWith('/')) : [folder];
  for (const name of names) {
    for (const place of folders) {
      const path = join(place, name);
      if (!(await isRunnable(path))) continue;
      await assertTrusted(path);
      return path;
    }
  }
  const where = folder === undefined ? 'on the search path' : `in ${folder}`;
  throw new HoldfastError(
    'service_missing',
    `There is no ${names[0] ?? 'program'} ${where} of this machine. ${installHint}`,
  );
}

async function isRunnable(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  return facts !== undefined && facts.isFile() && (facts.mode & 0o111) !== 0;
}

/** The agent often is root: it runs nothing that another user could replace. @throws HoldfastError forbidden, source_missing. */
export async function assertTrusted(path: string): Promise<void> {
  const real = await realpath(path).catch((cause: unknown) => {
    throw new HoldfastError('source_missing', `There is no program ${path} on this machine.`, { cause });
  });
  const own = process.getuid?.() ?? 0;
  for (const place of new Set([real, dirname(real), dirname(path)])) {
    const facts = await stat(place);
    const isSticky = (facts.mode & 0o1000) !== 0 && facts.isDirectory();
    if ((facts.uid === 0 || facts.uid === own) && ((facts.mode & 0o022) === 0 || isSticky)) continue;
    throw new HoldfastError(
      'forbidden',
      `${path} is not run: other users of this machine may write ${place}. It must belong to root or to the agent's user, and be writable by its owner alone.`,
    );
  }
}

/**
 * A policy comes over the network. Which programs of the machine it may start is decided on the machine: by a list that
 * its owner keeps beside the agent's state, one absolute path a line.
 * @throws HoldfastError forbidden with the sentence that says how to allow it.
 */
export async function assertAllowed(program: string, listPath: string): Promise<void> {
  const text = await readFile(listPath, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = text.split('\n').map((line) => line.trim());
  if (text !== '') await assertTrusted(listPath);
  if (!lines.includes(program)) {
    throw new HoldfastError(
      'forbidden',
      `The policy wants to run ${program}, which this machine has not allowed. Whoever administers the machine can add it as a line of ${listPath}.`,
    );
  }
  await assertTrusted(program);
}
