/** One blob between its stored and its plain form. Nothing is believed: the plaintext's hash is always compared. */
import { unseal } from './crypto/seal.ts';
import { damagedRepository } from './format/damage.ts';
import { LIMITS } from './format/limits.ts';
import { decompress } from './format/zstd.ts';
import { sha256Hex } from './object-names.ts';
import type { BlobType, MasterKey } from './types.ts';

export interface StoredBlob {
  readonly id: string;
  readonly type: BlobType;
  readonly uncompressedLength: number;
}

/**
 * The plain bytes of a blob from its sealed bytes.
 * @throws HoldfastError repository_damaged when tag, size or SHA-256 differ.
 */
export function decodeBlob(key: MasterKey, sealed: Uint8Array, blob: StoredBlob): Buffer {
  const limit = blob.type === 'tree' ? LIMITS.treeBlobBytes : LIMITS.dataBlobBytes;
  if (blob.uncompressedLength > limit || sealed.length > limit + 1024) {
    throw damagedRepository(`Blob ${blob.id} claims a size that no backup writes.`);
  }
  const opened = unseal(key, sealed);
  const plain = blob.uncompressedLength === 0 ? opened : decompress(opened, blob.uncompressedLength);
  if (blob.uncompressedLength !== 0 && plain.length !== blob.uncompressedLength) {
    throw damagedRepository(`Blob ${blob.id} is shorter than it claims.`);
  }
  if (sha256Hex(plain) !== blob.id)
    throw damagedRepository(`Blob ${blob.id} is damaged: its contents have another hash.`);
  return plain;
}
