/** Names that are the hash of their bytes, in Node; where things lie is in object-keys.ts. */
import { createHash, hash } from 'node:crypto';

export { CONFIG_KEY, idOfKey, packKey } from './object-keys.ts';

export function sha256Hex(bytes: Uint8Array): string {
  // One-shot hashing is measurably faster than createHash for the many small blobs; it exists from Node 20.12.
  return hash === undefined ? createHash('sha256').update(bytes).digest('hex') : hash('sha256', bytes, 'hex');
}
