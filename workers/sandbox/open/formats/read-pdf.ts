/**
 * PDF: its end, the table of objects that the end names (and those before it), and for each object in use that it begins
 * where the table says. Pages are not drawn.
 */
import { inflateSync } from 'node:zlib';
import type { FileReader } from './file-reader.ts';
import { BrokenFormat, ENTRIES_MAX, type FormatFinding } from './finding.ts';

const TAIL_BYTES = 4096;
/** A table, or a compressed stream of one. */
const TABLE_BYTES_MAX = 64 * 1024 * 1024;
const HEAD_BYTES = 64 * 1024;
const TABLES_MAX = 1000;

interface Table {
  readonly objects: readonly { readonly number: number; readonly offset: number }[];
  /** The dictionary as text. */
  readonly trailer: string;
}

export function readPdf(file: FileReader): FormatFinding {
  const tail = file.tail(TAIL_BYTES).toString('latin1');
  const end = tail.lastIndexOf('%%EOF');
  if (end < 0) throw new BrokenFormat('its end is missing: the file was cut off');
  const start = /startxref\s+(\d+)\s*$/.exec(tail.slice(0, end));
  if (start === null) throw new BrokenFormat('it does not say where its table of objects is');
  // Some writers put bytes before the header; offsets count from there.
  const shift = Math.max(0, file.read(0, Math.min(1024, file.size)).toString('latin1').indexOf('%PDF-'));
  const seen = new Set<number>();
  const found = new Map<number, number>();
  let trailers = '';
  for (let next: number | undefined = Number(start[1]); next !== undefined && !seen.has(next); ) {
    seen.add(next);
    if (seen.size > TABLES_MAX) throw new BrokenFormat('its tables of objects never end');
    const table = readTable(file, next + shift);
    trailers += `${table.trailer}\n`;
    for (const { number, offset } of table.objects) if (!found.has(number)) found.set(number, offset);
    const hybrid = /\/XRefStm\s+(\d+)/.exec(table.trailer);
    if (hybrid !== null && !seen.has(Number(hybrid[1]))) {
      seen.add(Number(hybrid[1]));
      for (const { number, offset } of readTable(file, Number(hybrid[1]) + shift).objects)
        if (!found.has(number)) found.set(number, offset);
    }
    const previous = /\/Prev\s+(\d+)/.exec(table.trailer);
    next = previous === null ? undefined : Number(previous[1]);
  }
  if (!/\/Root\s+\d+\s+\d+\s+R/.test(trailers)) throw new BrokenFormat('it does not name its first object');
  for (const [number, offset] of found) assertObject(file, number, offset + shift);
  const contents = `${found.size} objects, ${file.size.toLocaleString('en')} bytes`;
  const format = 'a PDF document';
  if (/\/Encrypt\b/.test(trailers)) return { format, state: 'encrypted', contents, reason: 'it is encrypted' };
  if (found.size === 0) return { format, state: 'empty', contents, reason: 'it holds no object' };
  return { format, state: 'sound', contents, reason: '' };
}

function assertObject(file: FileReader, number: number, offset: number): void {
  const text = file.read(offset, Math.min(32, Math.max(0, file.size - offset))).toString('latin1');
  if (Number(/^\s*(\d+)\s+\d+\s+obj\b/.exec(text)?.[1] ?? -1) !== number)
    throw new BrokenFormat(`object ${number} is not at byte ${offset}, where its table says`);
}

function readTable(file: FileReader, offset: number): Table {
  const head = file.read(offset, Math.min(HEAD_BYTES, Math.max(0, file.size - offset))).toString('latin1');
  return /^\s*xref\b/.test(head) ? readPlainTable(file, offset) : readStreamTable(file, offset, head);
}

/** Sections of lines of twenty bytes, then the trailer. */
function readPlainTable(file: FileReader, offset: number): Table {
  const text = file.read(offset, Math.min(TABLE_BYTES_MAX, file.size - offset)).toString('latin1');
  const objects: { number: number; offset: number }[] = [];
  const section = /\s*(?:xref\s+)?(\d+)\s+(\d+)\s*?\r?\n?/y;
  for (;;) {
    const head = section.exec(text);
    if (head === null) break;
    const [first, count] = [Number(head[1]), Number(head[2])];
    if (objects.length + count > ENTRIES_MAX * 10) throw new BrokenFormat('its table of objects is impossibly long');
    const line = /\s*(\d{10}) (\d{5}) ([nf])/y;
    line.lastIndex = section.lastIndex;
    for (let at = 0; at < count; at++) {
      const entry = line.exec(text);
      if (entry === null) throw new BrokenFormat(`its table of objects breaks off at object ${first + at}`);
      if (entry[3] === 'n') objects.push({ number: first + at, offset: Number(entry[1]) });
      section.lastIndex = line.lastIndex;
    }
  }
  const at = text.indexOf('trailer', section.lastIndex);
  const until = text.indexOf('startxref', at);
  if (at < 0) throw new BrokenFormat('the trailer of its table of objects is missing');
  return { objects, trailer: text.slice(at, until < 0 ? at + HEAD_BYTES : until) };
}

