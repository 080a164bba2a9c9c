import { randomBytes } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { encodePng } from './encode-png.ts';

/** Width, height and pixels of a PNG as this encoder writes it, read by its own rules. */
function decode(png: Uint8Array): { width: number; height: number; rgb: Buffer } {
  const bytes = Buffer.from(png);
  expect(bytes.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a');
  const width = bytes.readUInt32BE(16);
  const height = bytes.readUInt32BE(20);
  const at = bytes.indexOf('IDAT');
  const rows = inflateSync(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at - 4)));
  const pieces = Array.from({ length: height }, (_, row) => {
    const start = row * (width * 3 + 1);
    expect(rows[start]).toBe(0);
    return rows.subarray(start + 1, start + 1 + width * 3);
  });
  return { width, height, rgb: Buffer.concat(pieces) };
}

test('every pixel comes back', () => {
  const rgb = randomBytes(7 * 5 * 3);
  const { png, width, height } = encodePng({ width: 7, height: 5, rgb });
  expect(decode(png)).toEqual({ width, height, rgb });
});
test('what would be too large is shown smaller', () => {
  const rgb = randomBytes(1500 * 1000 * 3);
  const { png, width, height } = encodePng({ width: 1500, height: 1000, rgb });
  expect([width, height]).toEqual([750, 500]);
  expect(png.length).toBeLessThanOrEqual(2 * 1024 * 1024);
  expect(decode(png).rgb.subarray(3, 6)).toEqual(rgb.subarray(6, 9));
});
