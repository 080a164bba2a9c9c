import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { noise } from '../testing/noise.ts';
import { compress, decompress, decompressPieces } from './zstd.ts';
import { ZstdContext } from './zstd-context.ts';

const seed = process.env.HOLDFAST_TEST_SEED ?? String(randomInt(2 ** 31));
console.log(`zstd fuzz seed ${seed}`);

/** Numbers below a bound, in the order that the seed decides. */
function numbers(): (below: number) => number {
  const bytes = noise(4 * 200_000, seed);
  let at = 0;
  return (below) => bytes.readUInt32LE((at += 4) % (bytes.length - 4)) % below;
}

function contents(next: (below: number) => number, case_: number): Buffer {
  const size = 1 + next(case_ % 50 === 0 ? 300_000 : 9000);
  return case_ % 3 === 0 ? noise(size, `${seed} ${case_}`) : Buffer.alloc(size, 'abc def gh '.slice(next(8)));
}

const isDamage = expect.objectContaining({ code: 'repository_damaged' });

test('what is compressed comes back, with Node’s own calls too, whatever came before it in the same context', () => {
  const next = numbers();
  for (let case_ = 0; case_ < 3000; case_ += 1) {
    const plain = contents(next, case_);
    const packed = compress(plain);
    expect(zstdDecompressSync(packed).equals(plain), `case ${case_}`).toBe(true);
    expect(decompress(packed, plain.length).equals(plain)).toBe(true);
    expect(decompress(zstdCompressSync(plain), plain.length + next(3)).equals(plain)).toBe(true);
    // Between good ones: a frame that is cut off, one that holds more than it may, one with a wrong bit.
    expect(() => decompress(packed.subarray(0, next(packed.length)), plain.length)).toThrow(isDamage);
    if (plain.length > 1) expect(() => decompress(packed, plain.length - 1)).toThrow(isDamage);
    const hurt = Buffer.from(packed);
    const at = next(hurt.length);
    hurt[at] = hurt[at]! ^ (1 << next(8));
    try {
      // Nothing in a frame without a checksum tells of every wrong bit; the hash of the blob does.
      expect(decompress(hurt, plain.length).length).toBeLessThanOrEqual(plain.length);
    } catch (error) {
      expect(error).toEqual(isDamage);
    }
  }
});

test('in pieces comes the same, or undefined for what is damaged, too long or abandoned, and what follows is not disturbed', () => {
  const next = numbers();
  const joined = (bytes: Uint8Array, bytesMax: number): Buffer | undefined => {
    const pieces: Buffer[] = [];
    for (const piece of decompressPieces(bytes, bytesMax)) {
      if (piece === undefined) return undefined;
      pieces.push(Buffer.from(piece)); // the next one comes in the same memory
    }
    return Buffer.concat(pieces);
  };
  const step = 256 * 1024;
  for (let case_ = 0; case_ < 300; case_ += 1) {
    const size = [step, 2 * step, 3 * step - 1, step + 1][case_] ?? 1 + next(case_ % 10 === 0 ? 3_000_000 : 40_000);
    const plain = case_ % 3 === 0 ? noise(size, `${seed} ${case_}`) : Buffer.alloc(size, `abc ${case_}`);
    for (const packed of [compress(plain), zstdCompressSync(plain)]) {
      expect(joined(packed, size)?.equals(plain), `case ${case_}`).toBe(true);
      expect(joined(packed, size - 1)).toBeUndefined();
      expect(joined(packed.subarray(0, next(packed.length)), size)).toBeUndefined();
      expect(joined(Buffer.concat([packed, packed]), 2 * size)).toBeUndefined();
      const hurt = Buffer.from(packed);
      hurt[next(hurt.length)]! ^= 1 << next(8);
      expect(joined(hurt, size)?.length ?? 0).toBeLessThanOrEqual(size);
      for (const _first of decompressPieces(packed, size)) break;
      expect(decompress(packed, size).equals(plain)).toBe(true);
    }
  }
});

test('a frame that needs as much memory as it has contents is not unpacked in pieces', () => {
  const plain = Buffer.alloc(9 * 1024 * 1024, 'abc');
  const frame = Buffer.from(zstdCompressSync(plain, { pledgedSrcSize: plain.length }));
  const single = Buffer.concat([
    frame.subarray(0, 4),
    Buffer.of(0xa0),
    Buffer.alloc(4),
    frame.subarray(frame[4]! & 0x20 ? 9 : 10),
  ]);
  single.writeUInt32LE(plain.length, 5);
  expect(decompress(single, plain.length).equals(plain)).toBe(true);
  expect([...decompressPieces(single, plain.length)]).toEqual([undefined]);
});

test('the context that is kept is used: a Node that lacks it would only be slow, and nobody would know', () => {
  const plain = Buffer.from('some text some text some text');
  const packed = ZstdContext.forCompression(3).compress(plain);
  expect(packed).toEqual(zstdCompressSync(plain));
  expect(ZstdContext.forDecompression().decompress(packed!, plain.length)).toEqual(plain);
});
