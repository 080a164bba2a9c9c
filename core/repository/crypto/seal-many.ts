/**
 * Seals many small objects at once, as unseal-many.ts opens them: the keystreams of all come out of one cipher call, and the bytes
 * are encrypted and get their tags in the memory of the WebAssembly. One by one each of them costs a cipher object and a buffer.
 */
import { type Cipheriv, createCipheriv, createSecretKey, randomFillSync } from 'node:crypto';
import { freeBytes } from '../../base/free-bytes.ts';
import type { MasterKey } from '../types.ts';
import { newPoly1305, makeTag, MESSAGE_AT, TAG_AT } from './poly1305.ts';
import { IV_BYTES, SEAL_OVERHEAD, TAG_BYTES } from './sealed-form.ts';
import { COUNTER_AT, KEYSTREAM_AT, OBJECTS_MAX, ROOM_BYTES } from './unseal-many.ts';

const BLOCK_BYTES = 16;

export class ManySealer {
  readonly #macR: Uint8Array;
  /** Both in ECB mode, which has no state between blocks. */
  readonly #tagCipher: Cipheriv;
  readonly #dataCipher: Cipheriv;
  readonly #randomFill: (target: Uint8Array) => void;
  readonly #poly1305 = newPoly1305();
  readonly #ivs = new Uint8Array(OBJECTS_MAX * IV_BYTES);
  readonly #places = new Uint32Array(OBJECTS_MAX);

  constructor(key: MasterKey, randomFill: (target: Uint8Array) => void = randomFillSync) {
    this.#macR = key.macR;
    this.#tagCipher = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false);
    this.#dataCipher = createCipheriv('aes-256-ecb', createSecretKey(key.encrypt), null).setAutoPadding(false);
    this.#randomFill = randomFill;
  }

  /**
   * Seals in place: an object takes `lengths[i]` bytes of `bytes` from `starts[i]` on, and its contents stand between the room
   * for its IV and the room for its tag. As many from number `first` on as there is room for, before `end`; returns the number
   * behind the last one, which is `first` when that one is not small.
   */
  seal(bytes: Uint8Array, starts: Uint32Array, lengths: Uint32Array, first: number, end: number): number {
    const { memory, wasm } = this.#poly1305;
    let at = MESSAGE_AT;
    let number = first;
    for (; number < end && number - first < OBJECTS_MAX; number += 1) {
      const length = lengths[number]! - SEAL_OVERHEAD;
      if (at + length > KEYSTREAM_AT) break;
      const start = starts[number]! + IV_BYTES;
      memory.set(bytes.subarray(start, start + length), at);
      this.#places[number - first] = at;
      at += (length + BLOCK_BYTES - 1) & ~(BLOCK_BYTES - 1);
    }
    const count = number - first;
    this.#makeIvs(count);
    memory.set(this.#ivs.subarray(0, count * IV_BYTES), COUNTER_AT);
    for (let local = 0; local < count; local += 1) {
      const blocks = Math.ceil((lengths[first + local]! - SEAL_OVERHEAD) / BLOCK_BYTES);
      wasm.count(COUNTER_AT + local * IV_BYTES, this.#places[local]! + ROOM_BYTES, blocks);
    }
    const used = at - MESSAGE_AT;
    const keystream = this.#dataCipher.update(memory.subarray(KEYSTREAM_AT, KEYSTREAM_AT + used));
    memory.set(keystream, KEYSTREAM_AT);
    freeBytes(keystream);
    wasm.xor(MESSAGE_AT, KEYSTREAM_AT, used / BLOCK_BYTES);
    const pads = this.#tagCipher.update(this.#ivs.subarray(0, count * IV_BYTES));
    for (let local = 0; local < count; local += 1) this.#put(bytes, starts, lengths, first, local, pads);
    return number;
  }

  #put(
    bytes: Uint8Array,
    starts: Uint32Array,
    lengths: Uint32Array,
    first: number,
    local: number,
    pads: Uint8Array,
  ): void {
    const { memory } = this.#poly1305;
    const start = starts[first + local]!;
    const length = lengths[first + local]! - SEAL_OVERHEAD;
    const place = this.#places[local]!;
    bytes.set(this.#ivs.subarray(local * IV_BYTES, (local + 1) * IV_BYTES), start);
    bytes.set(memory.subarray(place, place + length), start + IV_BYTES);
    makeTag(this.#poly1305, place, length, this.#macR, pads, local * TAG_BYTES);
    bytes.set(memory.subarray(TAG_AT, TAG_AT + TAG_BYTES), start + IV_BYTES + length);
  }

  /** Random and never all zero: restic refuses a zero IV as the sign of a broken random source. */
  #makeIvs(count: number): void {
    const ivs = this.#ivs.subarray(0, count * IV_BYTES);
    this.#randomFill(ivs);
    for (let local = 0; local < count; local += 1) {
      const iv = ivs.subarray(local * IV_BYTES, (local + 1) * IV_BYTES);
      while (iv.every((byte) => byte === 0)) this.#randomFill(iv);
    }
  }
}
