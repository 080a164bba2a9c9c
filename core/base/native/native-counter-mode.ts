/**
 * AES-256 in counter mode from one place into another. Node's cipher answers in new memory, of which each byte is then copied and
 * given back: that costs as much again as the cipher. OpenSSL's public call writes where it is told to (docs/decisions/0013).
 */
import { type Linked, throughOpenSsl } from './through-openssl.ts';

const KEY_BYTES = 32;
const IV_BYTES = 16;
/** A call of OpenSSL's takes a signed 32-bit length. */
const CALL_BYTES_MAX = 2 ** 30;

/** An object of OpenSSL's. */
type Handle = object;

/**
 * Writes `input` under `key` (32 bytes) and the first counter block `iv` (16 bytes) into `target` at `offset`: encrypted or, which is
 * the same, decrypted. Input and target must be apart.
 * @throws RangeError for a key, a counter or a room of the wrong length; Error when OpenSSL refuses: nothing in the target may be used.
 */
export type CounterModeInto = (
  key: Uint8Array,
  iv: Uint8Array,
  input: Uint8Array,
  target: Uint8Array,
  offset: number,
) => void;

/** Undefined where any part of it is missing. Whoever uses it compares what it writes first with what another way writes. */
export function loadNativeCounterMode(): CounterModeInto | undefined {
  return throughOpenSsl(nativeCounterMode);
}

function nativeCounterMode(node: Linked): CounterModeInto | undefined {
  const fetch = node.func('void *EVP_CIPHER_fetch(void *library, const char *name, const char *properties)') as (
    library: null,
    name: string,
    properties: null,
  ) => Handle | null;
  const newContext = node.func('void *EVP_CIPHER_CTX_new(void)') as () => Handle | null;
  const init = node.func(
    'int EVP_EncryptInit_ex2(void *context, void *cipher, const void *key, const void *iv, void *parameters)',
  ) as (context: Handle, cipher: Handle | null, key: Uint8Array, iv: Uint8Array, parameters: null) => number;
  const update = node.func(
    'int EVP_EncryptUpdate(void *context, void *out, void *outLength, const void *in, int length)',
  ) as (context: Handle, out: Uint8Array, outLength: Uint8Array, input: Uint8Array, length: number) => number;
  const cipher = fetch(null, 'AES-256-CTR', null);
  const context = newContext(); // one a thread, for as long as it lives: each message brings its key and its counter
  if (cipher === null || context === null) return undefined;
  const written = new Int32Array(1);
  const writtenBytes = new Uint8Array(written.buffer);
  return (key, iv, input, target, offset) => {
    const hasRoom = offset >= 0 && offset + input.length <= target.length;
    // OpenSSL asks nothing of this: it would read and write beyond.
    if (key.length !== KEY_BYTES || iv.length !== IV_BYTES || !hasRoom) throw new RangeError('a length is wrong');
    if (init(context, cipher, key, iv, null) !== 1) throw new Error('OpenSSL refused a key');
    for (let at = 0; at < input.length; at += CALL_BYTES_MAX) {
      const length = Math.min(CALL_BYTES_MAX, input.length - at);
      const isDone = update(context, target.subarray(offset + at), writtenBytes, input.subarray(at), length) === 1;
      if (!isDone || written[0] !== length) throw new Error('OpenSSL did not encrypt all that it was given');
    }
  };
}
