/**
 * A picture that somebody uploaded becomes one that can be printed: PNG or JPEG alone, for an SVG is a program; of bounded size;
 * and only those of its parts that make the picture, so that neither a place nor a name that a camera wrote goes to customers.
 */
import { crc32, inflateSync } from 'node:zlib';
import { HoldfastError } from '../../base/errors.ts';
import { LOGO_BYTES_MAX } from './brand.ts';

export const LOGO_SIDE_MAX = 1200;
const SIDE_MIN = 8;
const PNG_HEAD = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** What a picture is made of; all else in the file is about it. */
const PNG_PARTS = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']);
/** Samples of a pixel, by colour type. */
const PNG_SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

export interface Logo {
  readonly kind: 'png' | 'jpeg';
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** @throws HoldfastError bad_request. */
export function cleanLogo(file: Uint8Array): Logo {
  if (file.length > LOGO_BYTES_MAX)
    throw refused(`The file is larger than ${LOGO_BYTES_MAX / 1024} kB. Save the logo smaller.`);
  const logo = PNG_HEAD.every((byte, at) => file[at] === byte)
    ? cleanPng(file)
    : file[0] === 0xff && file[1] === 0xd8
      ? cleanJpeg(file)
      : undefined;
  if (logo === undefined) throw refused('A logo is a PNG or a JPEG file.');
  const { width, height } = logo;
  if (width > LOGO_SIDE_MAX || height > LOGO_SIDE_MAX || width < SIDE_MIN || height < SIDE_MIN)
    throw refused(
      `The picture has ${width} × ${height} pixels; each side may have from ${SIDE_MIN} to ${LOGO_SIDE_MAX}. Save it in another size.`,
    );
  return logo;
}

function cleanPng(file: Uint8Array): Logo {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const kept: Uint8Array[] = [Uint8Array.from(PNG_HEAD)];
  const pixels: Uint8Array[] = [];
  let head: { width: number; height: number; lineBytes: number } | undefined;
  let type = '';
  for (let at = PNG_HEAD.length; type !== 'IEND'; ) {
    if (at + 12 > file.length) throw broken();
    const length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > file.length) throw broken();
    type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    const body = file.subarray(at + 8, at + 8 + length);
    if (crc32(file.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) throw broken();
    if ((head === undefined) !== (type === 'IHDR')) throw broken();
    if (type === 'IHDR') head = readPngHead(body);
    if (type === 'IDAT') pixels.push(body);
    if (PNG_PARTS.has(type)) kept.push(file.subarray(at, end));
    at = end;
  }
  const { width, height, lineBytes } = head!;
  let raw: Uint8Array;
  try {
    // Bounded by what the head promised, so that a small file cannot fill the memory.
    raw = inflateSync(Buffer.concat(pixels), { maxOutputLength: lineBytes * height + 1 });
  } catch (cause) {
    throw broken(cause);
  }
  if (raw.length !== lineBytes * height) throw broken();
  return { kind: 'png', width, height, bytes: joined(kept) };
}

function readPngHead(body: Uint8Array): { width: number; height: number; lineBytes: number } {
  if (body.length !== 13) throw broken();
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const [width, height, depth, colour, interlace] = [
    view.getUint32(0),
    view.getUint32(4),
    body[8]!,
    body[9]!,
    body[12]!,
  ];
  const samples = PNG_SAMPLES[colour];
  if (samples === undefined || depth !== 8 || interlace !== 0)
    throw refused('This kind of PNG cannot be printed. Save it with 8 bits a colour and without interlacing.');
  // Before any memory is taken for it.
  if (width > LOGO_SIDE_MAX || height > LOGO_SIDE_MAX)
    throw refused(`Each side of the picture may have ${LOGO_SIDE_MAX} pixels at most. Save it smaller.`);
  return { width, height, lineBytes: 1 + width * samples };
}

/** Segments before the scan are walked; what a camera or a program wrote about the picture is left out. */
function cleanJpeg(file: Uint8Array): Logo {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const kept: Uint8Array[] = [file.subarray(0, 2)];
  let size: { width: number; height: number } | undefined;
  for (let at = 2; ; ) {
    if (at + 4 > file.length || file[at] !== 0xff) throw broken();
    const marker = file[at + 1]!;
    const end = at + 2 + view.getUint16(at + 2);
    if (end > file.length || end < at + 4) throw broken();
    if (marker === 0xda) {
      if (size === undefined || file.at(-2) !== 0xff || file.at(-1) !== 0xd9) throw broken();
      kept.push(file.subarray(at));
      return { kind: 'jpeg', ...size, bytes: joined(kept) };
    }
    // Baseline and progressive; the others are kinds that no reader of PDF must know.
    if (marker === 0xc0 || marker === 0xc2) {
      if (end - at < 10 || file[at + 4] !== 8) throw broken();
      if (file[at + 9] !== 1 && file[at + 9] !== 3)
        throw refused('This JPEG has the colours of a printing press. Save it in RGB.');
      size = { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    } else if ((marker >= 0xc1 && marker <= 0xcf && marker !== 0xc4) || marker < 0xc0)
      throw refused('This kind of JPEG cannot be printed. Save it as an ordinary one.');
    const isAbout = (marker >= 0xe0 && marker <= 0xef) || marker === 0xfe;
    if (!isAbout) kept.push(file.subarray(at, end));
    at = end;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const refused = (message: string): HoldfastError => new HoldfastError('bad_request', message);
const broken = (cause?: unknown): HoldfastError =>
  new HoldfastError('bad_request', 'The file is no whole picture. Save the logo again and choose it once more.', {
    ...(cause === undefined ? {} : { cause }),
  });
