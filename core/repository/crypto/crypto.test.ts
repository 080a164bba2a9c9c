import { createCipheriv, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isHoldfastError } from '../../base/errors.ts';
// @ts-expect-error the build tool is plain JavaScript
import { assembleWasm } from '../../../tools/build-wasm.mjs';
import { deriveWrappingKey, KDF_PARAMETERS } from './kdf.ts';
import { areKdfParametersSafe } from './kdf-parameters.ts';
import { decodeMasterKey, encodeMasterKey, generateMasterKey } from './master-key.ts';
import { poly1305 } from './poly1305.ts';
import { SEAL_OVERHEAD, seal, sealInto, unseal } from './seal.ts';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex') || '0'}`);
}

/** The definition of RFC 8439, section 2.5.1, in arbitrary precision: the oracle. */
function slowPoly1305(message: Uint8Array, key: Uint8Array): string {
  const r = littleEndian(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let h = 0n;
  for (let at = 0; at < message.length; at += 16) {
    const block = message.subarray(at, at + 16);
    h = ((h + littleEndian(block) + (1n << BigInt(8 * block.length))) * r) % ((1n << 130n) - 5n);
  }
  const tag = (h + littleEndian(key.subarray(16, 32))) & ((1n << 128n) - 1n);
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse().toString('hex');
}

test('Poly1305 gives the vectors of RFC 8439, those that break wrong carries included', () => {
  const main = poly1305(
    Buffer.from('Cryptographic Forum Research Group'),
    hex('85d6be7857556d337f4452fe42d506a8 0103808afb0db2fd4abff6af4149f51b'),
  );
  expect(main.toString('hex')).toBe('a8061dc1305136c6c22b8baf0c0127a9');
  const zeros = '00000000000000000000000000000000';
  const vectors: [string, string, string][] = [
    // Appendix A.3, vectors 1 and 7 to 11: r, s, message -> tag.
    [zeros + zeros, zeros.repeat(4), zeros],
    [`02${zeros.slice(2)}${zeros}`, 'ff'.repeat(16), `03${zeros.slice(2)}`],
    [`02${zeros.slice(2)}${'ff'.repeat(16)}`, `02${zeros.slice(2)}`, `03${zeros.slice(2)}`],
    [`01${zeros.slice(2)}${zeros}`, `${'ff'.repeat(16)}f0${'ff'.repeat(15)}11${zeros.slice(2)}`, `05${zeros.slice(2)}`],
    [`01${zeros.slice(2)}${zeros}`, `${'ff'.repeat(16)}fb${'fe'.repeat(15)}${'01'.repeat(16)}`, zeros],
    [`02${zeros.slice(2)}${zeros}`, `fd${'ff'.repeat(15)}`, `fa${'ff'.repeat(15)}`],
    [
      `0100000000000000 0400000000000000${zeros}`,
      'e33594d7505e43b900000000000000003394d7505e4379cd01000000000000000000000000000000000000000000000001000000000000000000000000000000',
      '14000000000000005500000000000000',
    ],
  ];
  for (const [key, message, tag] of vectors) expect(poly1305(hex(message), hex(key)).toString('hex')).toBe(tag);
});

test('Poly1305 equals the definition for every length up to 300, for limbs full of ones and across the copy window', () => {
  for (let length = 0; length <= 300; length++) {
    const key = length % 3 === 0 ? Buffer.alloc(32, 0xff) : randomBytes(32);
    const message = length % 2 === 0 ? Buffer.alloc(length, 0xff) : randomBytes(length);
    expect(poly1305(message, key).toString('hex'), `key ${key.toString('hex')} length ${length}`).toBe(
      slowPoly1305(message, key),
    );
  }
  for (const length of [131_008, 131_009, 131_024, 262_143]) {
    const key = randomBytes(32);
    const message = randomBytes(length);
    expect(poly1305(message, key).toString('hex')).toBe(slowPoly1305(message, key));
  }
});

test('the committed WebAssembly is what its source assembles to', async () => {
  const { path, text } = await assembleWasm('core/repository/crypto/poly1305.wat');
  expect(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')).toBe(text);
});

test('sealed bytes are IV, ciphertext and the tag of the ciphertext, and open again', () => {
  const key = generateMasterKey();
  for (const size of [0, 1, 15, 16, 17, 1000, 200_000]) {
    const plaintext = randomBytes(size);
    const sealed = seal(key, plaintext);
    expect(sealed.length).toBe(size + SEAL_OVERHEAD);
    expect(unseal(key, sealed).equals(plaintext)).toBe(true);
    const iv = sealed.subarray(0, 16);
    expect(createCipheriv('aes-256-ctr', key.encrypt, iv).update(plaintext).equals(sealed.subarray(16, -16))).toBe(
      true,
    );
    const pad = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false).update(iv);
    const tag = slowPoly1305(sealed.subarray(16, -16), Buffer.concat([key.macR, pad]));
    if (size <= 1000) expect(sealed.subarray(-16).toString('hex')).toBe(tag);
  }
  expect(seal(key, Buffer.from('same')).equals(seal(key, Buffer.from('same')))).toBe(false);
});

test('sealInto writes at its place and nothing beside it', () => {
  const key = generateMasterKey();
  const target = Buffer.alloc(100, 0x7e);
  expect(sealInto(key, Buffer.from('hello'), target, 10)).toBe(37);
  expect(unseal(key, target.subarray(10, 47)).toString()).toBe('hello');
  expect(target.subarray(0, 10).equals(Buffer.alloc(10, 0x7e))).toBe(true);
  expect(target.subarray(47).equals(Buffer.alloc(53, 0x7e))).toBe(true);
  expect(() => sealInto(key, Buffer.alloc(70), target, 0)).toThrow(RangeError);
});

test('every flipped bit, another key and every truncation is refused as damage', () => {
  const key = generateMasterKey();
  const sealed = seal(key, Buffer.from('twenty bytes of text'));
  const refusal = (bytes: Uint8Array, by = key): boolean => {
    try {
      unseal(by, bytes);
      return false;
    } catch (error) {
      return isHoldfastError(error, 'repository_damaged');
    }
  };
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const flipped = Buffer.from(sealed);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(refusal(flipped), `bit ${bit}`).toBe(true);
  }
  for (let length = 0; length < sealed.length; length++) expect(refusal(sealed.subarray(0, length))).toBe(true);
  expect(refusal(sealed, generateMasterKey())).toBe(true);
});

