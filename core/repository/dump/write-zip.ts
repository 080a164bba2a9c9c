/**
 * A folder of a snapshot as a zip archive (PKWARE's APPNOTE 6.3), without going back: sizes and checksums stand behind each
 * file and again in the list at the end. Links are kept as Info-ZIP keeps them; further names of a file are files.
 */
import { constants, crc32, deflateRawSync } from 'node:zlib';
import type { BlobReader } from '../blob-reader.ts';
import { unixPermissions } from '../format/file-mode.ts';
import { parseGoTime } from '../format/go-text.ts';
import { isValidUtf8 } from '../format/utf8-rune.ts';
import { type ArchiveEntry, archiveEntries, type ArchiveOptions, type ArchiveRoot } from './archive-entries.ts';

const FORMATS = { file: 0o100_000, dir: 0o040_000, symlink: 0o120_000 } as const;
/** In the version fields: made on Unix, and what a reader has to understand (4.5 is 64-bit sizes). */
const MADE_BY_UNIX = 3 << 8;
const VERSION = 45;
const FLAG_SIZES_BEHIND = 1 << 3;
const FLAG_UTF8 = 1 << 11;
const DEFLATED = 8;
const UINT32_MAX = 0xffff_ffff;
const UINT16_MAX = 0xffff;

interface Written {
  readonly name: Buffer;
  readonly entry: ArchiveEntry;
  readonly offset: number;
  readonly crc: number;
  readonly size: number;
  readonly packedSize: number;
}

/** @throws HoldfastError cancelled; repository_damaged when the archive cannot go on. It has no list of contents then. */
export async function* writeZip(
  reader: BlobReader,
  root: ArchiveRoot,
  options: ArchiveOptions,
): AsyncGenerator<Uint8Array> {
  const written: Written[] = [];
  let offset = 0;
  for await (const entry of archiveEntries(reader, root, options)) {
    const { type } = entry.node;
    if (type !== 'file' && type !== 'dir' && type !== 'symlink') {
      options.onLeftOut(entry.path, `a ${type} has no place in a zip archive`);
      continue;
    }
    const name = type === 'dir' ? Buffer.concat([entry.name, Buffer.from('/')]) : entry.name;
    const header = localHeader(name, entry);
    yield header;
    let [crc, size, packedSize] = [0, 0, 0];
    const contents = type === 'symlink' ? [Buffer.from(entry.node.linkTarget ?? [])] : entry.bytes;
    for await (const piece of contents) {
      // Flushed to a byte's end, the packed pieces are one stream, and no piece waits for another.
      const packed = deflateRawSync(piece, { level: 6, finishFlush: constants.Z_SYNC_FLUSH });
      crc = crc32(piece, crc);
      size += piece.length;
      packedSize += packed.length;
      yield packed;
    }
    yield DEFLATE_END;
    packedSize += DEFLATE_END.length;
    const behind = sizesBehind(crc, packedSize, size);
    yield behind;
    written.push({ name, entry, offset, crc, size, packedSize });
    offset += header.length + packedSize + behind.length;
  }
  yield* centralDirectory(written, offset);
}

/** A last, empty block of a deflated stream. */
const DEFLATE_END = Buffer.of(0x03, 0x00);

function flagsOf(name: Uint8Array): number {
  return FLAG_SIZES_BEHIND | (isValidUtf8(name) ? FLAG_UTF8 : 0);
}

function localHeader(name: Buffer, entry: ArchiveEntry): Buffer {
  const { time, date, extra } = timesOf(entry);
  // An empty 64-bit record tells the reader that the sizes behind the contents have eight bytes each.
  const zip64 = Buffer.alloc(20);
  zip64.writeUInt16LE(1, 0);
  zip64.writeUInt16LE(16, 2);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(flagsOf(name), 6);
  header.writeUInt16LE(DEFLATED, 8);
  header.writeUInt16LE(time, 10);
  header.writeUInt16LE(date, 12);
  header.writeUInt32LE(UINT32_MAX, 18);
  header.writeUInt32LE(UINT32_MAX, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(zip64.length + extra.length, 28);
  return Buffer.concat([header, name, zip64, extra]);
}

function sizesBehind(crc: number, packedSize: number, size: number): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt32LE(0x08074b50, 0);
  bytes.writeUInt32LE(crc, 4);
  bytes.writeBigUInt64LE(BigInt(packedSize), 8);
  bytes.writeBigUInt64LE(BigInt(size), 16);
  return bytes;
}

