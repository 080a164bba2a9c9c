import { createCipheriv, randomFillSync, randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { noise } from '../testing/noise.ts';
import { generateMasterKey } from './master-key.ts';
import { poly1305 } from './poly1305.ts';
import { unseal } from './seal.ts';
import { ManySealer } from './seal-many.ts';
import { IV_BYTES, SEAL_OVERHEAD } from './sealed-form.ts';
import { SMALL_BYTES_MAX } from './unseal-many.ts';

const key = generateMasterKey();

/** Seals all, each at an odd place; what lies between the objects must stay as it is. */
function sealAll(plains: readonly Uint8Array[], sealer = new ManySealer(key)): Buffer[] {
  let end = 3;
  const lengths = Uint32Array.from(plains, ({ length }) => length + SEAL_OVERHEAD);
  const starts = lengths.map((length) => (end += length + 1) - length);
  const bytes = Buffer.alloc(end + 1, 0xa5);
  for (const [at, plain] of plains.entries()) bytes.set(plain, starts[at]! + IV_BYTES);
  for (let first = 0; first < plains.length; ) {
    const next = sealer.seal(bytes, starts, lengths, first, plains.length);
    expect(next).toBeGreaterThan(first);
    first = next;
  }
  for (const start of starts) expect(bytes[start - 1]).toBe(0xa5);
  expect(bytes[end]).toBe(0xa5);
  return plains.map((_, at) => bytes.subarray(starts[at], starts[at]! + lengths[at]!));
}

test('small objects of every length that are sealed together open one by one, each with an IV of its own', () => {
  const seed = process.env.HOLDFAST_TEST_SEED ?? String(randomInt(2 ** 31));
  console.log(`seal many seed ${seed}`);
  const longest = SMALL_BYTES_MAX - SEAL_OVERHEAD;
  const lengths = [...Array(130).keys(), longest, 0, longest - 1, 1, ...Array(1500).fill(5), longest, longest, 4096];
  const plains = lengths.map((length, at) => noise(length, `${seed} ${at}`));
  const sealed = sealAll(plains);
  for (const [at, plain] of plains.entries()) expect(unseal(key, sealed[at]!).equals(plain), `object ${at}`).toBe(true);
  expect(new Set(sealed.map((bytes) => bytes.toString('hex', 0, IV_BYTES))).size).toBe(plains.length);
});

test('with a given IV the bytes are those of the definition, through every carry of the counter', () => {
  const plain = noise(100, 'plain');
  for (let zeros = 0; zeros <= IV_BYTES; zeros += 1) {
    const iv = Buffer.concat([Buffer.alloc(zeros, 0x17), Buffer.alloc(IV_BYTES - zeros, 0xff)]);
    const sealer = new ManySealer(key, (target) => target.set(iv));
    const ciphertext = createCipheriv('aes-256-ctr', key.encrypt, iv).update(plain);
    const pad = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false).update(iv);
    const tag = poly1305(ciphertext, Buffer.concat([key.macR, pad]));
    expect(sealAll([plain], sealer)[0]!.toString('hex')).toBe(Buffer.concat([iv, ciphertext, tag]).toString('hex'));
  }
});

test('an IV of zeros, which restic refuses, is drawn again', () => {
  let draws = 0;
  const sealer = new ManySealer(key, (target) => {
    draws += 1;
    if (draws === 1) target.fill(0);
    else randomFillSync(target);
  });
  const plains = [noise(40, 'a'), noise(50, 'b')];
  for (const [at, bytes] of sealAll(plains, sealer).entries()) {
    expect(bytes.subarray(0, IV_BYTES).some((byte) => byte !== 0)).toBe(true);
    expect(unseal(key, bytes).equals(plains[at]!)).toBe(true);
  }
});
