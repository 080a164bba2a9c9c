/** Files of real programs are sound; cut, flipped, emptied and encrypted ones are told apart. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import yazl from 'yazl';
import { readFormat } from './read-format.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-formats-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const TEXT = 'All of it is here, and all of it is read. '.repeat(400);
async function read(name: string, bytes: Uint8Array) {
  writeFileSync(path.join(folder, 'file'), bytes);
  return await readFormat(path.join(folder, 'file'), name);
}
async function zip(names: readonly string[]): Promise<Buffer> {
  const archive = new yazl.ZipFile();
  for (const name of names) archive.addBuffer(Buffer.from(TEXT), name);
  archive.end();
  const pieces: Buffer[] = [];
  for await (const piece of archive.outputStream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
function flipped(bytes: Buffer, at = bytes.length >> 1): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 0x10;
  return copy;
}
const cut = (bytes: Buffer): Buffer => bytes.subarray(0, Math.floor(bytes.length * 0.7));

function tar(): Buffer {
  writeFileSync(path.join(folder, 'one.txt'), TEXT);
  writeFileSync(path.join(folder, 'two.txt'), TEXT);
  return execFileSync('tar', ['-cf', '-', '-C', folder, 'one.txt', 'two.txt']);
}

/** Written as a program would: objects, then the table of them, plain or as a compressed stream. */
function pdf(kind: 'table' | 'stream', trailer = ''): Buffer {
  let text = '%PDF-1.7\n';
  const places: number[] = [];
  for (const body of ['<< /Type /Catalog /Pages 2 0 R >>', '<< /Type /Pages /Kids [] /Count 0 >>']) {
    places.push(text.length);
    text += `${places.length} 0 obj\n${body}\nendobj\n`;
  }
  const start = text.length;
  if (kind === 'table') {
    const lines = places.map((place) => `${String(place).padStart(10, '0')} 00000 n \n`).join('');
    text += `xref\n0 3\n0000000000 65535 f \n${lines}trailer\n<< /Size 3 /Root 1 0 R ${trailer}>>\n`;
    return Buffer.from(`${text}startxref\n${start}\n%%EOF\n`, 'latin1');
  }
  const rows = Buffer.alloc(5 * 4);
  [0, ...places].forEach((place, at) => {
    rows[at * 4] = at === 0 ? 0 : 1;
    rows.writeUInt16BE(place, at * 4 + 1);
  });
  const packed = deflateSync(rows.subarray(0, 12));
  const head = `3 0 obj\n<< /Type /XRef /W [1 2 1] /Size 3 /Root 1 0 R /Filter /FlateDecode /Length ${packed.length} ${trailer}>>\nstream\n`;
  return Buffer.concat([
    Buffer.from(text + head, 'latin1'),
    packed,
    Buffer.from(`\nendstream\nendobj\nstartxref\n${start}\n%%EOF\n`, 'latin1'),
  ]);
}

/** The smallest compound file with one part of two sectors. */
function ole(name = 'WordDocument'): Buffer {
  const bytes = Buffer.alloc(512 * 12);
  Buffer.from('d0cf11e0a1b11ae1', 'hex').copy(bytes);
  bytes.writeUInt16LE(0xfffe, 28);
  bytes.writeUInt16LE(9, 30);
  bytes.writeUInt16LE(6, 32);
  bytes.writeUInt32LE(1, 44);
  bytes.writeUInt32LE(1, 48); // directory
  bytes.writeUInt32LE(4096, 56);
  bytes.writeUInt32LE(0xfffffffe, 60);
  bytes.writeUInt32LE(0xfffffffe, 68);
  bytes.fill(0xff, 76, 512);
  bytes.writeUInt32LE(0, 76); // the table of sectors is sector 0
  const fat = 512;
  bytes.fill(0xff, fat, fat + 512);
  bytes.writeUInt32LE(0xfffffffd, fat);
  bytes.writeUInt32LE(0xfffffffe, fat + 4);
  for (let sector = 2; sector < 10; sector++)
    bytes.writeUInt32LE(sector === 9 ? 0xfffffffe : sector + 1, fat + sector * 4);
  const entry = (at: number, label: string, type: number, first: number, size: number): void => {
    const place = 1024 + at * 128;
    bytes.write(label, place, 'utf16le');
    bytes.writeUInt16LE(label.length * 2 + 2, place + 64);
    bytes[place + 66] = type;
    bytes.writeUInt32LE(first, place + 116);
    bytes.writeUInt32LE(size, place + 120);
  };
  entry(0, 'Root Entry', 5, 0xfffffffe, 0);
  entry(1, name, 2, 2, 4096);
  return bytes;
}

