/** "Unpacked" files: snapshots, indexes and locks. Plaintext is JSON, or in version 2 one byte 2 and a zstd frame of it. */
import { damagedRepository } from './damage.ts';

export const COMPRESSED = 2;

export interface UnpackedForm {
  readonly isCompressed: boolean;
  /** The JSON, or the frame. */
  readonly bytes: Uint8Array;
}

/** @throws HoldfastError repository_damaged for anything but raw JSON or the compressed form. */
export function unpackedForm(plaintext: Uint8Array): UnpackedForm {
  const first = plaintext[0];
  if (first === COMPRESSED) return { isCompressed: true, bytes: plaintext.subarray(1) };
  if (first === 0x7b || first === 0x5b) return { isCompressed: false, bytes: plaintext };
  throw damagedRepository('A stored file is neither JSON nor compressed JSON.');
}
