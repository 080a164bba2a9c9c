/** The tag of sealed bytes in Node: large ones by OpenSSL's code where this machine has a way to it, the others in WebAssembly. */
import { loadNativePoly1305, type Poly1305Into } from '../../base/native/native-poly1305.ts';
import { poly1305Into } from './poly1305.ts';

/** Below it the foreign calls cost more than they save. */
const NATIVE_BYTES_MIN = 1024;
/** The way there costs a thread some 15 ms: as much as the tags of this many bytes. */
const WORTH_BYTES = 16 * 1024 * 1024;
const TAG_BYTES = 16;

let native: Poly1305Into | 'none' | undefined;
let largeBytes = 0;

/** As poly1305Into. */
export function tagInto(message: Uint8Array, r: Uint8Array, s: Uint8Array, target: Uint8Array, offset: number): void {
  if (message.length >= NATIVE_BYTES_MIN && native !== 'none') {
    largeBytes += message.length;
    if (native === undefined && largeBytes > WORTH_BYTES) native = proven(loadNativePoly1305());
    if (native !== undefined && native !== 'none') return native(message, r, s, target, offset);
  }
  poly1305Into(message, r, s, target, offset);
}

/** Only what gives the same tags as WebAssembly is used: lengths around every border, and keys that carry far. */
function proven(found: Poly1305Into | undefined): Poly1305Into | 'none' {
  if (found === undefined) return 'none';
  const [ours, theirs] = [new Uint8Array(TAG_BYTES), new Uint8Array(TAG_BYTES)];
  const message = new Uint8Array(5000).map((_, at) => (at % 3 === 0 ? 0xff : (at * 167) & 0xff));
  const keys = [0xff, 0x5a].map((byte) => new Uint8Array(TAG_BYTES).fill(byte));
  for (const length of [...Array(300).keys(), 1023, 1024, 1025, 4095, 4999, 5000])
    for (const r of keys)
      for (const s of keys) {
        poly1305Into(message.subarray(0, length), r, s, ours, 0);
        found(message.subarray(0, length), r, s, theirs, 0);
        if (Buffer.compare(ours, theirs) !== 0) return 'none';
      }
  return found;
}
