import { constants, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { noise } from '../../testing/noise.ts';
import { decodeFrames } from './frame-decoder.ts';
import { xxh64 } from './xxh64.ts';

const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const text = Buffer.from('a line of text that comes again and again, with small changes: '.repeat(400));
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** RFC 8878, appendix B: frames that are spelled out by hand. */
test('an empty frame, a raw block, a run and a frame to be skipped are read as the standard spells them', () => {
  const frame = (...bytes: number[]) => Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, ...bytes);
  expect(decodeFrames(frame(0x20, 0x00, 0x01, 0x00, 0x00), 10)).toHaveLength(0);
  expect([...decodeFrames(frame(0x20, 0x03, 0x19, 0x00, 0x00, 1, 2, 3), 10)]).toEqual([1, 2, 3]);
  expect([...decodeFrames(frame(0x20, 0x04, 0x23, 0x00, 0x00, 7), 10)]).toEqual([7, 7, 7, 7]);
  const skipped = Buffer.concat([Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9), zstdCompressSync(text)]);
  expect(same(decodeFrames(skipped, text.length), text)).toBe(true);
});

test('several frames are one text, each with a beginning of its own', () => {
  const frames = Buffer.concat([
    zstdCompressSync(text),
    zstdCompressSync(Buffer.alloc(0)),
    zstdCompressSync(text, checked),
  ]);
  expect(same(decodeFrames(frames, text.length * 2), Buffer.concat([text, text]))).toBe(true);
  const empty = Buffer.concat(Array.from({ length: 257 }, () => zstdCompressSync(Buffer.alloc(0))));
  expect(() => decodeFrames(empty, 10)).toThrow('too many frames');
});

test('a frame never unpacks to more than the caller allows, and takes no memory for what it only claims', () => {
  const bomb = zstdCompressSync(Buffer.alloc(40_000_000));
  expect(bomb.length).toBeLessThan(5000);
  expect(() => decodeFrames(bomb, 1_000_000)).toThrow('more than it may be');
  // Without a size in its header it shows while it grows.
  const nameless = zstdCompressSync(Buffer.alloc(40_000_000), { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } });
  expect(() => decodeFrames(nameless, 1_000_000)).toThrow('more than it may be');
  const before = process.memoryUsage().arrayBuffers;
  const claims = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0, 0x01, 0x00, 0x00);
  expect(() => decodeFrames(claims, 256 * 1024 * 1024)).toThrow('more than it may be');
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
});

test('a wrong checksum, a wrong size and bytes behind the last frame are refused', () => {
  const good = zstdCompressSync(text, checked);
  expect(same(decodeFrames(good, text.length), text)).toBe(true);
  const bad = Buffer.from(good);
  bad[bad.length - 1]! ^= 1;
  expect(() => decodeFrames(bad, text.length)).toThrow('another checksum');
  expect(() => decodeFrames(Buffer.concat([good, Uint8Array.of(0)]), text.length)).toThrow();
  expect(() => decodeFrames(new Uint8Array(0), 10)).toThrow();
  expect(() => decodeFrames(zstdCompressSync(text, checked).subarray(0, -1), text.length)).toThrow('cut off');
});

test('XXH64 is what its authors print', () => {
  expect(xxh64(new Uint8Array(0))).toBe(0xef46_db37_51d8_e999n);
  expect(xxh64(Buffer.from('a'))).toBe(0xd24e_c4f1_a98c_6e5bn);
  expect(xxh64(Buffer.from('abc'))).toBe(0x44bc_2cf5_ad77_0999n);
});

test('blocks that refer to the tables, the tree and the offsets of earlier blocks are read, at every level', () => {
  // Long enough for many blocks, alike enough for treeless literals and repeated tables.
  const words = noise(300_000, 'words')
    .toString('base64')
    .match(/.{1,7}/g)!;
  const long = Buffer.from(Array.from({ length: 90_000 }, (_, at) => words[(at * 7919) % 500]).join(' '));
  for (const level of [-5, 1, 3, 9, 19]) {
    const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
    expect(same(decodeFrames(zstdCompressSync(long, { params }), long.length), long), `level ${level}`).toBe(true);
  }
});
