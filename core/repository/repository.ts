/** Making repositories and their key files, and opening them in Node. docs/format.md tells what lies where. */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import type { ReadCreateStore, ReadStore } from '../storage/port.ts';
import { deriveWrappingKey, KDF_PARAMETERS, type KdfStrength } from './crypto/kdf.ts';
import { SALT_BYTES } from './crypto/kdf-parameters.ts';
import { decodeMasterKey, encodeMasterKey, generateMasterKey } from './crypto/master-key.ts';
import { nodeCrypto } from './crypto/node-crypto.ts';
import { seal, unseal } from './crypto/seal.ts';
import { decodeConfig, encodeConfig } from './format/config.ts';
import { damagedRepository } from './format/damage.ts';
import { decodeKeyFile, encodeKeyFile, keyFileTime } from './format/key-file.ts';
import { randomPolynomial } from './format/polynomial.ts';
import { CONFIG_KEY, sha256Hex } from './object-names.ts';
import { openKeyFileWith, openRepositoryWith } from './read-repository.ts';
import type { MasterKey, OpenRepository, RepositoryConfig, WritableRepository } from './types.ts';

export {
  KEY_FILES_MAX,
  listSnapshots,
  loadSnapshot,
  loadUnpacked,
  readSnapshot,
  type SnapshotList,
} from './read-repository.ts';

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

/**
 * A key file for one more principal, which was opened again. Nothing is stored: the caller decides where it goes.
 * @throws HoldfastError repository_damaged when what was opened is not the key.
 */
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
  const stored = decodeKeyFile(bytes);
  const opened = decodeMasterKey(unseal(wrapping, stored.data));
  const isSame =
    Buffer.compare(opened.encrypt, masterKey.encrypt) === 0 &&
    Buffer.compare(opened.macK, masterKey.macK) === 0 &&
    Buffer.compare(opened.macR, masterKey.macR) === 0;
  // With another salt the next opening would derive another wrapping key.
  if (!isSame || Buffer.compare(stored.salt, salt) !== 0) throw lost('A key file');
  const id = sha256Hex(bytes);
  return { id, key: `keys/${id}`, bytes };
}

function lost(what: string): HoldfastError {
  return damagedRepository(
    `${what} did not survive its own encoding. Nothing of it was stored; check this machine’s memory.`,
  );
}

/**
 * A new, empty repository of version 2 with one key file.
 * @throws HoldfastError repository_exists when the store holds one already; nothing is changed then.
 */
export async function initRepository(
  store: ReadCreateStore,
  options: KeyFileOptions & {
    /** Of another repository, so that what is copied from there and what is backed up here share their pieces. */
    readonly chunkerPolynomial?: string;
  },
): Promise<WritableRepository> {
  if ((await store.head(CONFIG_KEY)) !== undefined) throw alreadyThere();
  const masterKey = generateMasterKey();
  const config: RepositoryConfig = {
    version: 2,
    id: randomBytes(32).toString('hex'),
    chunkerPolynomial: options.chunkerPolynomial ?? randomPolynomial().toString(16),
  };
  const sealed = seal(masterKey, encodeConfig(config));
  const opened = decodeConfig(unseal(masterKey, sealed));
  if (!isDeepStrictEqual(opened, config)) throw lost('The repository configuration');
  const keyFile = await createKeyFile(masterKey, options);
  // The key first: a config without a key would be a repository that nobody can ever open.
  await store.create(keyFile.key, keyFile.bytes);
  if ((await store.create(CONFIG_KEY, sealed)) === 'exists') throw alreadyThere();
  return { store, crypto: nodeCrypto, config, masterKey, keyId: keyFile.id };
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
  return await openRepositoryWith(nodeCrypto, store, password);
}

/** Undefined when the key file was made with another password. @throws HoldfastError repository_damaged; what the store throws. */
export async function openKeyFile(store: ReadStore, key: string, password: string): Promise<MasterKey | undefined> {
  return await openKeyFileWith(nodeCrypto, store, key, password);
}
