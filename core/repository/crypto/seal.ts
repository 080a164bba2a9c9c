import { type Cipheriv, createCipheriv, randomFillSync, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import type { MasterKey } from '../types.ts';
import { counterModeInto } from './counter-mode.ts';
import { tagInto } from './tag.ts';
import { IV_BYTES, SEAL_OVERHEAD, TAG_BYTES } from './sealed-form.ts';

export { SEAL_OVERHEAD };

const ZERO_IV = Buffer.alloc(IV_BYTES);

/** AES-128 in ECB mode has no state between blocks, so one cipher serves every tag made with the same key. */
const tagCiphers = new WeakMap<Uint8Array, Cipheriv>();

function oneTimePad(key: MasterKey, iv: Uint8Array): Buffer {
  let cipher = tagCiphers.get(key.macK);
  if (cipher === undefined) {
    cipher = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false);
    tagCiphers.set(key.macK, cipher);
  }
  return cipher.update(iv);
}

/** Random bytes of which none is used twice: one call for many IVs, for a call costs more than its bytes. */
const randomPool = Buffer.alloc(4096);
let poolUsed = randomPool.length;

/** Random and never all zero: restic refuses a zero IV as the sign of a broken random source. */
function freshIv(target: Uint8Array): void {
  do {
    if (poolUsed === randomPool.length) {
      randomFillSync(randomPool);
      poolUsed = 0;
    }
    target.set(randomPool.subarray(poolUsed, poolUsed + IV_BYTES));
    poolUsed += IV_BYTES;
  } while (ZERO_IV.equals(target));
}

/**
 * Seals `plaintext` (AES-256-CTR, then Poly1305-AES over the ciphertext) into `target` at `offset`, for a packer that
 * fills one buffer. Returns the bytes written: `plaintext.length + SEAL_OVERHEAD`.
 * @throws RangeError when the target is too short: a defect of the caller.
 */
export function sealInto(key: MasterKey, plaintext: Uint8Array, target: Uint8Array, offset: number): number {
  const size = plaintext.length + SEAL_OVERHEAD;
  if (offset < 0 || offset + size > target.length)
    throw new RangeError(`sealing needs ${size} bytes at ${offset} of ${target.length}`);
  const iv = target.subarray(offset, offset + IV_BYTES);
  freshIv(iv);
  counterModeInto(key.encrypt, iv, plaintext, target, offset + IV_BYTES);
  const ciphertext = target.subarray(offset + IV_BYTES, offset + size - TAG_BYTES);
  tagInto(ciphertext, key.macR, oneTimePad(key, iv), target, offset + size - TAG_BYTES);
  return size;
}

/** Seals into fresh bytes. */
export function seal(key: MasterKey, plaintext: Uint8Array): Buffer {
  const sealed = Buffer.allocUnsafe(plaintext.length + SEAL_OVERHEAD);
  sealInto(key, plaintext, sealed, 0);
  return sealed;
}

/**
 * The plaintext of sealed bytes. The tag is compared first and in constant time; nothing is decrypted when it differs.
 * A tag proves that a holder of the key wrote these bytes, not that they are the ones meant: the caller compares the hash.
 * @throws HoldfastError repository_damaged.
 */
export function unseal(key: MasterKey, sealed: Uint8Array): Buffer {
  const plain = Buffer.allocUnsafeSlow(Math.max(0, sealed.length - SEAL_OVERHEAD));
  unsealInto(key, sealed, plain, 0);
  return plain;
}

/** As unseal, into `target` from `offset` on: without a buffer of the whole. */
export function unsealInto(key: MasterKey, sealed: Uint8Array, target: Uint8Array, offset: number): void {
  if (sealed.length < SEAL_OVERHEAD)
    throw damaged(`The stored bytes are too short (${sealed.length} bytes) to be an encrypted object.`);
  const iv = sealed.subarray(0, IV_BYTES);
  const ciphertext = ciphertextOf(sealed);
  const tag = Buffer.allocUnsafe(TAG_BYTES);
  tagInto(ciphertext, key.macR, oneTimePad(key, iv), tag, 0);
  if (!timingSafeEqual(tag, sealed.subarray(sealed.length - TAG_BYTES)))
    throw damaged('The stored bytes are damaged or were written with another key: their authentication tag differs.');
  counterModeInto(key.encrypt, iv, ciphertext, target, offset);
}

function ciphertextOf(sealed: Uint8Array): Uint8Array {
  return sealed.subarray(IV_BYTES, sealed.length - TAG_BYTES);
}

function damaged(message: string): HoldfastError {
  return new HoldfastError('repository_damaged', message);
}
