import { HoldfastError } from '../../base/errors.ts';

/** The error for stored bytes that are not what they must be; what is intact beside them stays readable. */
export function damagedRepository(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('repository_damaged', message, cause === undefined ? {} : { cause });
}
