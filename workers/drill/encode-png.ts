import { crc32, deflateSync } from 'node:zlib';
import type { Picture } from '../sandbox/system/picture.ts';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Larger ones are shown at half the size, and half of that. */
const BYTES_MAX = 2 * 1024 * 1024;

export interface EncodedPicture {
  readonly png: Uint8Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

/** A PNG of true colours. Made here, from pixels alone: what a sandbox says is a picture is not handed on to a browser. */
export function encodePng(picture: Picture): EncodedPicture {
  for (let shown = picture; ; shown = halved(shown)) {
    const png = encode(shown);
    if (png.length <= BYTES_MAX) return { png, width: shown.width, height: shown.height };
  }
}

function encode({ width, height, rgb }: Picture): Uint8Array<ArrayBuffer> {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8); // 8 bits a colour, three colours, deflate, the usual filters, not interlaced
  const rows = Buffer.alloc((width * 3 + 1) * height);
  // Each row begins with its filter: 0, none. What screens show repeats itself, which deflate finds by itself.
  for (let row = 0; row < height; row++)
    rows.set(rgb.subarray(row * width * 3, (row + 1) * width * 3), row * (width * 3 + 1) + 1);
  const parts = [chunk('IHDR', head), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))];
  return Uint8Array.from(Buffer.concat([SIGNATURE, ...parts]));
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([frame.subarray(0, 4), named, frame.subarray(4)]);
}

/** Every second pixel of every second row. */
function halved({ width, height, rgb }: Picture): Picture {
  const half = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
  const pixels = new Uint8Array(half.width * half.height * 3);
  for (let row = 0; row < half.height; row++)
    for (let column = 0; column < half.width; column++) {
      const from = (row * 2 * width + column * 2) * 3;
      pixels.set(rgb.subarray(from, from + 3), (row * half.width + column) * 3);
    }
  return { ...half, rgb: pixels };
}
