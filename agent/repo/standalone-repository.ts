/** Opens what --repo and --password-file name. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import { openRepository } from '../../core/repository/repository.ts';
import type { OpenRepository } from '../../core/repository/types.ts';
import { createFileStore } from '../../core/storage/file-store.ts';
import type { ObjectStore } from '../../core/storage/port.ts';
import { needed } from './option-values.ts';
import type { RepoArguments } from './repo-arguments.ts';

export function storeOf({ repo }: Pick<RepoArguments, 'repo'>): ObjectStore {
  return createFileStore({ root: path.resolve(repo) });
}

/** The first line of the file, as restic takes it. @throws HoldfastError bad_request when there is none. */
export async function readPassword({ passwordFile }: Pick<RepoArguments, 'passwordFile'>): Promise<string> {
  let text: string;
  try {
    text = await readFile(passwordFile, 'utf8');
  } catch (cause) {
    throw new HoldfastError('bad_request', `The password file ${passwordFile} cannot be read.`, { cause });
  }
  const password = text.split(/\r?\n/, 1)[0] ?? '';
  if (password === '') throw new HoldfastError('bad_request', `The password file ${passwordFile} is empty.`);
  return password;
}

/** @throws HoldfastError repository_missing, wrong_password, bad_request, repository_damaged. */
export async function openStandalone(args: RepoArguments): Promise<OpenRepository & { readonly store: ObjectStore }> {
  return await openRepository(storeOf(args), await readPassword(args));
}

/** What --from-repo and --from-password-file name. @throws UsageError; as `openStandalone`. */
export async function openSource({ values }: RepoArguments): Promise<OpenRepository & { readonly store: ObjectStore }> {
  const repo = needed(values, 'from-repo', 'PATH, the folder of the repository to copy from');
  const passwordFile = needed(values, 'from-password-file', 'FILE, the file with its password');
  return await openRepository(storeOf({ repo }), await readPassword({ passwordFile }));
}
