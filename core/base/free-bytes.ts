/**
 * Gives the memory of bytes back at once. Node's ciphers answer in new memory, and V8 lets a thread gather 64 MiB of that before
 * it looks for what nobody needs: two lanes over large files held 130 MiB of garbage.
 */
const WORTH_BYTES = 4096;

/** Nobody may look at these bytes again: they are empty afterwards. Views of a part of some memory are left alone. */
export function freeBytes(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer.byteLength < WORTH_BYTES || buffer.byteLength !== bytes.byteLength) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer?.(0); // older browsers have no such call, and wait for their collector
}
