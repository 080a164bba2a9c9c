/** What a stored blob claims, and what is believed of it: sizes within bounds before memory is taken, and its hash. */
import { damagedRepository } from './format/damage.ts';
import { LIMITS } from './format/limits.ts';
import type { BlobType } from './types.ts';

export interface StoredBlob {
  readonly id: string;
  readonly type: BlobType;
  readonly uncompressedLength: number;
}

/** False for a size that no backup writes. */
export function isStoredSize(sealedBytes: number, { type, uncompressedLength }: Omit<StoredBlob, 'id'>): boolean {
  const limit = type === 'tree' ? LIMITS.treeBlobBytes : LIMITS.dataBlobBytes;
  return uncompressedLength <= limit && sealedBytes <= limit + 1024;
}

/** @throws HoldfastError repository_damaged for a size that no backup writes. */
export function assertStoredSize(sealedBytes: number, blob: StoredBlob): void {
  if (!isStoredSize(sealedBytes, blob)) throw damagedRepository(`Blob ${blob.id} claims a size that no backup writes.`);
}

/** @throws HoldfastError repository_damaged when these are not the bytes that the blob's id stands for. */
export function assertBlobBytes(blob: StoredBlob, plain: Uint8Array, sha256: string): void {
  if (blob.uncompressedLength !== 0 && plain.length !== blob.uncompressedLength)
    throw damagedRepository(`Blob ${blob.id} is shorter than it claims.`);
  if (sha256 !== blob.id) throw damagedRepository(`Blob ${blob.id} is damaged: its contents have another hash.`);
}
