/** Puts objects in their place: content-named, create-only, and never believed to be there when other bytes are. */
import { crc32cBase64 } from '../../base/crc32c.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { ReadCreateStore } from '../../storage/port.ts';
import { seal, unseal } from '../crypto/seal.ts';
import { damagedRepository } from '../format/damage.ts';
import { decodeUnpacked, encodeUnpacked } from '../format/unpacked.ts';
import { sha256Hex } from '../object-names.ts';
import type { AddedObject, MasterKey } from '../types.ts';

/**
 * Creates the object. One that exists already is taken for it only with the same size and checksum: a retry after a lost
 * answer finds its own bytes.
 * @throws HoldfastError object_mismatch; what the store throws.
 */
export async function storeObject(store: ReadCreateStore, object: AddedObject, bytes: Uint8Array): Promise<void> {
  const { key, crc32c, size, kind } = object;
  if ((await store.create(key, bytes, { crc32c, kind })) === 'created') return;
  const found = await store.head(key);
  if (found?.size === size && found.crc32c === crc32c) return;
  throw new HoldfastError(
    'object_mismatch',
    'The repository already holds other bytes under the name of a new object. No snapshot was made; run a check of the repository.',
    { detail: { key, size, found: found?.size } },
  );
}

export interface UnpackedFile {
  readonly object: AddedObject;
  readonly bytes: Buffer;
}

/** An index or snapshot file, sealed, opened again for comparison, and named by the hash of its sealed bytes. */
export function sealUnpacked(masterKey: MasterKey, kind: 'index' | 'snapshot', json: Buffer): UnpackedFile {
  const bytes = seal(masterKey, encodeUnpacked(json));
  if (!decodeUnpacked(unseal(masterKey, bytes), json.length).equals(json)) {
    throw damagedRepository(
      'A repository file did not survive its own encoding. It was not uploaded; check this machine’s memory.',
    );
  }
  const key = `${kind === 'index' ? 'index' : 'snapshots'}/${sha256Hex(bytes)}`;
  return { object: { key, size: bytes.length, crc32c: crc32cBase64(bytes), kind }, bytes };
}
