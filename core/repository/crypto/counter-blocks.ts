/** The blocks of which CTR's keystream is made, for many objects at once: see unseal-many.ts. */
import { IV_BYTES } from './sealed-form.ts';

const WORD = 2 ** 32;

/** Writes from `at` on what covers `length` bytes: the IV from `ivAt` on, and one more for each block of 16 bytes. */
export function countBlocks(target: DataView, at: number, length: number, ivs: Uint8Array, ivAt: number): void {
  const iv = new DataView(ivs.buffer, ivs.byteOffset + ivAt, IV_BYTES);
  let [a, b, c, d] = [iv.getUint32(0), iv.getUint32(4), iv.getUint32(8), iv.getUint32(12)];
  for (let block = at; block < at + length; block += IV_BYTES) {
    target.setUint32(block, a);
    target.setUint32(block + 4, b);
    target.setUint32(block + 8, c);
    target.setUint32(block + 12, d);
    d += 1;
    if (d < WORD) continue;
    d = 0;
    c = (c + 1) % WORD;
    if (c === 0) b = (b + 1) % WORD;
    if (c === 0 && b === 0) a = (a + 1) % WORD;
  }
}
