/** One blob from its plain to its stored form, decoded again before anybody believes it. */
import { decodeBlob } from '../blob-codec.ts';
import { seal } from '../crypto/seal.ts';
import { compress } from '../format/zstd.ts';
import type { BlobType, MasterKey } from '../types.ts';

export interface SealedBlob {
  readonly bytes: Buffer;
  /** 0 when stored uncompressed. */
  readonly uncompressedLength: number;
}

/** A larger blob is probed on its beginning first: compressing random bytes in vain costs more than all the rest. */
const PROBE_BYTES = 64 * 1024;
const GAIN_MIN = 0.03;

function isWorthCompressing(plain: Uint8Array): boolean {
  if (plain.length <= PROBE_BYTES * 2) return true;
  const middle = (plain.length - PROBE_BYTES) >>> 1;
  return [0, middle].some((at) => {
    const probe = plain.subarray(at, at + PROBE_BYTES);
    return compress(probe, 1).length < probe.length * (1 - GAIN_MIN);
  });
}

/**
 * Compresses (where that gains), seals, and opens it again: memory or a compressor that fails must be found before the
 * upload, not at the restore. Trees are always compressed, as restic's readers expect of version 2.
 * @throws HoldfastError repository_damaged when the round trip does not give the same bytes.
 */
export function sealBlob(key: MasterKey, id: string, type: BlobType, plain: Uint8Array): SealedBlob {
  const packed = type === 'tree' || isWorthCompressing(plain) ? compress(plain) : undefined;
  const isCompressed = packed !== undefined && (type === 'tree' || packed.length < plain.length);
  const bytes = seal(key, isCompressed ? packed : plain);
  const uncompressedLength = isCompressed ? plain.length : 0;
  decodeBlob(key, bytes, { id, type, uncompressedLength });
  return { bytes, uncompressedLength };
}
