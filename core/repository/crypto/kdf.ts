import { scrypt } from 'node:crypto';
import type { MasterKey } from '../types.ts';
import { assertKdfParameters, type KdfParameters, splitWrappingKey, WRAPPING_KEY_BYTES } from './kdf-parameters.ts';

/**
 * 'password': what a person may remember; one of the equal costs that OWASP's password storage cheat sheet recommends for scrypt
 * (N = 2^15, r = 8, p = 3: 32 MiB, about half a second), and near what restic's calibration gives. 'machine': 256 random bits, where stretching adds nothing and a fast open matters on every heartbeat.
 */
export type KdfStrength = 'password' | 'machine';

export const KDF_PARAMETERS: Readonly<Record<KdfStrength, KdfParameters>> = {
  password: { N: 32_768, r: 8, p: 3 },
  machine: { N: 1024, r: 8, p: 1 },
};

/**
 * The key that wraps the master key, by scrypt.
 * @throws HoldfastError repository_damaged for parameters out of bounds.
 */
export async function deriveWrappingKey(
  password: string,
  salt: Uint8Array,
  parameters: KdfParameters,
): Promise<MasterKey> {
  assertKdfParameters(parameters);
  const { N, r, p } = parameters;
  const derived = await new Promise<Buffer>((resolve, reject) => {
    // Node's own limit of 32 MiB refuses restic's parameters; scrypt needs 128 * N * r and a little more.
    scrypt(
      password,
      salt,
      WRAPPING_KEY_BYTES,
      { N, r, p, maxmem: 128 * N * r + 128 * r * p + 32 * 1024 * 1024 },
      (error, key) => (error === null ? resolve(key) : reject(error)),
    );
  });
  return splitWrappingKey(derived);
}
