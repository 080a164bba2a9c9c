/**
 * Opening repositories and reading what is sealed under its own name: key files, configuration, snapshots. Nothing here
 * knows whether it runs in Node or in a browser: the crypto comes in by parameter, and the opened repository keeps it.
 */
import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { freeBytes } from '../base/free-bytes.ts';
import type { ReadStore } from '../storage/port.ts';
import { decodeMasterKey } from './crypto/master-key.ts';
import type { ReadCrypto } from './crypto/read-crypto.ts';
import { decodeConfig } from './format/config.ts';
import { damagedRepository } from './format/damage.ts';
import { decodeKeyFile } from './format/key-file.ts';
import { LIMITS } from './format/limits.ts';
import { decodeSnapshot } from './format/snapshot.ts';
import { unpackedForm } from './format/unpacked-form.ts';
import { CONFIG_KEY, idOfKey } from './object-keys.ts';
import type { MasterKey, OpenRepository, SnapshotWithId } from './types.ts';

/** restic tries no more key files than this, so a repository with more would need hints to open. */
export const KEY_FILES_MAX = 20;
const SNAPSHOTS_AT_ONCE = 8;

/**
 * Opens a repository with a password: tries its key files in turn.
 * @throws HoldfastError repository_missing, wrong_password, repository_damaged.
 */
export async function openRepositoryWith<S extends ReadStore>(
  crypto: ReadCrypto,
  store: S,
  password: string,
): Promise<OpenRepository & { readonly store: S }> {
  const sealedConfig = await readConfig(store);
  let damage: unknown;
  let damaged = 0;
  let tried = 0;
  for await (const { key, size } of store.list('keys/')) {
    const keyId = idOfKey(key);
    if (keyId === undefined || size > LIMITS.keyFileBytes) continue;
    if (tried === KEY_FILES_MAX) break;
    tried += 1;
    try {
      const masterKey = await openKeyFileWith(crypto, store, key, password);
      if (masterKey === undefined) continue;
      const config = decodeConfig(await crypto.unseal(masterKey, sealedConfig));
      return { store, crypto, masterKey, keyId, config };
    } catch (error) {
      // One damaged key file must not lock out those whose own is intact.
      if (!isHoldfastError(error, 'repository_damaged')) throw error;
      damage ??= error;
      damaged += 1;
    }
  }
  if (damage instanceof Error && damaged === tried) throw damage;
  throw new HoldfastError(
    'wrong_password',
    tried === 0
      ? 'The repository has no key file, so no password can open it. Its data is untouched; put the key files back.'
      : `The password opens none of the repository’s keys. Nothing was changed. Check the password and try again.${
          damaged === 0 ? '' : ` ${damaged} of its ${tried} key files are damaged and could not be tried.`
        }`,
    { cause: damage },
  );
}

async function readConfig(store: ReadStore): Promise<Uint8Array> {
  try {
    return await store.get(CONFIG_KEY);
  } catch (error) {
    if (!isHoldfastError(error, 'object_missing')) throw error;
    throw new HoldfastError('repository_missing', 'There is no repository here. Check the path, or make one first.', {
      cause: error,
    });
  }
}

/** Undefined when the key file was made with another password. @throws HoldfastError repository_damaged; what the store throws. */
export async function openKeyFileWith(
  crypto: ReadCrypto,
  store: ReadStore,
  key: string,
  password: string,
): Promise<MasterKey | undefined> {
  const bytes = await store.get(key);
  await assertNamed(crypto, key, bytes);
  const file = decodeKeyFile(bytes);
  const wrapping = await crypto.deriveWrappingKey(password, file.salt, file.kdf);
  let json: Uint8Array;
  try {
    json = await crypto.unseal(wrapping, file.data);
  } catch {
    return undefined; // made with another password
  }
  return decodeMasterKey(json);
}

/**
 * The plaintext of an index or snapshot file: read, name checked (read once more before it is called damaged), unsealed.
 * @throws HoldfastError repository_damaged, object_missing.
 */
export async function loadUnpacked(repo: OpenRepository, key: string, bytesMax: number): Promise<Uint8Array> {
  const form = unpackedForm(await loadUnsealed(repo, key));
  return form.isCompressed ? await repo.crypto.decompress(form.bytes, bytesMax) : form.bytes;
}