/** A table of numbers of fixed widths in a compressed stream, from PDF 1.5 on. */
function readStreamTable(file: FileReader, offset: number, head: string): Table {
  const begin = /^\s*\d+\s+\d+\s+obj\b/.exec(head);
  const dataAt = /stream\r?\n/.exec(head);
  if (begin === null || dataAt === null || !/\/Type\s*\/XRef\b/.test(head.slice(0, dataAt.index)))
    throw new BrokenFormat(`there is no table of objects at byte ${offset}`);
  const trailer = head.slice(begin[0].length, dataAt.index);
  const length = Number(/\/Length\s+(\d+)/.exec(trailer)?.[1] ?? Number.NaN);
  if (!(length >= 0 && length <= TABLE_BYTES_MAX)) throw new BrokenFormat('its table of objects has no length');
  const packed = file.read(offset + dataAt.index + dataAt[0].length, length);
  const bytes = unfilter(packed, trailer);
  const widths = numbersIn(/\/W\s*\[([^\]]*)\]/.exec(trailer)?.[1]);
  const size = Number(/\/Size\s+(\d+)/.exec(trailer)?.[1] ?? 0);
  const index = numbersIn(/\/Index\s*\[([^\]]*)\]/.exec(trailer)?.[1] ?? `0 ${size}`);
  const [kindBytes = 1, offsetBytes = 0, lastBytes = 0] = widths;
  const rowBytes = kindBytes + offsetBytes + lastBytes;
  if (widths.length !== 3 || rowBytes === 0) throw new BrokenFormat('its table of objects has no columns');
  const objects: { number: number; offset: number }[] = [];
  let at = 0;
  for (let pair = 0; pair + 1 < index.length; pair += 2)
    for (let number = index[pair]!; number < index[pair]! + index[pair + 1]!; number++, at += rowBytes) {
      if (at + rowBytes > bytes.length) throw new BrokenFormat(`its table of objects breaks off at object ${number}`);
      const kind = kindBytes === 0 ? 1 : bytes.readUIntBE(at, kindBytes);
      // Kind 2 lies inside of another object, which is in the table itself.
      if (kind === 1) objects.push({ number, offset: bytes.readUIntBE(at + kindBytes, offsetBytes) });
    }
  return { objects, trailer };
}

function unfilter(packed: Buffer, trailer: string): Buffer {
  if (!/\/FlateDecode\b/.test(trailer)) return packed;
  let plain: Buffer;
  try {
    plain = inflateSync(packed, { maxOutputLength: TABLE_BYTES_MAX });
  } catch {
    throw new BrokenFormat('its table of objects cannot be unpacked');
  }
  const predictor = Number(/\/Predictor\s+(\d+)/.exec(trailer)?.[1] ?? 1);
  if (predictor < 10) return plain;
  const columns = Number(/\/Columns\s+(\d+)/.exec(trailer)?.[1] ?? 1);
  const rows = Math.floor(plain.length / (columns + 1));
  const result = Buffer.alloc(rows * columns);
  for (let row = 0; row < rows; row++) {
    const filter = plain[row * (columns + 1)];
    for (let at = 0; at < columns; at++) {
      const value = plain[row * (columns + 1) + 1 + at]!;
      const above = row === 0 ? 0 : result[(row - 1) * columns + at]!;
      const left = at === 0 ? 0 : result[row * columns + at - 1]!;
      if (filter !== 0 && filter !== 1 && filter !== 2)
        throw new BrokenFormat('its table of objects is packed in a way that is not read here');
      result[row * columns + at] = value + (filter === 2 ? above : filter === 1 ? left : 0);
    }
  }
  return result;
}

function numbersIn(text: string | undefined): number[] {
  return (text ?? '').trim().split(/\s+/).filter(Boolean).map(Number);
}
