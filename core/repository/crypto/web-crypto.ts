/** Reading in a browser: WebCrypto for AES, SHA-256 and PBKDF2; Poly1305 and scrypt in WebAssembly; zstd-decoder for zstd. */
import { hexOf } from '../../base/bytes.ts';
import { HoldfastError } from '../../base/errors.ts';
import { damagedRepository } from '../format/damage.ts';
import { decodeFrames } from '../format/zstd-decoder/frame-decoder.ts';
import type { MasterKey } from '../types.ts';
import { assertKdfParameters, splitWrappingKey, WRAPPING_KEY_BYTES } from './kdf-parameters.ts';
import { poly1305Into } from './poly1305.ts';
import type { ReadCrypto } from './read-crypto.ts';
import { scrypt } from './scrypt.ts';
import { IV_BYTES, SEAL_OVERHEAD, TAG_BYTES } from './sealed-form.ts';
import { asSource } from './web-source.ts';

const ZERO_BLOCK = new Uint8Array(16);

const endOfTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/** @throws HoldfastError service_missing where the browser gives no WebCrypto: on pages that came over plain http. */
export function createWebCrypto(): ReadCrypto {
  if (globalThis.crypto?.subtle === undefined) {
    throw new HoldfastError(
      'service_missing',
      'This browser gives pages like this one no encryption functions, so that the backup cannot be opened here. Open the page from a file or over https.',
    );
  }
  const keys = new ImportedKeys();
  return {
    async deriveWrappingKey(password, salt, parameters) {
      assertKdfParameters(parameters);
      return splitWrappingKey(await scrypt(password, salt, parameters, WRAPPING_KEY_BYTES, endOfTurn));
    },
    unseal: (key, sealed) => unseal(keys, key, sealed),
    async sha256Hex(bytes) {
      return hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', asSource(bytes))));
    },
    decompress(bytes, bytesMax) {
      try {
        return decodeFrames(bytes, bytesMax);
      } catch (cause) {
        throw damagedRepository('A stored object does not decompress to the size that it claims.', cause);
      }
    },
  };
}

/** Importing a key costs as much as decrypting some kilobytes: once for each is enough. */
class ImportedKeys {
  readonly #imported = new WeakMap<Uint8Array, Promise<CryptoKey>>();

  import(bytes: Uint8Array): Promise<CryptoKey> {
    let key = this.#imported.get(bytes);
    if (key === undefined) {
      key = crypto.subtle.importKey('raw', asSource(bytes), 'AES-CTR', false, ['encrypt', 'decrypt']);
      this.#imported.set(bytes, key);
    }
    return key;
  }
}

async function unseal(keys: ImportedKeys, key: MasterKey, sealed: Uint8Array): Promise<Uint8Array> {
  if (sealed.length < SEAL_OVERHEAD)
    throw damagedRepository(`The stored bytes are too short (${sealed.length} bytes) to be an encrypted object.`);
  const iv = sealed.subarray(0, IV_BYTES);
  const ciphertext = sealed.subarray(IV_BYTES, sealed.length - TAG_BYTES);
  // One block of AES in counter mode over zeros is the cipher itself, of the counter: WebCrypto has no mode without one.
  const pad = await crypto.subtle.encrypt(counterMode(iv), await keys.import(key.macK), ZERO_BLOCK);
  const tag = new Uint8Array(TAG_BYTES);
  poly1305Into(ciphertext, key.macR, new Uint8Array(pad), tag, 0);
  let difference = 0;
  for (let at = 0; at < TAG_BYTES; at += 1) difference |= tag[at]! ^ sealed[sealed.length - TAG_BYTES + at]!;
  if (difference !== 0)
    throw damagedRepository(
      'The stored bytes are damaged or were written with another key: their authentication tag differs.',
    );
  return new Uint8Array(
    await crypto.subtle.decrypt(counterMode(iv), await keys.import(key.encrypt), asSource(ciphertext)),
  );
}

function counterMode(iv: Uint8Array): AesCtrParams {
  return { name: 'AES-CTR', counter: asSource(iv), length: 128 };
}
