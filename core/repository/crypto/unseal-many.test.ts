import { createCipheriv, randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { noise } from '../testing/noise.ts';
import type { MasterKey } from '../types.ts';
import { generateMasterKey } from './master-key.ts';
import { poly1305 } from './poly1305.ts';
import { SEAL_OVERHEAD, seal } from './seal.ts';
import { ManyUnsealer, SMALL_BYTES_MAX } from './unseal-many.ts';

const key = generateMasterKey();

interface Block {
  readonly bytes: Buffer;
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
}

/** One object behind the other, at odd places. */
function blockOf(objects: readonly Uint8Array[]): Block {
  let end = 3;
  const starts = Uint32Array.from(objects, ({ length }) => (end += length + 1) - length);
  const bytes = Buffer.alloc(end);
  for (const [at, object] of objects.entries()) bytes.set(object, starts[at]);
  return { bytes, starts, lengths: Uint32Array.from(objects, ({ length }) => length) };
}

/** All objects, as many at a time as are opened. */
function openAll({ bytes, starts, lengths }: Block): (Buffer | undefined)[] {
  const unsealer = new ManyUnsealer(key);
  const all: (Buffer | undefined)[] = [];
  for (let first = 0; first < starts.length; ) {
    const end = unsealer.open(bytes, starts, lengths, first, starts.length);
    expect(end).toBeGreaterThan(first);
    for (; first < end; first += 1) {
      const opened = unsealer.opened(first);
      all.push(opened && Buffer.from(opened));
    }
  }
  return all;
}

/** As `seal`, by the definition and with an IV of one's choice. */
function sealWith(iv: Buffer, plain: Uint8Array, { encrypt, macK, macR }: MasterKey): Buffer {
  const ciphertext = createCipheriv('aes-256-ctr', encrypt, iv).update(plain);
  const pad = createCipheriv('aes-128-ecb', macK, null).setAutoPadding(false).update(iv);
  return Buffer.concat([iv, ciphertext, poly1305(ciphertext, Buffer.concat([macR, pad]))]);
}

test('small objects of every length and tail open together as they do one by one, in any order', () => {
  const seed = process.env.HOLDFAST_TEST_SEED ?? String(randomInt(2 ** 31));
  console.log(`unseal many seed ${seed}`);
  const longest = SMALL_BYTES_MAX - SEAL_OVERHEAD;
  const lengths = [...Array(130).keys(), longest, 0, longest - 1, 1, ...Array(1500).fill(5), longest, longest, 4096];
  const plains = lengths.map((length, at) => noise(length, `${seed} ${at}`));
  const opened = openAll(blockOf(plains.map((plain) => seal(key, plain))));
  expect(opened).toHaveLength(plains.length);
  for (const [at, plain] of plains.entries()) expect(opened[at]?.equals(plain), `object ${at}`).toBe(true);
});

test('the counter carries through all its bytes and begins again from zero, as OpenSSL’s does', () => {
  const plain = noise(100, 'plain');
  const ends = Array.from({ length: 17 }, (_, zeros) =>
    Buffer.concat([Buffer.alloc(zeros, 0x17), Buffer.alloc(16 - zeros, 0xff)]),
  );
  const near = ends.map((end) => Buffer.from(end).fill(0xfd, 15));
  const ivs = [...ends, ...near];
  const opened = openAll(blockOf(ivs.map((iv) => sealWith(iv, plain, key))));
  for (const [at, iv] of ivs.entries()) expect(opened[at]?.equals(plain), iv.toString('hex')).toBe(true);
});

test('S36: a changed byte anywhere costs that object alone, and nothing of it is decrypted', () => {
  const plains = [noise(33, 'a'), noise(47, 'b'), noise(16, 'c')];
  const sealed = plains.map((plain) => seal(key, plain));
  for (let at = 0; at < sealed[1]!.length; at += 1) {
    const changed = Buffer.from(sealed[1]!);
    changed[at]! ^= 1 << (at % 8);
    const opened = openAll(blockOf([sealed[0]!, changed, sealed[2]!]));
    expect(opened.map((plain) => plain?.toString('hex'))).toEqual([
      plains[0]!.toString('hex'),
      undefined,
      plains[2]!.toString('hex'),
    ]);
  }
});

test('an object that is not small ends what is opened at once, and is left alone', () => {
  const sealed = [noise(10, 'a'), noise(SMALL_BYTES_MAX, 'b'), noise(10, 'c')].map((plain) => seal(key, plain));
  const { bytes, starts, lengths } = blockOf(sealed);
  const unsealer = new ManyUnsealer(key);
  expect(unsealer.open(bytes, starts, lengths, 0, 3)).toBe(1);
  expect(unsealer.open(bytes, starts, lengths, 1, 3)).toBe(1);
  expect(unsealer.open(bytes, starts, lengths, 2, 3)).toBe(3);
  expect(Buffer.from(unsealer.opened(2)!).equals(noise(10, 'c'))).toBe(true);
});
