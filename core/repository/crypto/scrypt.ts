/**
 * scrypt where only WebCrypto is (RFC 7914): PBKDF2 comes from there, the memory-hard part is scrypt.wat. It takes a
 * quarter longer than Node's own, in slices, so that the page stays alive meanwhile.
 */
import { bytesOfBase64, bytesOfUtf8 } from '../../base/bytes.ts';
import type { KdfParameters } from './kdf-parameters.ts';
import { scryptWasmBase64 } from './scrypt-wasm.ts';
import { asSource } from './web-source.ts';
import { wasmExports } from '../../base/wasm-exports.ts';

interface ScryptExports {
  readonly memory: WebAssembly.Memory;
  fill(v: number, zeros: number, r: number, from: number, to: number): void;
  blend(v: number, x: number, y: number, r: number, mask: number, pairs: number): void;
}

const PAGE_BYTES = 64 * 1024;
/** The running block of scrypt.wat. */
const RUNNING_BYTES = 64;
/** Of 1 KiB blocks: some tens of milliseconds. */
const SLICE_STEPS = 8192;

/** `keyBytes` bytes. `pause` is awaited between slices; the parameters must have been found safe before. */
export async function scrypt(
  password: string,
  salt: Uint8Array,
  { N, r, p }: KdfParameters,
  keyBytes: number,
  pause: () => Promise<void>,
): Promise<Uint8Array> {
  const secret = await crypto.subtle.importKey('raw', asSource(bytesOfUtf8(password)), 'PBKDF2', false, ['deriveBits']);
  const blocks = await pbkdf2(secret, salt, p * 128 * r);
  const blockBytes = 128 * r;
  const module = new WebAssembly.Module(asSource(bytesOfBase64(scryptWasmBase64)));
  const wasm = wasmExports<ScryptExports>(module, ['memory', 'fill', 'blend']);
  const zeros = RUNNING_BYTES;
  const v = zeros + blockBytes;
  const x = v + N * blockBytes;
  const y = x + blockBytes;
  wasm.memory.grow(Math.ceil((y + blockBytes) / PAGE_BYTES) - wasm.memory.buffer.byteLength / PAGE_BYTES);
  const memory = new Uint8Array(wasm.memory.buffer);
  const steps = Math.max(2, Math.floor((SLICE_STEPS * 8) / r) & ~1);
  for (let at = 0; at < blocks.length; at += blockBytes) {
    memory.set(blocks.subarray(at, at + blockBytes), v);
    for (let from = 0; from < N; from += steps) {
      wasm.fill(v, zeros, r, from, Math.min(N, from + steps));
      await pause();
    }
    for (let done = 0; done < N; done += steps) {
      wasm.blend(v, x, y, r, N - 1, Math.min(N - done, steps) / 2);
      await pause();
    }
    blocks.set(memory.subarray(x, x + blockBytes), at);
  }
  return await pbkdf2(secret, blocks, keyBytes);
}

async function pbkdf2(secret: CryptoKey, salt: Uint8Array, bytes: number): Promise<Uint8Array> {
  const terms = { name: 'PBKDF2', hash: 'SHA-256', salt: asSource(salt), iterations: 1 };
  return new Uint8Array(await crypto.subtle.deriveBits(terms, secret, bytes * 8));
}
