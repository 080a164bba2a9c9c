/** One blob from its stored to its plain form, in Node and at once: for threads that do nothing else. */
import { unseal } from './crypto/seal.ts';
import { decompress, decompressView } from './format/zstd.ts';
import { sha256Hex } from './object-names.ts';
import { assertBlobBytes, assertStoredSize, type StoredBlob } from './stored-blob.ts';
import type { MasterKey } from './types.ts';

/**
 * The plain bytes of a blob from its sealed bytes. Nothing is believed: the plaintext's hash is always compared.
 * @throws HoldfastError repository_damaged when tag, size or SHA-256 differ.
 */
export function decodeBlob(key: MasterKey, sealed: Uint8Array, blob: StoredBlob): Buffer {
  return decode(key, sealed, blob, decompress);
}

/** As decodeBlob, but what it gives is true only until the next call on this thread: for those who write it at once. */
export function decodeBlobView(key: MasterKey, sealed: Uint8Array, blob: StoredBlob): Buffer {
  return decode(key, sealed, blob, decompressView);
}

function decode(key: MasterKey, sealed: Uint8Array, blob: StoredBlob, unpack: typeof decompress): Buffer {
  assertStoredSize(sealed.length, blob);
  const opened = unseal(key, sealed);
  const plain = blob.uncompressedLength === 0 ? opened : unpack(opened, blob.uncompressedLength);
  assertBlobBytes(blob, plain, sha256Hex(plain));
  return plain;
}
