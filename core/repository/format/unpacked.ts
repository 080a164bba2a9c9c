/** Unpacked files in Node: see unpacked-form.ts. */
import { COMPRESSED, unpackedForm } from './unpacked-form.ts';
import { compress, decompress } from './zstd.ts';

export function encodeUnpacked(json: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(COMPRESSED), compress(json)]);
}

/** @throws HoldfastError repository_damaged for anything but raw JSON or the compressed form. */
export function decodeUnpacked(plaintext: Uint8Array, bytesMax: number): Buffer {
  const { isCompressed, bytes } = unpackedForm(plaintext);
  return isCompressed ? decompress(bytes, bytesMax) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