function* centralDirectory(written: readonly Written[], start: number): Generator<Buffer> {
  let size = 0;
  for (const item of written) {
    const header = centralHeader(item);
    size += header.length;
    yield header;
  }
  const end64 = Buffer.alloc(56 + 20);
  end64.writeUInt32LE(0x06064b50, 0);
  end64.writeBigUInt64LE(44n, 4);
  end64.writeUInt16LE(MADE_BY_UNIX | VERSION, 12);
  end64.writeUInt16LE(VERSION, 14);
  end64.writeBigUInt64LE(BigInt(written.length), 24);
  end64.writeBigUInt64LE(BigInt(written.length), 32);
  end64.writeBigUInt64LE(BigInt(size), 40);
  end64.writeBigUInt64LE(BigInt(start), 48);
  end64.writeUInt32LE(0x07064b50, 56);
  end64.writeBigUInt64LE(BigInt(start + size), 64);
  end64.writeUInt32LE(1, 72);
  const isLarge = written.length >= UINT16_MAX || start + size >= UINT32_MAX;
  if (isLarge) yield end64;
  const end = Buffer.alloc(22);
  const count = Math.min(written.length, UINT16_MAX);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(Math.min(size, UINT32_MAX), 12);
  end.writeUInt32LE(Math.min(start, UINT32_MAX), 16);
  yield end;
}

function centralHeader({ name, entry, offset, crc, size, packedSize }: Written): Buffer {
  const { time, date, extra } = timesOf(entry);
  // Only what does not fit into four bytes stands in the 64-bit record, in this order.
  const large = [size, packedSize, offset].filter((value) => value >= UINT32_MAX);
  const zip64 = Buffer.alloc(large.length === 0 ? 0 : 4 + 8 * large.length);
  if (large.length > 0) {
    zip64.writeUInt16LE(1, 0);
    zip64.writeUInt16LE(8 * large.length, 2);
    for (const [at, value] of large.entries()) zip64.writeBigUInt64LE(BigInt(value), 4 + 8 * at);
  }
  const { type, mode } = entry.node;
  const format = FORMATS[type as keyof typeof FORMATS]; // the others were left out
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(MADE_BY_UNIX | VERSION, 4);
  header.writeUInt16LE(VERSION, 6);
  header.writeUInt16LE(flagsOf(name), 8);
  header.writeUInt16LE(DEFLATED, 10);
  header.writeUInt16LE(time, 12);
  header.writeUInt16LE(date, 14);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(Math.min(packedSize, UINT32_MAX), 20);
  header.writeUInt32LE(Math.min(size, UINT32_MAX), 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(zip64.length + extra.length, 30);
  header.writeUInt32LE((((format + unixPermissions(mode)) << 16) | (type === 'dir' ? 0x10 : 0)) >>> 0, 38);
  header.writeUInt32LE(Math.min(offset, UINT32_MAX), 42);
  return Buffer.concat([header, name, zip64, extra]);
}

/** DOS has two seconds' steps from 1980 on; beside it stands Info-ZIP's time in seconds since 1970, where that fits. */
function timesOf({ node }: ArchiveEntry): { readonly time: number; readonly date: number; readonly extra: Buffer } {
  const seconds = Number((parseGoTime(node.mtime) ?? 0n) / 1_000_000_000n);
  const at = new Date(seconds * 1000);
  const year = at.getUTCFullYear();
  const isDos = year >= 1980 && year <= 2107;
  const date = isDos ? ((year - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate() : 0x21;
  const time = isDos ? (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1) : 0;
  if (seconds < -0x8000_0000 || seconds > 0x7fff_ffff) return { time, date, extra: Buffer.alloc(0) };
  const extra = Buffer.alloc(9);
  extra.writeUInt16LE(0x5455, 0);
  extra.writeUInt16LE(5, 2);
  extra.writeUInt8(1, 4);
  extra.writeInt32LE(seconds, 5);
  return { time, date, extra };
}
