/** Opening and making repositories, their key files and snapshots. docs/format.md tells what lies where. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import type { ReadCreateStore, ReadStore } from '../storage/port.ts';
import { deriveWrappingKey, KDF_PARAMETERS, type KdfStrength, SALT_BYTES } from './crypto/kdf.ts';
import { decodeMasterKey, encodeMasterKey, generateMasterKey } from './crypto/master-key.ts';
import { seal, unseal } from './crypto/seal.ts';
import { decodeConfig, encodeConfig } from './format/config.ts';
import { damagedRepository } from './format/damage.ts';
import { decodeKeyFile, encodeKeyFile, keyFileTime } from './format/key-file.ts';
import { LIMITS } from './format/limits.ts';
import { randomPolynomial } from './format/polynomial.ts';
import { decodeSnapshot } from './format/snapshot.ts';
import { decodeUnpacked } from './format/unpacked.ts';
import { assertNamed, CONFIG_KEY, idOfKey, sha256Hex } from './object-names.ts';
import type { MasterKey, OpenRepository, RepositoryConfig, SnapshotWithId, WritableRepository } from './types.ts';

/** restic tries no more key files than this, so a repository with more would need hints to open. */
const KEY_FILES_MAX = 20;
const SNAPSHOTS_AT_ONCE = 8;

export interface KeyFileOptions {
  readonly password: string;
  readonly strength: KdfStrength;
  readonly hostname: string;
  readonly username: string;
  readonly clock: Clock;
}

export interface MadeKeyFile {
  readonly id: string;
  /** `keys/<id>` */
  readonly key: string;
  readonly bytes: Buffer;
}

/** A key file for one more principal. Nothing is stored: the caller decides where it goes. */
export async function createKeyFile(masterKey: MasterKey, options: KeyFileOptions): Promise<MadeKeyFile> {
  const salt = randomBytes(SALT_BYTES);
  const kdf = KDF_PARAMETERS[options.strength];
  const wrapping = await deriveWrappingKey(options.password, salt, kdf);
  const bytes = encodeKeyFile({
    created: keyFileTime(options.clock.nowMs()),
    username: options.username,
    hostname: options.hostname,
    kdf,
    salt,
    data: seal(wrapping, encodeMasterKey(masterKey)),
  });
  const id = sha256Hex(bytes);
  return { id, key: `keys/${id}`, bytes };
}

/**
 * A new, empty repository of version 2 with one key file.
 * @throws HoldfastError repository_exists when the store holds one already; nothing is changed then.
 */
export async function initRepository(store: ReadCreateStore, options: KeyFileOptions): Promise<WritableRepository> {
  if ((await store.head(CONFIG_KEY)) !== undefined) throw alreadyThere();
  const masterKey = generateMasterKey();
  const config: RepositoryConfig = {
    version: 2,
    id: randomBytes(32).toString('hex'),
    chunkerPolynomial: randomPolynomial().toString(16),
  };
  const keyFile = await createKeyFile(masterKey, options);
  // The key first: a config without a key would be a repository that nobody can ever open.
  await store.create(keyFile.key, keyFile.bytes);
  if ((await store.create(CONFIG_KEY, seal(masterKey, encodeConfig(config)))) === 'exists') throw alreadyThere();
  return { store, config, masterKey, keyId: keyFile.id };
}

function alreadyThere(): HoldfastError {
  return new HoldfastError(
    'repository_exists',
    'There is a repository here already. Nothing was changed. Choose an empty place, or use the one that is there.',
  );
}

/**
 * Opens a repository with a password: tries its key files in turn.
 * @throws HoldfastError repository_missing, wrong_password, repository_damaged.
 */
export async function openRepository<S extends ReadStore>(
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
      const masterKey = await openKeyFile(store, key, password);
      if (masterKey === undefined) continue;
      return { store, masterKey, keyId, config: decodeConfig(unseal(masterKey, sealedConfig)) };
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

async function openKeyFile(store: ReadStore, key: string, password: string): Promise<MasterKey | undefined> {
  const bytes = await store.get(key);
  assertNamed(key, bytes);
  const file = decodeKeyFile(bytes);
  const wrapping = await deriveWrappingKey(password, file.salt, file.kdf);
  let json: Buffer;
  try {
    json = unseal(wrapping, file.data);
  } catch {
    return undefined; // made with another password
  }
  return decodeMasterKey(json);
}

/**
 * The plaintext of an index or snapshot file: read, name checked (read once more before it is called damaged), unsealed.
 * @throws HoldfastError repository_damaged, object_missing.
 */
export async function loadUnpacked(repo: OpenRepository, key: string, bytesMax: number): Promise<Buffer> {
  let bytes = await repo.store.get(key);
  const id = idOfKey(key);
  if (id !== undefined && sha256Hex(bytes) !== id) {
    bytes = await repo.store.get(key);
    assertNamed(key, bytes);
  }
  return decodeUnpacked(unseal(repo.masterKey, bytes), bytesMax);
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