describe('sound files are read to their end', () => {
  test.each([
    ['a.zip', async () => await zip(['x.txt', 'y.txt']), 'a zip archive', '2 entries'],
    ['a.docx', async () => await zip(['[Content_Types].xml', 'word/document.xml']), 'a Word document', '2 entries'],
    ['a.tar', () => tar(), 'a tar archive', '2 entries'],
    ['a.tar.gz', () => gzipSync(tar()), 'a tar archive in a file packed by gzip', '2 entries'],
    ['a.sql.zst', () => zstdCompressSync(Buffer.from(TEXT)), 'a file packed by zstd', 'bytes'],
    ['a.pdf', () => pdf('table'), 'a PDF document', '2 objects'],
    ['b.pdf', () => pdf('stream'), 'a PDF document', '2 objects'],
    ['a.doc', () => ole(), 'a Word document of the older kind', '1 parts'],
  ] as const)('%s', async (name, make, format, contents) => {
    const found = await read(name, await make());
    expect(found).toMatchObject({ state: 'sound', format, reason: '' });
    expect(found?.contents).toContain(contents);
  });
  test('by what they are, not by their name; what is none of them is left out', async () => {
    expect(await read('picture.bin', await zip(['x']))).toMatchObject({ state: 'sound' });
    expect(await read('notes.txt', Buffer.from(TEXT))).toBeUndefined();
  });
});

describe('broken files are found', () => {
  test.each([
    ['a.zip', async () => await zip(['x.txt', 'y.txt'])],
    ['a.tar', () => tar()],
    ['a.tar.gz', () => gzipSync(tar())],
    ['a.zst', () => zstdCompressSync(Buffer.from(TEXT))],
    ['a.pdf', () => pdf('table')],
    ['a.doc', () => ole()],
  ] as const)('%s, cut', async (name, make) => {
    expect(await read(name, cut(await make()))).toMatchObject({ state: 'broken' });
  });
  test('a flipped bit in an entry of a zip, in a gzip, in a tar header, and objects that moved in a PDF', async () => {
    const archive = await zip(['x.txt']);
    expect((await read('a.zip', flipped(archive, 60)))?.state).toBe('broken');
    const packed = gzipSync(Buffer.from(TEXT));
    expect((await read('a.gz', flipped(packed, packed.length - 6)))?.state).toBe('broken');
    expect((await read('a.tar', flipped(tar(), 1024 + Math.ceil(TEXT.length / 512) * 512 - 412)))?.state).toBe(
      'broken',
    );
    const moved = pdf('table').toString('latin1').replace('%PDF-1.7\n', '%PDF-1.7\n   ');
    expect((await read('a.pdf', Buffer.from(moved, 'latin1')))?.state).toBe('broken');
    const circle = ole();
    circle.writeUInt32LE(2, 512 + 9 * 4);
    expect((await read('a.doc', circle))?.state).toBe('broken');
  });
  test('a file that is not what its name says', async () => {
    expect(await read('a.pdf', Buffer.from(TEXT))).toMatchObject({
      state: 'broken',
      reason: 'it does not begin like pdf',
    });
  });
});

test('encrypted and empty ones are told apart', async () => {
  const archive = await zip(['x.txt']);
  const directory = archive.lastIndexOf(Buffer.from('PK\u0001\u0002', 'latin1'));
  archive[directory + 8]! |= 1;
  expect(await read('a.zip', archive)).toMatchObject({ state: 'encrypted' });
  expect(await read('a.pdf', pdf('table', '/Encrypt 2 0 R '))).toMatchObject({ state: 'encrypted' });
  expect(await read('a.xls', ole('EncryptedPackage'))).toMatchObject({ state: 'encrypted' });
  expect(await read('a.zip', await zip([]))).toMatchObject({ state: 'empty' });
  expect(await read('a.docx', Buffer.alloc(0))).toMatchObject({ state: 'empty' });
  expect(readFileSync(path.join(folder, 'file')).length).toBe(0);
});
