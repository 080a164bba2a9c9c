import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
// @ts-expect-error the build tool is plain JavaScript
import { assembleWasm } from '../../../tools/build-wasm.mjs';
import { randomPolynomial } from '../format/polynomial.ts';
import { noise } from '../testing/noise.ts';
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, Chunker } from './chunker.ts';

// The cut points are compared with stock restic's in backup/stock-restic.test.ts.

/** Straight from the definition, a bit at a time: the digest of the last 64 bytes, as a polynomial modulo another one. */
function slowCut(data: Uint8Array, polynomial: bigint, from: number): number | undefined {
  const degree = BigInt(polynomial.toString(2).length - 1);
  for (let length = from; length <= data.length; length += 1) {
    let digest = 0n;
    for (const byte of data.subarray(length - 64, length)) {
      for (let bit = 7; bit >= 0; bit -= 1) {
        digest = (digest << 1n) | BigInt((byte >> bit) & 1);
        if (digest >> degree) digest ^= polynomial;
      }
    }
    if ((digest & 0xfffffn) === 0n) return length;
  }
  return undefined;
}

function chunkLengths(chunker: Chunker, data: Uint8Array): number[] {
  const lengths: number[] = [];
  for (let at = 0; at < data.length; at += lengths.at(-1)!) lengths.push(chunker.nextLength(data.subarray(at), true)!);
  return lengths;
}

test.each([
  ['a polynomial as restic makes them', randomPolynomial()],
  ['one of a lower degree', 0x5_8a4f_3c11_2d91n],
])('cuts where the digest of the last 64 bytes ends in 20 zero bits, by %s', (_, polynomial) => {
  console.log(`polynomial ${polynomial.toString(16)}`);
  const chunker = new Chunker(polynomial.toString(16));
  const data = noise(24 * 1024 * 1024, 'definition');
  let start = 0;
  let cuts = 0;
  for (const length of chunkLengths(chunker, data)) {
    if (length < CHUNK_BYTES_MAX && start + length < data.length) {
      cuts += 1;
      // At the cut, and not in the 300 places before it.
      const from = Math.max(CHUNK_BYTES_MIN, length - 300);
      expect(slowCut(data.subarray(start, start + length), polynomial, from)).toBe(length);
    }
    start += length;
  }
  expect(start).toBe(data.length);
  expect(cuts).toBeGreaterThan(3);
});

test('keeps chunks between 512 KiB and 8 MiB, and the last one whatever is left', () => {
  const chunker = new Chunker('3da3358b4dc173');
  // Zeros never give a digest of zero: the leading coefficient of the window's history stays.
  const constant = Buffer.alloc(2 * CHUNK_BYTES_MAX + 100, 0x61);
  const lengths = chunkLengths(chunker, constant);
  for (const length of lengths.slice(0, -1)) {
    expect(length).toBeGreaterThanOrEqual(CHUNK_BYTES_MIN);
    expect(length).toBeLessThanOrEqual(CHUNK_BYTES_MAX);
  }
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(constant.length);
  expect(chunker.nextLength(Buffer.alloc(5), true)).toBe(5);
  expect(chunker.nextLength(Buffer.alloc(5), false)).toBeUndefined();
});

test('sees a cut at every place where regions and blocks that are scanned side by side meet, and the first of several', () => {
  const chunker = new Chunker('3da3358b4dc173');
  const noisy = noise(4 * 1024 * 1024, 'window');
  const cut = chunker.nextLength(noisy, false)!;
  const window = noisy.subarray(cut - 64, cut);
  const plain = Buffer.alloc(CHUNK_BYTES_MIN + 110_000, 0x61);
  expect(chunker.nextLength(plain, false)).toBeUndefined();
  const [region, block] = [2112, 33_792];
  const meetings = Array.from({ length: 18 }, (_, at) => at * region).concat(block, 2 * block, 3 * block);
  const places = [...new Set(meetings.flatMap((at) => [-1, 0, 1, 2, 63, 64, 65, 1000].map((by) => at + by)))]
    .filter((place) => place >= 0)
    .map((place) => CHUNK_BYTES_MIN + place);
  for (const place of places) {
    const data = Buffer.from(plain);
    window.copy(data, place - 64);
    expect(chunker.nextLength(data, false), `a cut after ${place} bytes`).toBe(place);
    // As if the bytes had come in two reads: the second scan begins anywhere before it.
    for (const before of [64, 1000, 40_000])
      if (place - before > CHUNK_BYTES_MIN) expect(chunker.nextLength(data, false, place - before)).toBe(place);
    // Behind the last place that can be a cut of this data, or only there.
    expect(chunker.nextLength(data.subarray(0, place), false)).toBe(place);
    expect(chunker.nextLength(data.subarray(0, place - 1), false)).toBeUndefined();
    // One more, a region later: it is not the first.
    window.copy(data, Math.min(place + region - 10, data.length) - 64);
    expect(chunker.nextLength(data, false)).toBe(place);
  }
});

test('finds the same cuts when the data comes in pieces', () => {
  const seed = String(Math.random());
  console.log(`chunker seed ${seed}`);
  const chunker = new Chunker('3da3358b4dc173');
  const data = noise(12 * 1024 * 1024, seed);
  const whole = chunkLengths(chunker, data);
  const sizes = noise(4096, `${seed} pieces`);
  const pieces: number[] = [];
  let start = 0;
  let scanned = 0;
  let piece = 0;
  for (let end = 0; start < data.length; ) {
    end = Math.min(data.length, end + 1 + sizes.readUInt16LE((piece % 2000) * 2) * 16);
    piece += 1;
    for (;;) {
      if (start === end) break;
      const length = chunker.nextLength(data.subarray(start, end), end === data.length, scanned);
      scanned = length === undefined ? end - start : 0;
      if (length === undefined) break;
      pieces.push(length);
      start += length;
    }
  }
  expect(pieces).toEqual(whole);
});

test('the committed WebAssembly is what its source assembles to', async () => {
  const { path, text } = await assembleWasm('core/repository/chunker/chunker.wat');
  expect(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')).toBe(text);
});
