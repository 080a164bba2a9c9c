/** The key files of a repository: every one of them opens it with a password of its own. */
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import { decodeKeyFile } from '../format/key-file.ts';
import { LIMITS } from '../format/limits.ts';
import { damagedRepository } from '../format/damage.ts';
import { idOfKey, sha256Hex } from '../object-names.ts';
import { createKeyFile, KEY_FILES_MAX, type KeyFileOptions, openKeyFile } from '../repository.ts';
import type { AdministeredRepository, OpenRepository, WritableRepository } from '../types.ts';

export interface KeyFacts {
  readonly id: string;
  /** Whether it opened this repository just now. */
  readonly isInUse: boolean;
  readonly created: string;
  readonly username: string;
  readonly hostname: string;
}

export interface KeyList {
  readonly keys: readonly KeyFacts[];
  readonly damaged: readonly { readonly id: string; readonly message: string }[];
}

/** In ascending order of their ids. */
export async function listKeys(repo: OpenRepository): Promise<KeyList> {
  const keys: KeyFacts[] = [];
  const damaged: { id: string; message: string }[] = [];
  for (const id of await keyIds(repo)) {
    try {
      const bytes = await repo.store.get(`keys/${id}`);
      if (sha256Hex(bytes) !== id)
        throw damagedRepository('A key file is damaged: its bytes have another hash than its name.');
      const { created, username, hostname } = decodeKeyFile(bytes);
      keys.push({ id, isInUse: id === repo.keyId, created, username, hostname });
    } catch (error) {
      if (!isHoldfastError(error, 'repository_damaged')) throw error;
      damaged.push({ id, message: error.message });
    }
  }
  return { keys, damaged };
}

/**
 * One more key file, which was opened again with its password before this returns its id.
 * @throws HoldfastError conflict when there are as many as programs try.
 */
export async function addKey(repo: WritableRepository, options: KeyFileOptions): Promise<string> {
  if ((await keyIds(repo)).length >= KEY_FILES_MAX)
    throw new HoldfastError(
      'conflict',
      `The repository has ${KEY_FILES_MAX} keys already, and restic tries no more than that. Nothing was changed. Remove one first.`,
    );
  return await storeKey(repo, options);
}

/**
 * `reference` is an id, or the beginning of one. What the holder of that password has read stays read.
 * @throws HoldfastError not_found; bad_request when it is ambiguous; conflict for the key in use, which may be the only one
 * whose password is known.
 */
export async function removeKey(repo: AdministeredRepository, reference: string): Promise<string> {
  const found = (await keyIds(repo)).filter((id) => reference !== '' && id.startsWith(reference));
  const [id] = found;
  if (id === undefined)
    throw new HoldfastError('not_found', `There is no key ${reference}. List the keys to see which there are.`);
  if (found.length > 1)
    throw new HoldfastError('bad_request', `More than one key begins with ${reference}. Give more of its id.`);
  if (id === repo.keyId)
    throw new HoldfastError(
      'conflict',
      'This key opened the repository just now, and without it nobody might open it again. Nothing was removed. Use another password to remove it.',
    );
  await repo.store.remove(`keys/${id}`);
  return id;
}

/** A new key in the place of the one in use, which goes when the new one has opened the repository. Returns the new id. */
export async function changePassword(repo: AdministeredRepository, options: KeyFileOptions): Promise<string> {
  const before = await keyIds(repo);
  // A full list has room for an exchange: programs try the first twenty, and the old one is about to go.
  if (before.length > KEY_FILES_MAX)
    throw new HoldfastError('conflict', 'The repository has too many keys. Nothing was changed. Remove some first.');
  const id = await storeKey(repo, options);
  await repo.store.remove(`keys/${repo.keyId}`);
  return id;
}

/** @throws HoldfastError repository_damaged when what was stored does not open; whatever was there before is untouched. */
async function storeKey(repo: WritableRepository, options: KeyFileOptions): Promise<string> {
  const { id, key, bytes } = await createKeyFile(repo.masterKey, options);
  await repo.store.create(key, bytes);
  const opened = await openKeyFile(repo.store, key, options.password);
  if (opened !== undefined && Buffer.from(opened.encrypt).equals(repo.masterKey.encrypt)) return id;
  throw new HoldfastError(
    'repository_damaged',
    `The new key ${id.slice(0, 8)} does not open the repository. The keys that were there before are untouched, and their passwords stay; check the storage.`,
    { detail: { id } },
  );
}

async function keyIds(repo: OpenRepository): Promise<string[]> {
  const ids: string[] = [];
  for await (const { key, size } of repo.store.list('keys/')) {
    const id = idOfKey(key);
    if (id !== undefined && size <= LIMITS.keyFileBytes) ids.push(id);
  }
  return ids;
}
