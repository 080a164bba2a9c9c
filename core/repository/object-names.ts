/** Where things lie in a repository, and names that are the hash of their bytes. */
import { createHash, hash } from 'node:crypto';
import { damagedRepository } from './format/damage.ts';

export const CONFIG_KEY = 'config';

export function sha256Hex(bytes: Uint8Array): string {
  // One-shot hashing is measurably faster than createHash for the many small blobs; it exists from Node 20.12.
  return hash === undefined ? createHash('sha256').update(bytes).digest('hex') : hash('sha256', bytes, 'hex');
}

export function packKey(packId: string): string {
  return `data/${packId.slice(0, 2)}/${packId}`;
}

const CONTENT_NAMED = /^(?:keys|index|snapshots|locks)\/([0-9a-f]{64})$|^data\/([0-9a-f]{2})\/(\2[0-9a-f]{62})$/;

/** The id in a content-named key, or undefined for `config` and for foreign objects, which readers skip. */
export function idOfKey(key: string): string | undefined {
  const match = CONTENT_NAMED.exec(key);
  return match === null ? undefined : (match[1] ?? match[3]);
}

/** @throws HoldfastError repository_damaged when the bytes are not those that the name promises. */
export function assertNamed(key: string, bytes: Uint8Array): void {
  const id = idOfKey(key);
  if (id !== undefined && sha256Hex(bytes) !== id) {
    throw damagedRepository(`The stored object ${key} is damaged: its bytes are not those that its name stands for.`);
  }
}
