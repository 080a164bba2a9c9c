/**
 * Poly1305 by OpenSSL's own code for wide registers, several times as fast as WebAssembly on anything but small messages. Node has
 * no call for it, only the symbols (docs/decisions/0013).
 */
import { type Linked, throughOpenSsl } from './through-openssl.ts';

const KEY_BYTES = 32;
const TAG_BYTES = 16;
/** What OpenSSL's state may take; version 3 takes a third of it. */
const STATE_BYTES = 1024;

/** Writes the tag (RFC 8439, section 2.5) of `message` under the one-time key `r`, `s` into `target` at `offset`. */
export type Poly1305Into = (
  message: Uint8Array,
  r: Uint8Array,
  s: Uint8Array,
  target: Uint8Array,
  offset: number,
) => void;

/** Undefined where any part of it is missing. Whoever uses it compares its first tags with those of another way. */
export function loadNativePoly1305(): Poly1305Into | undefined {
  return throughOpenSsl(nativePoly1305);
}

function nativePoly1305(node: Linked): Poly1305Into | undefined {
  const stateBytes = node.func('size_t Poly1305_ctx_size(void)') as () => number;
  const init = node.func('void Poly1305_Init(void *state, const void *key)') as (
    state: Uint8Array,
    key: Uint8Array,
  ) => void;
  const update = node.func('void Poly1305_Update(void *state, const void *bytes, size_t length)') as (
    state: Uint8Array,
    bytes: Uint8Array,
    length: number,
  ) => void;
  const final = node.func('void Poly1305_Final(void *state, void *tag)') as (
    state: Uint8Array,
    tag: Uint8Array,
  ) => void;
  if (stateBytes() > STATE_BYTES) return undefined;
  const state = Buffer.alloc(STATE_BYTES);
  const key = Buffer.alloc(KEY_BYTES);
  const tag = Buffer.alloc(TAG_BYTES);
  return (message, r, s, target, offset) => {
    key.set(r, 0);
    key.set(s, r.length);
    init(state, key);
    update(state, message, message.length);
    final(state, tag);
    target.set(tag, offset);
  };
}