test('the master key survives its JSON, and r is written as it is, not clamped', () => {
  const key = { ...generateMasterKey(), macR: Buffer.alloc(16, 0xff) };
  const decoded = decodeMasterKey(encodeMasterKey(key));
  expect(Buffer.from(decoded.encrypt).equals(key.encrypt)).toBe(true);
  expect(Buffer.from(decoded.macK).equals(key.macK)).toBe(true);
  expect(Buffer.from(decoded.macR).toString('hex')).toBe('ff'.repeat(16));
  for (const bad of ['', '{}', 'null', '{"mac":null,"encrypt":""}', '{"mac":{"k":"AA==","r":"AA=="},"encrypt":"AA=="}'])
    expect(() => decodeMasterKey(Buffer.from(bad))).toThrowError(/key/);
});

test('scrypt gives its published vector and refuses parameters that would exhaust the machine', async () => {
  // RFC 7914, section 12, third vector.
  const key = await deriveWrappingKey('pleaseletmein', Buffer.from('SodiumChloride'), { N: 16384, r: 8, p: 1 });
  expect(Buffer.concat([key.encrypt, key.macK, key.macR]).toString('hex')).toBe(
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
  );
  expect(areKdfParametersSafe(KDF_PARAMETERS.password)).toBe(true);
  expect(areKdfParametersSafe(KDF_PARAMETERS.machine)).toBe(true);
  for (const bad of [
    { N: 2 ** 30, r: 8, p: 1 },
    { N: 1024, r: 8, p: 2 ** 20 },
    { N: 1000, r: 8, p: 1 },
    { N: 0, r: 8, p: 1 },
    { N: 1024, r: Number.NaN, p: 1 },
  ])
    await expect(deriveWrappingKey('x', Buffer.alloc(64), bad)).rejects.toMatchObject({ code: 'repository_damaged' });
});
