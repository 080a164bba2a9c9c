import { poly1305WasmBase64 } from './poly1305-wasm.ts';

const MESSAGE_AT = 64;
const TAG_AT = 32;
const WHOLE_BLOCK_TOP = 1n << 24n;

interface Poly1305Exports {
  readonly memory: WebAssembly.Memory;
  start(): void;
  blocks(at: number, count: number, top: bigint): void;
  finish(): void;
}

interface Poly1305 {
  readonly wasm: Poly1305Exports;
  readonly memory: Uint8Array;
  /** Bytes of message that are copied in at a time, a multiple of 16; small enough to stay in the processor's cache. */
  readonly window: number;
}

let loaded: Poly1305 | undefined;

/** One instance a thread: the module is under 2 KB and compiles in about a millisecond. */
function load(): Poly1305 {
  if (loaded !== undefined) return loaded;
  const module = new WebAssembly.Module(Buffer.from(poly1305WasmBase64, 'base64'));
  const wasm = new WebAssembly.Instance(module).exports as unknown as Poly1305Exports;
  const memory = new Uint8Array(wasm.memory.buffer);
  loaded = { wasm, memory, window: (memory.length - MESSAGE_AT) & ~15 };
  return loaded;
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
  const { wasm, memory, window } = load();
  memory.set(r, 0);
  memory.set(s, 16);
  wasm.start();
  const whole = message.length - (message.length % 16);
  for (let at = 0; at < whole; at += window) {
    const size = Math.min(window, whole - at);
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

/** The tag as 16 fresh bytes; `key` is r followed by s, 32 bytes. */
export function poly1305(message: Uint8Array, key: Uint8Array): Buffer {
  const tag = Buffer.alloc(16);
  poly1305Into(message, key.subarray(0, 16), key.subarray(16, 32), tag, 0);
  return tag;
}
