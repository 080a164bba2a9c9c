/** The refusals that all adapters share, so that callers and the conformance suite meet the same codes everywhere. */
import { HoldfastError } from '../base/errors.ts';
import type { ByteRange } from './port.ts';

export function objectMissing(key: string, cause?: unknown): HoldfastError {
  return new HoldfastError('object_missing', 'An object that was asked for is not in the store.', {
    cause,
    detail: { key },
  });
}

export function objectShort(key: string, range: ByteRange, size: number): HoldfastError {
  return new HoldfastError('object_mismatch', 'A stored object is shorter than it must be: it is damaged.', {
    detail: { key, offset: range.offset, length: range.length, size },
  });
}

export function objectMismatch(key: string, what: 'size' | 'crc32c' | 'sha256', wanted: unknown, found: unknown) {
  return new HoldfastError(
    'object_mismatch',
    'The bytes that arrived are not the bytes that were announced; nothing was stored. Send them again.',
    { detail: { key, what, wanted, found } },
  );
}

export function storageUnavailable(action: string, key: string, cause: unknown): HoldfastError {
  return new HoldfastError(
    'storage_unavailable',
    'The backup storage did not answer properly. What is stored is not affected; try again shortly.',
    { cause, detail: { action, key } },
  );
}

export function diskFull(root: string, cause: unknown): HoldfastError {
  return new HoldfastError(
    'disk_full',
    'The disk that holds the backups is full, so nothing new can be stored. What is stored is not affected. Free space or enlarge the disk, then try again.',
    { cause, detail: { root } },
  );
}
