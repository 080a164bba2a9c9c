import type { ErrorCode } from '../../core/base/errors.ts';

/** What whoever restores may report that speaks against the data; all else speaks against the service or the machine. */
export const DATA_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'repository_damaged',
  'repository_missing',
  'wrong_password',
  'object_missing',
  'object_mismatch',
  'unsafe_restore',
  'not_found',
]);
