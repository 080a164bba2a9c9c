import { scrypt } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import type { MasterKey } from '../types.ts';

export interface KdfParameters {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/**
 * 'password': what a person may remember; one of the equal costs that OWASP's password storage cheat sheet recommends for scrypt
 * (N = 2^15, r = 8, p = 3: 32 MiB, about half a second), and near what restic's calibration gives. 'machine': 256 random bits, where stretching adds nothing and a fast open matters on every heartbeat.
 */
export type KdfStrength = 'password' | 'machine';

export const KDF_PARAMETERS: Readonly<Record<KdfStrength, KdfParameters>> = {
  password: { N: 32_768, r: 8, p: 3 },
  machine: { N: 1024, r: 8, p: 1 },
};

export const SALT_BYTES = 64;

/** A hostile key file must not make us allocate gigabytes or compute for minutes: 16 times restic's usual cost. */
const SCRYPT_MEMORY_MAX = 512 * 1024 * 1024;
const SCRYPT_WORK_MAX = 2 ** 25;

/** True when the parameters are legal for scrypt and within what this program is willing to spend. */
export function areKdfParametersSafe({ N, r, p }: KdfParameters): boolean {
  const areIntegers = [N, r, p].every((value) => Number.isSafeInteger(value) && value > 0);
  return (
    areIntegers &&
    N > 1 &&
    Number.isInteger(Math.log2(N)) &&
    128 * N * r <= SCRYPT_MEMORY_MAX &&
    N * r * p <= SCRYPT_WORK_MAX
  );
}

/**
 * The key that wraps the master key: scrypt gives 64 bytes, of which 32 are the AES key, 16 the k and 16 the r of the tag.
 * @throws HoldfastError repository_damaged for parameters out of bounds.
 */
export async function deriveWrappingKey(
  password: string,
  salt: Uint8Array,
  parameters: KdfParameters,
): Promise<MasterKey> {
  if (!areKdfParametersSafe(parameters))
    throw new HoldfastError(
      'repository_damaged',
      'A key file asks for a password hash out of all proportion; it was not tried.',
      {
        detail: { ...parameters },
      },
    );
  const { N, r, p } = parameters;
  const derived = await new Promise<Buffer>((resolve, reject) => {
    // Node's own limit of 32 MiB refuses restic's parameters; scrypt needs 128 * N * r and a little more.
    scrypt(password, salt, 64, { N, r, p, maxmem: 128 * N * r + 128 * r * p + 32 * 1024 * 1024 }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
  return { encrypt: derived.subarray(0, 32), macK: derived.subarray(32, 48), macR: derived.subarray(48, 64) };
}
