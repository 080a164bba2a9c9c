import { bytesOfBase64 } from '../../base/bytes.ts';
import { poly1305WasmBase64 } from './poly1305-wasm.ts';
import { asSource } from './web-source.ts';
import { wasmExports } from '../../base/wasm-exports.ts';

/** Where a message begins in the memory. */
export const MESSAGE_AT = 64;
/** Where a tag stands when it is made. */
export const TAG_AT = 32;
const TAG_BYTES = 16;
const BLOCK_BYTES = 16;
const WHOLE_BLOCK_TOP = 1n << 24n;
/** Bytes of message that are copied in at a time, a multiple of 16; small enough to stay in the processor's cache. */
const WINDOW_BYTES = 128 * 1024;

interface Poly1305Exports {
  readonly memory: WebAssembly.Memory;
  start(): void;
  blocks(at: number, count: number, top: bigint): void;
  finish(): void;
  xor(at: number, from: number, count: number): void;
  /** Counters of AES's counter mode from `at` on, of which the first is at `iv` and is used up. */
  count(iv: number, at: number, count: number): void;
}

export interface Poly1305 {
  readonly wasm: Poly1305Exports;
  readonly memory: Uint8Array;
}

let compiled: WebAssembly.Module | undefined;
let shared: Poly1305 | undefined;

/** One with memory of its own, for those who keep something in it; the module is under 2 KB and compiles in about a millisecond. */
export function newPoly1305(): Poly1305 {
  compiled ??= new WebAssembly.Module(asSource(bytesOfBase64(poly1305WasmBase64)));
  const wasm = wasmExports<Poly1305Exports>(compiled, ['memory', 'start', 'blocks', 'finish', 'xor', 'count']);
  return { wasm, memory: new Uint8Array(wasm.memory.buffer) };
}

/**
 * The Poly1305 tag (16 bytes, RFC 8439 section 2.5) of `message` under a one-time key: 16 bytes r, which are clamped here
 * and nowhere else, and 16 bytes s. The tag is written into `target` at `offset`.
 */
export function poly1305Into(
  message: Uint8Array,
  r: Uint8Array,
  s: Uint8Array,
  target: Uint8Array,
  offset: number,
): void {
  shared ??= newPoly1305();
  const { wasm, memory } = shared;
  memory.set(r, 0);
  memory.set(s, 16);
  wasm.start();
  const whole = message.length - (message.length % 16);
  for (let at = 0; at < whole; at += WINDOW_BYTES) {
    const size = Math.min(WINDOW_BYTES, whole - at);
    memory.set(message.subarray(at, at + size), MESSAGE_AT);
    wasm.blocks(MESSAGE_AT, size >>> 4, WHOLE_BLOCK_TOP);
  }
  if (whole < message.length) {
    memory.fill(0, MESSAGE_AT, MESSAGE_AT + 16);
    memory.set(message.subarray(whole), MESSAGE_AT);
    memory[MESSAGE_AT + message.length - whole] = 1;
    wasm.blocks(MESSAGE_AT, 1, 0n);
  }
  wasm.finish();
  target.set(memory.subarray(TAG_AT, TAG_AT + 16), offset);
}

/**
 * Makes the tag of a message of `length` bytes that lies in the memory already, at `at`, and leaves it at TAG_AT. The room behind
 * the message up to the next multiple of 16 is written over. `pads` from `padAt` on are the 16 bytes s.
 */
export function makeTag(
  { wasm, memory }: Poly1305,
  at: number,
  length: number,
  r: Uint8Array,
  pads: Uint8Array,
  padAt: number,
): void {
  for (let byte = 0; byte < BLOCK_BYTES; byte += 1) {
    memory[byte] = r[byte]!;
    memory[BLOCK_BYTES + byte] = pads[padAt + byte]!;
  }
  wasm.start();
  const rest = length % BLOCK_BYTES;
  wasm.blocks(at, (length - rest) / BLOCK_BYTES, WHOLE_BLOCK_TOP);
  if (rest > 0) {
    memory[at + length] = 1;
    for (let byte = rest + 1; byte < BLOCK_BYTES; byte += 1) memory[at + length - rest + byte] = 0;
    wasm.blocks(at + length - rest, 1, 0n);
  }
  wasm.finish();
}

/** Whether the tag that was made is the one in `tag` from `tagAt` on. */
export function isMadeTag({ memory }: Poly1305, tag: Uint8Array, tagAt: number): boolean {
  // All 16 are looked at: the time does not tell which of them differs.
  let difference = 0;
  for (let byte = 0; byte < TAG_BYTES; byte += 1) difference |= memory[TAG_AT + byte]! ^ tag[tagAt + byte]!;
  return difference === 0;
}

/** The tag as 16 fresh bytes; `key` is r followed by s, 32 bytes. */
export function poly1305(message: Uint8Array, key: Uint8Array): Buffer {
  const tag = Buffer.alloc(16);
  poly1305Into(message, key.subarray(0, 16), key.subarray(16, 32), tag, 0);
  return tag;
}
