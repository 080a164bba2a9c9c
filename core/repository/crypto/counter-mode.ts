/** AES-256 in counter mode in Node: large messages by OpenSSL's own call where this machine has a way to it, the others by Node's. */
import { createCipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { freeBytes } from '../../base/free-bytes.ts';
import { type CounterModeInto, loadNativeCounterMode } from '../../base/native/native-counter-mode.ts';

/** Below it a message is one of a few, or is sealed together with others. */
const NATIVE_BYTES_MIN = 1024;
/** The way there costs a thread some 15 ms. */
const WORTH_BYTES = 16 * 1024 * 1024;
/**
 * Node's ciphers answer in new memory, which for large objects the system would clear: slices are small enough to stay in the
 * processor's cache, and for memory that is used again.
 */
const SLICE_BYTES = 64 * 1024;

let native: CounterModeInto | 'none' | undefined;
let largeBytes = 0;

/** Encrypts or, which is the same, decrypts `input` into `target` at `offset`: apart from it, and with room for it. */
export function counterModeInto(
  key: Uint8Array,
  iv: Uint8Array,
  input: Uint8Array,
  target: Uint8Array,
  offset: number,
): void {
  if (offset < 0 || offset + input.length > target.length)
    throw new RangeError(`a message of ${input.length} bytes has no room at ${offset} of ${target.length}`);
  if (input.length >= NATIVE_BYTES_MIN && native !== 'none') {
    largeBytes += input.length;
    if (native === undefined && largeBytes > WORTH_BYTES) native = proven(loadNativeCounterMode());
    if (native !== undefined && native !== 'none') return native(key, iv, input, target, offset);
  }
  nodeCounterModeInto(key, iv, input, target, offset);
}

/** Node would import raw key bytes anew for every message, which costs as much as sealing a few kilobytes. */
const keys = new WeakMap<Uint8Array, KeyObject>();

/** The same by Node's cipher alone. */
export const nodeCounterModeInto: CounterModeInto = (key, iv, input, target, offset) => {
  let imported = keys.get(key);
  if (imported === undefined) {
    imported = createSecretKey(key);
    keys.set(key, imported);
  }
  const cipher = createCipheriv('aes-256-ctr', imported, iv);
  for (let at = 0; at < input.length; at += SLICE_BYTES) {
    const slice = cipher.update(input.subarray(at, at + SLICE_BYTES));
    target.set(slice, offset + at);
    freeBytes(slice);
  }
};

/** Only what writes the same as Node's cipher, and nothing beside it, is used: lengths around every border, a counter that runs over. */
function proven(found: CounterModeInto | undefined): CounterModeInto | 'none' {
  if (found === undefined) return 'none';
  const message = new Uint8Array(5000).map((_, at) => (at * 167 + (at >> 8)) & 0xff);
  const theirs = new Uint8Array(message.length + 2);
  const ours = new Uint8Array(message.length + 2);
  const ivs = [new Uint8Array(16).fill(0x5a), new Uint8Array(16).fill(0xff)];
  for (const key of [message.slice(0, 32), message.slice(100, 132)])
    for (const iv of ivs)
      for (const length of [1, 15, 16, 17, 127, 128, 129, 1024, 4095, 4999, 5000]) {
        const input = message.subarray(message.length - length);
        nodeCounterModeInto(key, iv, input, ours.fill(0xee), 1);
        found(key, iv, input, theirs.fill(0xee), 1);
        if (Buffer.compare(ours, theirs) !== 0) return 'none';
      }
  return found;
}
