/** One blob from its plain to its stored form, decoded again before anybody believes it. */
import { decodeBlob } from '../blob-codec.ts';
import { SEAL_OVERHEAD, sealInto } from '../crypto/seal.ts';
import { compress } from '../format/zstd.ts';
import type { BlobType, MasterKey } from '../types.ts';

/** A larger blob is probed first: compressing random bytes in vain costs more than all the rest. */
const PROBED_BYTES_MIN = 256 * 1024;
/** Many small places: files of half text, half pictures are common, and where their text lies nobody knows. */
const PROBES = 8;
const PROBE_BYTES = 16 * 1024;
/** Part that must be gained; less is not worth the decompression at every later reading. */
const GAIN_MIN = 0.03;

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

/**
 * Compresses (where that gains), seals into `target` at `offset`, and opens it again: memory or a compressor that fails must
 * be found before the upload, not at the restore.
 * @throws HoldfastError repository_damaged when the round trip does not give the bytes of which `id` is the hash.
 */
export function sealBlob(
  key: MasterKey,
  id: string,
  type: BlobType,
  plain: Uint8Array,
  target: Uint8Array,
  offset: number,
): SealedBlob {
  const packed = isWorthCompressing(type, plain) ? compress(plain) : plain;
  const isCompressed = packed.length < plain.length * (1 - (type === 'tree' ? 0 : GAIN_MIN));
  const uncompressedLength = isCompressed ? plain.length : 0;
  const length = sealInto(key, isCompressed ? packed : plain, target, offset);
  decodeBlob(key, target.subarray(offset, offset + length), { id, type, uncompressedLength });
  return { length, uncompressedLength };
}

function isWorthCompressing(type: BlobType, plain: Uint8Array): boolean {
  if (type === 'tree' || plain.length <= PROBED_BYTES_MIN) return true;
  const step = Math.floor((plain.length - PROBE_BYTES) / (PROBES - 1));
  return Array.from({ length: PROBES }, (_, at) => at * step).some((at) => {
    const probe = plain.subarray(at, at + PROBE_BYTES);
    return compress(probe, 1).length < probe.length * (1 - GAIN_MIN);
  });
}
