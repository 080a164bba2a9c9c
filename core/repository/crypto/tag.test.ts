import { createHash, randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { loadNativePoly1305 } from '../../base/native/native-poly1305.ts';
import { poly1305Into } from './poly1305.ts';
import { tagInto } from './tag.ts';

const seed = Number(process.env.HOLDFAST_TEST_SEED ?? randomInt(2 ** 31));
const isThere = process.platform === 'linux' && process.arch === 'x64';

function bytesOf(label: string, length: number): Buffer {
  const pieces = Array.from({ length: Math.ceil(length / 32) }, (_, at) =>
    createHash('sha256').update(`${seed} ${label} ${at}`).digest(),
  );
  return Buffer.concat(pieces).subarray(0, length);
}

function tagOf(by: typeof poly1305Into, message: Uint8Array, r: Uint8Array, s: Uint8Array): string {
  const target = Buffer.alloc(20, 0xee);
  by(message, r, s, target, 2);
  expect([target[0], target[1], target[18], target[19]]).toEqual([0xee, 0xee, 0xee, 0xee]);
  return target.toString('hex', 2, 18);
}

test('OpenSSL is asked where the tests run on Linux and x64, so that these tests are about it', () => {
  expect(loadNativePoly1305() !== undefined).toBe(isThere);
});

test('OpenSSL and WebAssembly give the same tag: every length up to 1100, limbs full of ones, unclamped keys', () => {
  const native = loadNativePoly1305();
  if (native === undefined) return expect(isThere).toBe(false);
  const ones = Buffer.alloc(1100, 0xff);
  const noise = bytesOf('message', 1100);
  for (let length = 0; length <= 1100; length += 1)
    for (const message of [ones.subarray(0, length), noise.subarray(1100 - length)])
      for (const [r, s] of [
        [ones.subarray(0, 16), ones.subarray(0, 16)],
        [bytesOf(`r ${length}`, 16), bytesOf(`s ${length}`, 16)],
      ] as const)
        expect(tagOf(native, message, r, s), `seed ${seed}, length ${length}`).toBe(tagOf(poly1305Into, message, r, s));
});

test('tags stay the same from the first small message to large ones that OpenSSL is asked for', () => {
  const [r, s] = [bytesOf('r', 16), bytesOf('s', 16)];
  const large = Buffer.alloc(8 * 1024 * 1024 + 13, bytesOf('large', 4096));
  for (let round = 0; round < 4; round += 1)
    for (const length of [0, 16, 1023, 1024, 1025, 100_000, large.length]) {
      const message = large.subarray(0, length);
      expect(tagOf(tagInto, message, r, s), `round ${round}, length ${length}`).toBe(
        tagOf(poly1305Into, message, r, s),
      );
    }
});
