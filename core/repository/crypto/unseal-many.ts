/**
 * Opens many small sealed objects at once. Node's cipher makes an object and a buffer for each of them, which costs as much
 * as decrypting some kilobytes; here the keystreams of all come out of one call, for CTR is ECB over a counter, and what was
 * sealed is verified and decrypted in the memory of the WebAssembly, where it has to go for its tag anyway.
 */
import { type Cipheriv, createCipheriv, createSecretKey } from 'node:crypto';
import { freeBytes } from '../../base/free-bytes.ts';
import type { MasterKey } from '../types.ts';
import { isMadeTag, newPoly1305, makeTag, MESSAGE_AT } from './poly1305.ts';
import { IV_BYTES, SEAL_OVERHEAD, TAG_BYTES } from './sealed-form.ts';

/** Sealed bytes of one object; a larger one is opened faster by `unseal`, which needs no counters. */
export const SMALL_BYTES_MAX = 16 * 1024;

const BLOCK_BYTES = 16;
/** Of the objects that are opened at once; as much keystream lies behind them. */
export const ROOM_BYTES = 128 * 1024;
/** The shortest object is an IV and a tag. */
export const OBJECTS_MAX = 1024;
export const KEYSTREAM_AT = MESSAGE_AT + ROOM_BYTES;
/** Where the first counter of each object stands until its others are counted. */
export const COUNTER_AT = KEYSTREAM_AT + ROOM_BYTES;

export class ManyUnsealer {
  readonly #macR: Uint8Array;
  /** Both in ECB mode, which has no state between blocks. */
  readonly #tagCipher: Cipheriv;
  readonly #dataCipher: Cipheriv;
  readonly #poly1305 = newPoly1305();
  readonly #ivs = new Uint8Array(OBJECTS_MAX * IV_BYTES);
  /** Of the objects that are open: where each begins, and its bytes; -1 when its tag differs. */
  readonly #starts = new Uint32Array(OBJECTS_MAX);
  readonly #lengths = new Int32Array(OBJECTS_MAX);
  #first = 0;

  constructor(key: MasterKey) {
    this.#macR = key.macR;
    this.#tagCipher = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false);
    this.#dataCipher = createCipheriv('aes-256-ecb', createSecretKey(key.encrypt), null).setAutoPadding(false);
  }

  /**
   * Opens the objects in `bytes` from number `first` on: as many as there is room for, before `end` and before the first that
   * is not small. Returns the number behind the last one. Each must lie within `bytes` and have room for its IV and tag.
   */
  open(bytes: Uint8Array, starts: Uint32Array, lengths: Uint32Array, first: number, end: number): number {
    const { memory, wasm } = this.#poly1305;
    this.#first = first;
    let at = MESSAGE_AT;
    let number = first;
    for (; number < end && number - first < OBJECTS_MAX; number += 1) {
      const length = lengths[number]! - SEAL_OVERHEAD;
      if (length + SEAL_OVERHEAD > SMALL_BYTES_MAX || at + length > KEYSTREAM_AT) break;
      const start = starts[number]!;
      const local = number - first;
      for (let byte = 0; byte < IV_BYTES; byte += 1) this.#ivs[local * IV_BYTES + byte] = bytes[start + byte]!;
      memory.set(bytes.subarray(start + IV_BYTES, start + IV_BYTES + length), at);
      this.#starts[local] = at;
      this.#lengths[local] = length;
      at += (length + BLOCK_BYTES - 1) & ~(BLOCK_BYTES - 1);
    }
    const count = number - first;
    this.#verify(bytes, starts, count);
    const used = at - MESSAGE_AT;
    memory.set(this.#ivs.subarray(0, count * IV_BYTES), COUNTER_AT);
    // What is not genuine gets no counters: it stays sealed.
    for (let local = 0; local < count; local += 1)
      wasm.count(
        COUNTER_AT + local * IV_BYTES,
        this.#starts[local]! + ROOM_BYTES,
        Math.ceil(Math.max(0, this.#lengths[local]!) / BLOCK_BYTES),
      );
    const keystream = this.#dataCipher.update(memory.subarray(KEYSTREAM_AT, KEYSTREAM_AT + used));
    memory.set(keystream, KEYSTREAM_AT);
    freeBytes(keystream);
    wasm.xor(MESSAGE_AT, KEYSTREAM_AT, used / BLOCK_BYTES);
    return number;
  }

  /** The contents of an open object, true until the next are opened; undefined when its tag differs. */
  opened(number: number): Uint8Array | undefined {
    const local = number - this.#first;
    const length = this.#lengths[local]!;
    const start = this.#starts[local]!;
    return length === -1 ? undefined : this.#poly1305.memory.subarray(start, start + length);
  }

  #verify(bytes: Uint8Array, starts: Uint32Array, count: number): void {
    const pads = this.#tagCipher.update(this.#ivs.subarray(0, count * IV_BYTES));
    for (let local = 0; local < count; local += 1) {
      const length = this.#lengths[local]!;
      const tagAt = starts[this.#first + local]! + IV_BYTES + length;
      const at = this.#starts[local]!;
      makeTag(this.#poly1305, at, length, this.#macR, pads, local * TAG_BYTES);
      if (!isMadeTag(this.#poly1305, bytes, tagAt)) this.#lengths[local] = -1;
    }
  }
}
