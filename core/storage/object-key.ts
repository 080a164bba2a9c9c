import { HoldfastError } from '../base/errors.ts';

/**
 * What an object may be called. Letters, digits and a few marks that need no escaping in a URL and mean nothing to any file
 * system; a segment never begins with a dot, so neither `..` nor our own `.tmp` can be named.
 */
const SEGMENT = /^[A-Za-z0-9_=,@+-][A-Za-z0-9._=,@+-]*$/;
/** Google Cloud Storage allows 1024 bytes a name, most file systems 255 a segment. */
const KEY_BYTES_MAX = 1024;
const SEGMENT_BYTES_MAX = 255;

export function isKeySegment(segment: string): boolean {
  return segment.length <= SEGMENT_BYTES_MAX && SEGMENT.test(segment);
}

export function isObjectKey(key: string): boolean {
  return key.length > 0 && key.length <= KEY_BYTES_MAX && key.split('/').every(isKeySegment);
}

/** @throws HoldfastError bad_request */
export function assertObjectKey(key: string): void {
  if (!isObjectKey(key)) throw badKey(key);
}

/** A prefix is the beginning of a key: it may be empty, end with `/` or in the middle of a segment. @throws bad_request */
export function assertKeyPrefix(prefix: string): void {
  if (prefix === '') return;
  if (!isObjectKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix)) throw badKey(prefix);
}

function badKey(key: string): HoldfastError {
  return new HoldfastError('bad_request', 'An object in the store cannot have this name.', {
    detail: { key: key.slice(0, 200) },
  });
}
