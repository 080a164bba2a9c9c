import { createCipheriv, createHash, randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { loadNativeCounterMode } from '../../base/native/native-counter-mode.ts';
import { counterModeInto, nodeCounterModeInto } from './counter-mode.ts';

const seed = Number(process.env.HOLDFAST_TEST_SEED ?? randomInt(2 ** 31));
const isThere = process.platform === 'linux' && process.arch === 'x64';

function bytesOf(label: string, length: number): Buffer {
  const key = createHash('sha256').update(`${seed} ${label}`).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** What is written, with a border on either side that must stay as it is. */
function written(by: typeof counterModeInto, key: Uint8Array, iv: Uint8Array, input: Uint8Array): Buffer {
  const target = Buffer.alloc(input.length + 6, 0xee);
  by(key, iv, input, target, 3);
  expect([...target.subarray(0, 3), ...target.subarray(-3)]).toEqual(Array(6).fill(0xee));
  return target.subarray(3, -3);
}

test('OpenSSL is asked where the tests run on Linux and x64, so that these tests are about it', () => {
  expect(loadNativeCounterMode() !== undefined).toBe(isThere);
});

test.each([
  ['OpenSSL', loadNativeCounterMode()],
  ['Node in slices', nodeCounterModeInto],
])(
  '%s writes what one call of Node’s cipher gives: every length up to 1100, counters that run over, shared memory',
  (_, by) => {
    if (by === undefined) return expect(isThere).toBe(false);
    const message = Buffer.from(new SharedArrayBuffer(1100));
    bytesOf('message', 1100).copy(message);
    for (let length = 0; length <= 1100; length += 1)
      for (const iv of [bytesOf(`iv ${length}`, 16), Buffer.alloc(16, 0xff)]) {
        const key = bytesOf(`key ${length}`, 32);
        const input = message.subarray(1100 - length);
        const right = createCipheriv('aes-256-ctr', key, iv).update(input);
        expect(written(by, key, iv, input).equals(right), `seed ${seed}, length ${length}`).toBe(true);
      }
  },
);

test('messages stay the same from the first small one to large ones that OpenSSL is asked for, key after key', () => {
  const large = bytesOf('large', 8 * 1024 * 1024 + 13);
  for (let round = 0; round < 4; round += 1)
    for (const length of [0, 16, 1023, 1024, 1025, 65_536, 100_000, large.length]) {
      const [key, iv] = [bytesOf(`key ${round}`, 32), bytesOf(`iv ${length}`, 16)];
      const input = large.subarray(large.length - length);
      const right = createCipheriv('aes-256-ctr', key, iv).update(input);
      expect(written(counterModeInto, key, iv, input).equals(right), `seed ${seed}, length ${length}`).toBe(true);
      expect(written(counterModeInto, key, iv, right).equals(input)).toBe(true);
    }
});

test.each([
  ['a room that is too short', 32, 16, 1],
  ['a key that is too short', 31, 16, 0],
  ['a counter that is too short', 32, 15, 0],
])('%s is refused before a byte is written', (_, keyBytes, ivBytes, offset) => {
  const native = loadNativeCounterMode();
  if (native === undefined) return expect(isThere).toBe(false);
  const target = Buffer.alloc(2048, 0xee);
  const input = Buffer.alloc(2048);
  expect(() => native(bytesOf('key', keyBytes), bytesOf('iv', ivBytes), input, target, offset)).toThrow(RangeError);
  expect(target.every((byte) => byte === 0xee)).toBe(true);
});
