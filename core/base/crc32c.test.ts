import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
// @ts-expect-error: a plain script without types.
import { assembleWasm } from '../../tools/build-wasm.mjs';
import { Crc32c, crc32c, crc32cBase64 } from './crc32c.ts';

/** One bit at a time, straight from the definition: the oracle. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

test('gives the published vectors', () => {
  // RFC 3720 (iSCSI) appendix B.4, and the check value of the CRC catalogue.
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at))).toBe(0x46dd794e);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, at) => 31 - at))).toBe(0x113fdb5c);
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(0))).toBe(0);
});

test('gives the base64 form of Google Cloud Storage', () => {
  expect(crc32cBase64(new Uint8Array(0))).toBe('AAAAAA==');
  expect(crc32cBase64(Buffer.from('123456789'))).toBe('4waSgw==');
});

test('equals the definition where the bytes outgrow one window', () => {
  const bytes = Uint8Array.from({ length: 3 * 65_536 + 13 }, (_, at) => (at * 2654435761) >>> 24);
  for (const length of [65_535, 65_536, 65_537, 131_072, bytes.length])
    expect(crc32c(bytes.subarray(0, length)), `length ${length}`).toBe(slowCrc32c(bytes.subarray(0, length)));
});

test('the committed WebAssembly is what its source assembles to', async () => {
  const { path, text } = await assembleWasm('core/base/crc32c.wat');
  expect(await readFile(join(import.meta.dirname, '..', '..', path), 'utf8')).toBe(text);
});

test('equals the definition for every length, alignment and split', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`crc32c seed ${seed}`);
  let state = seed | 1;
  const random = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const source = Uint8Array.from({ length: 700 }, () => random());
  for (let length = 0; length < 300; length++) {
    const offset = random() % 9;
    const bytes = source.subarray(offset, offset + length);
    const expected = slowCrc32c(bytes);
    expect(crc32c(bytes), `length ${length} at offset ${offset}`).toBe(expected);
    const cut = length === 0 ? 0 : random() % length;
    expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(expected);
    const pieces = new Crc32c().update(bytes.subarray(0, cut)).update(new Uint8Array(0)).update(bytes.subarray(cut));
    expect(pieces.value()).toBe(expected);
    expect(pieces.base64()).toBe(crc32cBase64(bytes));
  }
});
