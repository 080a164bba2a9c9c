/** One blob from its plain to its stored form, decoded again before anybody believes it. */
import { SEAL_OVERHEAD, sealInto, unsealInto } from '../crypto/seal.ts';
import { damagedRepository } from '../format/damage.ts';
import { decompressView } from '../format/zstd.ts';
import type { BlobType, MasterKey } from '../types.ts';
import { BlobCompressor } from './compress-blob.ts';
import { plainSum } from './plain-sum.ts';

/** The largest chunk; only as much of it as is used is ever touched. */
const KEPT_BYTES = 8 * 1024 * 1024;

/** Most bytes that sealing `plainBytes` of blobs may need: what compression would make larger is stored as it is. */
export function sealedBytesMax(plainBytes: number, blobs: number): number {
  return plainBytes + blobs * SEAL_OVERHEAD;
}

export interface SealedBlob {
  /** Bytes in the target. */
  readonly length: number;
  /** 0 when stored uncompressed. */
  readonly uncompressedLength: number;
}

/** What it has seen of the data serves whatever is sealed on this thread. */
const compressor = new BlobCompressor();

/**
 * Compresses (where that gains), seals into `target` at `offset`, and opens it again as a reader would: memory or a compressor
 * that fails must be found before the upload, not at the restore. `sum` is what `plainSum` gave of the plain bytes when they were
 * hashed. What was decoded is compared with the plain bytes and with it, so that neither a codec that errs nor memory that
 * changed since the hashing goes unseen; a third SHA-256 of each byte would show no more and cost a tenth of a backup.
 * @throws HoldfastError repository_damaged when the round trip does not give the bytes that were hashed.
 */
export function sealBlob(
  key: MasterKey,
  type: BlobType,
  plain: Uint8Array,
  sum: number,
  target: Uint8Array,
  offset: number,
): SealedBlob {
  return sealContents(key, { plain, sum, packed: compressor.compress(type, plain) }, target, offset);
}

/** The compressed form of a blob, true until the next call on this thread; undefined when it is to be stored as it is. */
export function compressBlob(type: BlobType, plain: Uint8Array): Uint8Array | undefined {
  return compressor.compress(type, plain);
}

export interface BlobContents {
  readonly plain: Uint8Array;
  /** `plainSum` of `plain` when it was hashed. */
  readonly sum: number;
  /** What `compressBlob` gave. */
  readonly packed: Uint8Array | undefined;
}

/** The second half of `sealBlob`. */
export function sealContents(key: MasterKey, contents: BlobContents, target: Uint8Array, offset: number): SealedBlob {
  const { plain, sum, packed } = contents;
  const length = sealInto(key, packed ?? plain, target, offset);
  const opened = openedAgain(length - SEAL_OVERHEAD);
  unsealInto(key, target.subarray(offset, offset + length), opened, 0);
  assertSurvived(plain, sum, opened, packed !== undefined);
  return { length, uncompressedLength: packed === undefined ? 0 : plain.length };
}

/** @throws HoldfastError repository_damaged unless what was opened again, undefined for a tag that differs, is what was hashed. */
export function assertSurvived(
  plain: Uint8Array,
  sum: number,
  opened: Uint8Array | undefined,
  isCompressed: boolean,
): void {
  const decoded = isCompressed && opened !== undefined ? decompressView(opened, plain.length) : opened;
  if (decoded?.length !== plain.length || plainSum(decoded) !== sum || Buffer.compare(decoded, plain) !== 0)
    throw damagedRepository(
      'A piece of data did not survive its own encoding. It was not uploaded; check this machine’s memory.',
    );
}

let kept: Buffer | undefined;

/** Memory of this thread for what was sealed; all but the listings of enormous folders is opened in the same again. */
function openedAgain(bytes: number): Buffer {
  if (bytes > KEPT_BYTES) return Buffer.allocUnsafeSlow(bytes);
  kept ??= Buffer.allocUnsafeSlow(KEPT_BYTES);
  return kept.subarray(0, bytes);
}