/** As loadUnpacked, but still compressed when it is stored so: see unpackedForm. The bytes are the caller's own. */
export async function loadUnsealed({ store, crypto, masterKey }: OpenRepository, key: string): Promise<Uint8Array> {
  let bytes = await store.get(key);
  if (!(await isNamed(crypto, key, bytes))) {
    bytes = await store.get(key);
    await assertNamed(crypto, key, bytes);
  }
  const plain = await crypto.unseal(masterKey, bytes);
  freeBytes(bytes);
  return plain;
}

async function isNamed(crypto: ReadCrypto, key: string, bytes: Uint8Array): Promise<boolean> {
  const id = idOfKey(key);
  return id === undefined || (await crypto.sha256Hex(bytes)) === id;
}

/** @throws HoldfastError repository_damaged when the bytes are not those that the name promises. */
async function assertNamed(crypto: ReadCrypto, key: string, bytes: Uint8Array): Promise<void> {
  if (!(await isNamed(crypto, key, bytes)))
    throw damagedRepository(`The stored object ${key} is damaged: its bytes are not those that its name stands for.`);
}

export async function readSnapshot(repo: OpenRepository, id: string): Promise<SnapshotWithId> {
  return { ...decodeSnapshot(await loadUnpacked(repo, `snapshots/${id}`, LIMITS.snapshotBytes)), id };
}

export interface SnapshotList {
  /** Oldest first. */
  readonly snapshots: SnapshotWithId[];
  readonly damaged: { readonly id: string; readonly message: string }[];
}

/** All snapshots; damaged ones are named, never dropped in silence. */
export async function listSnapshots(repo: OpenRepository): Promise<SnapshotList> {
  const snapshots: SnapshotWithId[] = [];
  const damaged: { id: string; message: string }[] = [];
  const ids: string[] = [];
  for await (const { key, size } of repo.store.list('snapshots/')) {
    const id = idOfKey(key);
    if (id === undefined) continue;
    if (size <= LIMITS.snapshotBytes) ids.push(id);
    else damaged.push({ id, message: 'The snapshot is larger than any real one. It was not read.' });
  }
  const readers = Array.from({ length: SNAPSHOTS_AT_ONCE }, async () => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
      try {
        snapshots.push(await readSnapshot(repo, id));
      } catch (error) {
        if (!isHoldfastError(error, 'repository_damaged')) throw error;
        damaged.push({ id, message: error.message });
      }
    }
  });
  await Promise.all(readers);
  snapshots.sort((a, b) => Date.parse(a.time) - Date.parse(b.time) || (a.id < b.id ? -1 : 1));
  return { snapshots, damaged };
}

/**
 * The snapshot with this id, the only one whose id begins so, or with `latest` the newest.
 * @throws HoldfastError not_found, bad_request when the beginning is ambiguous, repository_damaged.
 */
export async function loadSnapshot(repo: OpenRepository, reference: string): Promise<SnapshotWithId> {
  if (/^[0-9a-f]{64}$/.test(reference)) {
    if ((await repo.store.head(`snapshots/${reference}`)) === undefined) throw noSuchSnapshot(reference);
    return await readSnapshot(repo, reference);
  }
  if (reference === 'latest') {
    const { snapshots, damaged } = await listSnapshots(repo);
    const newest = snapshots.at(-1);
    if (newest !== undefined) return newest;
    if (damaged[0] !== undefined) throw damagedRepository(damaged[0].message);
    throw new HoldfastError('not_found', 'The repository has no snapshot yet. Run a backup first.');
  }
  const ids: string[] = [];
  for await (const { key } of repo.store.list('snapshots/')) {
    const id = idOfKey(key);
    if (id?.startsWith(reference)) ids.push(id);
  }
  const [only] = ids;
  if (only === undefined || reference === '') throw noSuchSnapshot(reference);
  if (ids.length > 1) {
    throw new HoldfastError('bad_request', `More than one snapshot begins with ${reference}. Give more of its id.`);
  }
  return await readSnapshot(repo, only);
}

function noSuchSnapshot(reference: string): HoldfastError {
  return new HoldfastError(
    'not_found',
    `There is no snapshot ${reference}. List the snapshots to see which there are.`,
  );
}
