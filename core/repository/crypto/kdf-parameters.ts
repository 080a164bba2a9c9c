/** What a password hash may cost, on this side and at most on the other. */
import { HoldfastError } from '../../base/errors.ts';
import type { MasterKey } from '../types.ts';

export interface KdfParameters {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

export const SALT_BYTES = 64;

/** Bytes of the key that wraps the master key. */
export const WRAPPING_KEY_BYTES = 64;

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

/** @throws HoldfastError repository_damaged for parameters out of bounds. */
export function assertKdfParameters(parameters: KdfParameters): void {
  if (areKdfParametersSafe(parameters)) return;
  throw new HoldfastError(
    'repository_damaged',
    'A key file asks for a password hash out of all proportion; it was not tried.',
    { detail: { ...parameters } },
  );
}

/** 64 derived bytes, of which 32 are the AES key, 16 the k and 16 the r of the tag. */
export function splitWrappingKey(derived: Uint8Array): MasterKey {
  return { encrypt: derived.subarray(0, 32), macK: derived.subarray(32, 48), macR: derived.subarray(48, 64) };
}
