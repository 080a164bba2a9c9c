import { crc32, deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../drills.ts';
import { brandTerms, LOGO_BYTES_MAX } from './brand.ts';
import { cleanLogo, LOGO_SIDE_MAX } from './clean-logo.ts';

const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const HEAD = Buffer.from('89504e470d0a1a0a', 'hex');

function part(type: string, body: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

function head(width: number, height: number, { depth = 8, colour = 2, interlace = 0 } = {}): Buffer {
  const body = Buffer.alloc(13);
  body.writeUInt32BE(width, 0);
  body.writeUInt32BE(height, 4);
  body.set([depth, colour, 0, 0, interlace], 8);
  return part('IHDR', body);
}

function png(width = 16, height = 9, extra: readonly Buffer[] = [], pixels?: Buffer): Buffer {
  const raw = pixels ?? Buffer.alloc((1 + width * 3) * height, 7);
  return Buffer.concat([
    HEAD,
    head(width, height),
    ...extra,
    part('IDAT', deflateSync(raw)),
    part('IEND', Buffer.alloc(0)),
  ]);
}

const segment = (marker: number, body: readonly number[]): Buffer =>
  Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255, ...body]);

function jpeg({ width = 16, height = 9, samples = 3, marker = 0xc0, extra = Buffer.alloc(0) } = {}): Buffer {
  const frame = [8, height >> 8, height & 255, width >> 8, width & 255, samples, ...Array<number>(samples * 3).fill(1)];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    extra,
    segment(marker, frame),
    segment(0xda, [1, 1, 0, 0, 63, 0]),
    Buffer.from([1, 2, 3, 0xff, 0xd9]),
  ]);
}

describe('a logo', () => {
  test('keeps what makes the picture and loses what was written about it', () => {
    const text = part('tEXt', Buffer.from('Comment\0taken at home, by Ada'));
    const dirty = Buffer.concat([png(16, 9, [text]), Buffer.from('and after its end a program')]);
    const { bytes, ...facts } = cleanLogo(dirty);
    expect(facts).toEqual({ kind: 'png', width: 16, height: 9 });
    expect(Buffer.from(bytes).equals(png())).toBe(true);
    const exif = segment(0xe1, [...Buffer.from('Exif\0\0 59.3293 N 18.0686 E')]);
    const comment = segment(0xfe, [...Buffer.from('by Ada')]);
    const photo = cleanLogo(jpeg({ extra: Buffer.concat([exif, comment]) }));
    expect(photo).toMatchObject({ kind: 'jpeg', width: 16, height: 9 });
    expect(Buffer.from(photo.bytes).equals(jpeg())).toBe(true);
    // Cleaning twice changes nothing.
    expect(cleanLogo(bytes).bytes).toEqual(bytes);
  });

  test.each([
    [
      'a drawing that is a program',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
    ],
    ['a GIF', Buffer.from('GIF89a0000')],
    ['a page', Buffer.from('<!doctype html><script>1</script>')],
    ['nothing', Buffer.alloc(0)],
    ['the beginning of a PNG', HEAD],
    ['a PNG that ends early', png().subarray(0, -8)],
    ['a PNG with a changed byte', Buffer.from(png().map((byte, at) => (at === 45 ? byte ^ 1 : byte)))],
    ['a PNG of too many pixels', png(LOGO_SIDE_MAX + 1, 9)],
    ['a PNG that promises more than it has', png(64, 64, [], Buffer.alloc(10))],
    ['a PNG that unpacks to more than it promises', png(16, 9, [], Buffer.alloc(5_000_000))],
    ['two heads', png(16, 9, [head(4000, 4000)])],
    ['16 bits a colour', Buffer.concat([HEAD, head(16, 9, { depth: 16 }), part('IEND', Buffer.alloc(0))])],
    ['an interlaced one', Buffer.concat([HEAD, head(16, 9, { interlace: 1 }), part('IEND', Buffer.alloc(0))])],
    ['a picture of a point', png(1, 1)],
    ['the colours of a press', jpeg({ samples: 4 })],
    ['an arithmetic JPEG', jpeg({ marker: 0xc9 })],
    ['a lossless JPEG', jpeg({ marker: 0xc3 })],
    ['a JPEG of too many pixels', jpeg({ width: 5000 })],
    ['a JPEG that ends early', jpeg().subarray(0, -1)],
    ['a JPEG with another file behind it', Buffer.concat([jpeg(), Buffer.from('PK\u0003\u0004')])],
    [
      'a JPEG without a frame',
      Buffer.concat([Buffer.from([0xff, 0xd8]), segment(0xda, [1]), Buffer.from([0xff, 0xd9])]),
    ],
    ['a file that is too large', Buffer.concat([png(), Buffer.alloc(LOGO_BYTES_MAX)])],
  ])('is refused when it is %s', (_, file) => {
    expect(() => cleanLogo(file)).toThrowError(expect.objectContaining({ code: 'bad_request' }) as Error);
  });

  test(`of broken bytes is refused or whole, and never anything else (seed ${seed})`, () => {
    const random = seededRandom(`logo/${seed}`);
    for (let run = 0; run < 400; run++) {
      const file = Buffer.from(run % 2 === 0 ? png() : jpeg());
      for (let change = 0; change <= run % 5; change++)
        file[Math.floor(random() * file.length)] = Math.floor(random() * 256);
      const cut = run % 7 === 0 ? file.subarray(0, Math.floor(random() * file.length)) : file;
      try {
        expect(cleanLogo(cut).width).toBeLessThanOrEqual(LOGO_SIDE_MAX);
      } catch (error) {
        expect(error).toMatchObject({ code: 'bad_request' });
      }
    }
  });
});

describe('the look of a report', () => {
  const terms = { name: 'Northgate', accent: '#2749ad', footer: '', contact: '', paper: 'A4' };
  test('is refused where nobody could read it', () => {
    expect(brandTerms.safeParse(terms).success).toBe(true);
    for (const accent of ['#ffffff', '#ffff00', '#f5c6d0', '2749ad', '#2749AD', 'red', '#2749ad;}'])
      expect(brandTerms.safeParse({ ...terms, accent }).success).toBe(false);
  });
  test('has names of one line that turn nothing around', () => {
    for (const name of ['', '   ', 'a\nb', 'a\u202eb', 'a\u0000b', 'a\u2028b', 'x'.repeat(101)])
      expect(brandTerms.safeParse({ ...terms, name }).success).toBe(false);
    expect(brandTerms.parse({ ...terms, name: ' Müller & Söhne ' }).name).toBe('Müller & Söhne');
  });
});
