/** Zip archives, and what is built on them: office files, books, apps. Every entry is unpacked and its CRC compared. */
import type { Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import type { FileReader } from './file-reader.ts';
import { BrokenFormat, ENTRIES_MAX, type FormatFinding, TooLarge, UNPACKED_BYTES_MAX } from './finding.ts';

const END_BYTES = 22;
const COMMENT_BYTES_MAX = 65_535;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const MAX_32 = 0xffff_ffff;

interface Directory {
  readonly entries: number;
  readonly offset: number;
  readonly bytes: number;
}

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly isEncrypted: boolean;
  readonly crc: number;
  readonly packed: number;
  readonly unpacked: number;
  readonly offset: number;
}

/** What names in the archive say of its kind. */
const KINDS: readonly (readonly [name: RegExp, format: string])[] = [
  [/^word\/document\.xml$/, 'a Word document'],
  [/^xl\/workbook\.(?:xml|bin)$/, 'an Excel workbook'],
  [/^ppt\/presentation\.xml$/, 'a PowerPoint presentation'],
  [/^META-INF\/manifest\.xml$/, 'an OpenDocument file'],
];
/** Without these an office program does not open it. */
const CONTENT_TYPES = '[Content_Types].xml';

export async function readZip(file: FileReader): Promise<FormatFinding> {
  const directory = findDirectory(file);
  const listing = file.read(directory.offset, directory.bytes);
  let at = 0;
  let entries = 0;
  let encrypted = 0;
  let unknown = 0;
  let bytes = 0;
  let format = 'a zip archive';
  const names = new Set<string>();
  for (; entries < directory.entries; entries++) {
    if (entries >= ENTRIES_MAX) throw new TooLarge();
    const { entry, next } = readEntry(listing, at, entries);
    at = next;
    const kind = KINDS.find(([name]) => name.test(entry.name));
    if (kind !== undefined) format = kind[1];
    if (names.size < 100) names.add(entry.name);
    const local = file.read(entry.offset, LOCAL_BYTES);
    if (local.readUInt32LE(0) !== 0x04034b50)
      throw new BrokenFormat(`its directory points at no entry for ${entry.name}`);
    const dataAt = entry.offset + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
    if (entry.isEncrypted) {
      file.read(dataAt + Math.max(0, entry.packed - 1), Math.min(1, entry.packed));
      encrypted++;
    } else if (entry.method === 0 || entry.method === 8) {
      bytes += entry.unpacked;
      if (bytes > UNPACKED_BYTES_MAX) throw new TooLarge();
      await unpack(file.stream(dataAt, entry.packed), entry);
    } else unknown++;
  }
  if (format.includes('Word') || format.includes('Excel') || format.includes('PowerPoint'))
    if (!names.has(CONTENT_TYPES) && entries <= 100) throw new BrokenFormat('the list of its contents is missing');
  const contents = `${entries} entries, ${bytes.toLocaleString('en')} bytes`;
  if (encrypted > 0)
    return { format, state: 'encrypted', contents, reason: `${encrypted} of its entries are encrypted` };
  if (entries === 0) return { format, state: 'empty', contents, reason: 'it holds no entry' };
  const reason = unknown === 0 ? '' : `${unknown} entries are packed in a way that is not read here`;
  return { format, state: unknown === 0 ? 'sound' : 'unread', contents, reason };
}

function findDirectory(file: FileReader): Directory {
  const tail = file.tail(END_BYTES + COMMENT_BYTES_MAX + 20);
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== 0x06054b50) continue;
    if (at + END_BYTES + tail.readUInt16LE(at + 20) > tail.length) continue;
    const directory = {
      entries: tail.readUInt16LE(at + 10),
      bytes: tail.readUInt32LE(at + 12),
      offset: tail.readUInt32LE(at + 16),
    };
    const isLarge = directory.entries === 0xffff || directory.bytes === MAX_32 || directory.offset === MAX_32;
    return isLarge && at >= 20 && tail.readUInt32LE(at - 20) === 0x07064b50
      ? readLargeDirectory(file, Number(tail.readBigUInt64LE(at - 12)))
      : directory;
  }
  throw new BrokenFormat('its end is missing: the file was cut off');
}

function readLargeDirectory(file: FileReader, offset: number): Directory {
  const end = file.read(offset, 56);
  if (end.readUInt32LE(0) !== 0x06064b50) throw new BrokenFormat('its directory of large size is not where it says');
  return {
    entries: Number(end.readBigUInt64LE(32)),
    bytes: Number(end.readBigUInt64LE(40)),
    offset: Number(end.readBigUInt64LE(48)),
  };
}

function readEntry(listing: Buffer, at: number, number: number): { readonly entry: Entry; readonly next: number } {
  if (at + ENTRY_BYTES > listing.length || listing.readUInt32LE(at) !== 0x02014b50)
    throw new BrokenFormat(`its directory breaks off at entry ${number + 1}`);
  const flags = listing.readUInt16LE(at + 8);
  const nameBytes = listing.readUInt16LE(at + 28);
  const extraBytes = listing.readUInt16LE(at + 30);
  const next = at + ENTRY_BYTES + nameBytes + extraBytes + listing.readUInt16LE(at + 32);
  if (next > listing.length) throw new BrokenFormat(`its directory breaks off at entry ${number + 1}`);
  const sizes = [listing.readUInt32LE(at + 24), listing.readUInt32LE(at + 20), listing.readUInt32LE(at + 42)];
  const extraAt = at + ENTRY_BYTES + nameBytes;
  const [unpacked = 0, packed = 0, offset = 0] = largeSizes(listing.subarray(extraAt, extraAt + extraBytes), sizes);
  return {
    next,
    entry: {
      name: listing.toString('utf8', at + ENTRY_BYTES, extraAt).slice(0, 200),
      method: listing.readUInt16LE(at + 10),
      isEncrypted: (flags & 1) !== 0,
      crc: listing.readUInt32LE(at + 16),
      packed,
      unpacked,
      offset,
    },
  };
}

/** What does not fit into 32 bits stands in a field of 64, in this order, and only then. */
function largeSizes(extra: Buffer, sizes: readonly number[]): number[] {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    let valueAt = at + 4;
    return sizes.map((size) => {
      if (size !== MAX_32 || valueAt + 8 > extra.length) return size;
      valueAt += 8;
      return Number(extra.readBigUInt64LE(valueAt - 8));
    });
  }
  return [...sizes];
}

async function unpack(packed: Readable, { name, method, crc, unpacked }: Entry): Promise<void> {
  let sum = 0;
  let bytes = 0;
  const plain = method === 8 ? packed.pipe(createInflateRaw()) : packed;
  packed.on('error', (error) => plain.destroy(error));
  try {
    for await (const piece of plain as AsyncIterable<Buffer>) {
      sum = crc32(piece, sum);
      bytes += piece.length;
      if (bytes > unpacked) break;
    }
  } catch (error) {
    throw new BrokenFormat(
      `the entry ${name} cannot be unpacked (${error instanceof Error ? error.message : 'it broke off'})`,
    );
  }
  if (bytes !== unpacked) throw new BrokenFormat(`the entry ${name} has another size than its directory says`);
  if (sum !== crc) throw new BrokenFormat(`the checksum of the entry ${name} is wrong`);
}
