import { randomInt } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { noise } from '../../testing/noise.ts';
import { decodeFrames } from './frame-decoder.ts';

const seed = process.env.HOLDFAST_TEST_SEED ?? String(randomInt(2 ** 31));
console.log(`zstd decoder seed ${seed}`);

function numbers(): (below: number) => number {
  const bytes = noise(4 * 200_000, seed);
  let at = 0;
  return (below) => bytes.readUInt32LE((at += 4) % (bytes.length - 4)) % below;
}

/** Text of few words, counters, noise, runs, and all of them one after the other: each uses other parts of the format. */
function contents(next: (below: number) => number, case_: number): Buffer {
  const size = next(case_ % 40 === 0 ? 600_000 : 20_000);
  const piece = (bytes: number): Buffer => {
    switch (next(5)) {
      case 0:
        return noise(bytes, `${seed} ${case_} ${next(1000)}`);
      case 1:
        return Buffer.alloc(bytes, 'abc def gh '.slice(next(8)));
      case 2: {
        const alphabet = 1 + next(60);
        return Buffer.from(noise(bytes, `${case_}`).map((byte) => 32 + (Math.min(byte, next(256)) % alphabet)));
      }
      case 3:
        return Buffer.from(
          Array.from({ length: bytes }, (_, at) => `${at + case_}\n`)
            .join('')
            .slice(0, bytes),
        );
      default:
        return Buffer.from(Uint32Array.from({ length: bytes >> 2 }, (_, at) => at * next(9)).buffer);
    }
  };
  const pieces: Buffer[] = [];
  for (let left = size; left > 0; ) {
    const bytes = Math.min(left, 1 + next(size));
    pieces.push(piece(bytes));
    left -= bytes;
  }
  return Buffer.concat(pieces);
}

test('whatever zstd packs, at any level, with any of its options, comes back as it was', () => {
  const next = numbers();
  for (let case_ = 0; case_ < 700; case_ += 1) {
    const plain = contents(next, case_);
    const params = {
      [constants.ZSTD_c_compressionLevel]: next(case_ % 40 === 0 ? 6 : 23) - 4,
      [constants.ZSTD_c_checksumFlag]: next(2),
      [constants.ZSTD_c_contentSizeFlag]: next(2),
      [constants.ZSTD_c_strategy]: next(10),
    };
    const packed = zstdCompressSync(plain, { params });
    const found = decodeFrames(packed, plain.length);
    expect(Buffer.compare(found, plain), `case ${case_}`).toBe(0);
  }
});

test('a frame that is cut off or hurt ends in an error or in bytes within the bound, and soon', () => {
  const next = numbers();
  for (let case_ = 0; case_ < 2000; case_ += 1) {
    const plain = contents(next, 1 + (case_ % 39)).subarray(0, 4000);
    const packed = zstdCompressSync(plain, { params: { [constants.ZSTD_c_compressionLevel]: 1 + next(19) } });
    const hurt = Buffer.from(packed);
    for (let wounds = 1 + next(3); wounds > 0; wounds -= 1) hurt[next(hurt.length)] = next(256);
    const given = next(4) === 0 ? packed.subarray(0, next(packed.length)) : hurt;
    try {
      expect(decodeFrames(given, plain.length).length).toBeLessThanOrEqual(plain.length);
    } catch (error) {
      // A sentence of ours: no index out of bounds, no invalid array length.
      expect((error as Error).constructor, `case ${case_}`).toBe(Error);
      expect((error as Error).message).toMatch(/^[a-z]/);
    }
  }
});
