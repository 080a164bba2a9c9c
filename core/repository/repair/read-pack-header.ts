/** What a pack says of itself, from its end alone. */
import type { ReadStore } from '../../storage/port.ts';
import { unseal } from '../crypto/seal.ts';
import { decodePackHeader, placeBlobs, readPackTrailer } from '../format/pack-header.ts';
import { packKey } from '../object-names.ts';
import type { MasterKey, PackedBlob } from '../types.ts';

/** Headers of packs with some thousand blobs fit; a longer one costs a second request. */
const GUESS_BYTES = 64 * 1024;

/**
 * The blobs of a stored pack of `size` bytes.
 * @throws HoldfastError repository_damaged when its header cannot be read, or its blobs need other bytes than it has;
 * object_missing, object_mismatch when it changed since it was listed; what the store throws.
 */
export async function readPackHeader(
  { store, masterKey }: { readonly store: ReadStore; readonly masterKey: MasterKey },
  packId: string,
  size: number,
): Promise<PackedBlob[]> {
  const end = async (bytes: number): Promise<Uint8Array> => {
    const length = Math.min(size, bytes);
    return await store.get(packKey(packId), { offset: size - length, length });
  };
  let bytes = await end(GUESS_BYTES);
  const wanted = trailerOf(bytes, size);
  if (wanted + 4 > bytes.length) bytes = await end(wanted + 4);
  const header = unseal(masterKey, bytes.subarray(bytes.length - 4 - wanted, bytes.length - 4));
  return placeBlobs(packId, decodePackHeader(header), size);
}

function trailerOf(bytes: Uint8Array, size: number): number {
  if (bytes.length >= size) return readPackTrailer(bytes);
  // The header may be longer than what was read of it: then only its length is looked at.
  const length = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUInt32LE(bytes.length - 4);
  return length + 4 <= bytes.length || length + 4 > size ? readPackTrailer(bytes) : length;
}
