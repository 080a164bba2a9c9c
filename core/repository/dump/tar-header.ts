/**
 * Headers of tar archives: POSIX ustar, with a pax record for each fact that does not fit into it (IEEE 1003.1, pax). Names
 * need not be text: where they are not UTF-8 their bytes stand as they are, and the records say so (hdrcharset=BINARY).
 */
import { isValidUtf8 } from '../format/utf8-rune.ts';

export type TarType = 'file' | 'hardLink' | 'symlink' | 'chardev' | 'dev' | 'dir' | 'fifo';

export interface TarEntry {
  /** Raw bytes, relative, without a slash at the end. */
  readonly name: Uint8Array;
  readonly type: TarType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  /** Bytes of contents that follow. */
  readonly size: number;
  readonly mtimeNs: bigint;
  /** Target of a link, raw bytes. */
  readonly linkName?: Uint8Array | undefined;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  readonly attributes?: readonly { readonly name: Uint8Array; readonly value: Uint8Array }[] | undefined;
}

export const TAR_BLOCK_BYTES = 512;

const FLAGS: Readonly<Record<TarType, string>> = {
  file: '0',
  hardLink: '1',
  symlink: '2',
  chardev: '3',
  dev: '4',
  dir: '5',
  fifo: '6',
};
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const OWNER_BYTES = 32;
const NS = 1_000_000_000n;

/** The block or blocks that stand before the contents of an entry. */
export function tarHeader(entry: TarEntry): Buffer {
  const records = new Records();
  const name = entry.type === 'dir' ? Buffer.concat([entry.name, Buffer.from('/')]) : Buffer.from(entry.name);
  const split = splitName(name);
  if (split === undefined || !isPlainText(name)) records.addName('path', name, split !== undefined);
  const linkName = Buffer.from(entry.linkName ?? []);
  if (linkName.length > NAME_BYTES || !isPlainText(linkName))
    records.addName('linkpath', linkName, linkName.length <= NAME_BYTES);
  const numbers = { size: entry.size, uid: entry.uid, gid: entry.gid };
  for (const [key, value] of Object.entries(numbers))
    if (value >= 8 ** (key === 'size' ? 11 : 7)) records.add(key, String(value));
  const seconds = entry.mtimeNs / NS;
  const isPlainTime = entry.mtimeNs >= 0n && entry.mtimeNs % NS === 0n && seconds < 8n ** 11n;
  if (!isPlainTime) records.add('mtime', timeText(entry.mtimeNs));
  const owners = { uname: entry.user ?? '', gname: entry.group ?? '' };
  for (const [key, value] of Object.entries(owners)) {
    const bytes = Buffer.from(value);
    if (bytes.length >= OWNER_BYTES || !isPlainText(bytes)) records.add(key, bytes);
  }
  for (const { name, value } of entry.attributes ?? []) {
    const key = Buffer.from(name).toString('utf8').replaceAll('%', '%25').replaceAll('=', '%3D');
    records.add(`SCHILY.xattr.${key}`, value);
  }
  const header = block({ ...entry, linkName, ...(split ?? { prefix: NOTHING, base: name.subarray(0, NAME_BYTES) }) });
  return records.isEmpty ? header : Buffer.concat([...paxBlocks(records.bytes(), entry), header]);
}

/** Zeros after contents, up to the next block. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((TAR_BLOCK_BYTES - (size % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES);
}

/** Two empty blocks end an archive: without them a reader knows that it was cut short. */
export const TAR_END: Uint8Array = Buffer.alloc(2 * TAR_BLOCK_BYTES);

const NOTHING = Buffer.alloc(0);

class Records {
  readonly #records: Buffer[] = [];
  #isBinary = false;

  get isEmpty(): boolean {
    return this.#records.length === 0;
  }

  /** The number before each record counts itself. */
  add(key: string, value: string | Uint8Array): void {
    const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as Uint8Array), Buffer.from('\n')]);
    let length = rest.length;
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
    this.#records.push(Buffer.concat([Buffer.from(String(length)), rest]));
  }

  /** Bytes that are no UTF-8 are left in the header alone where they fit: every reader takes them as they are there. */
  addName(key: string, name: Uint8Array, hasRoom: boolean): void {
    const isText = isValidUtf8(name);
    if (!isText && hasRoom) return;
    if (!isText && !this.#isBinary) {
      this.#isBinary = true;
      this.add('hdrcharset', 'BINARY');
    }
    this.add(key, name);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#records);
  }
}

/** Seconds with up to nine digits behind the point. Before 1970 the sign is that of the whole number. */
function timeText(ns: bigint): string {
  const size = ns < 0n ? -ns : ns;
  const fraction = String(size % NS)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${ns < 0n ? '-' : ''}${size / NS}${fraction === '' ? '' : `.${fraction}`}`;
}

function isPlainText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
}

/** The name in one field, or parted at a slash into two; undefined when it is too long for that. */
function splitName(name: Buffer): { readonly prefix: Buffer; readonly base: Buffer } | undefined {
  if (name.length <= NAME_BYTES) return { prefix: NOTHING, base: name };
  // The slash at the end of a folder's name does not part it.
  const at = name.subarray(0, Math.min(PREFIX_BYTES + 1, name.length - 1)).lastIndexOf(0x2f);
  if (at <= 0 || name.length - at - 1 > NAME_BYTES) return undefined;
  return { prefix: name.subarray(0, at), base: name.subarray(at + 1) };
}

function paxBlocks(records: Buffer, entry: TarEntry): Buffer[] {
  const base = Buffer.from(entry.name).subarray(Buffer.from(entry.name).lastIndexOf(0x2f) + 1);
  const label = Buffer.concat([Buffer.from('PaxHeaders/'), base]).subarray(0, NAME_BYTES);
  const facts = { mode: 0o644, uid: 0, gid: 0, size: records.length, mtimeNs: 0n };
  const header = block({ ...facts, flag: 'x', prefix: NOTHING, base: label, linkName: NOTHING });
  return [header, records, tarPadding(records.length)];
}

interface Block {
  readonly base: Uint8Array;
  readonly prefix: Uint8Array;
  readonly linkName: Uint8Array;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly flag?: string;
  readonly type?: TarType;
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
}

/** One block of 512 bytes. A number that does not fit is zero here and stands in a record. */
function block(fields: Block): Buffer {
  const bytes = Buffer.alloc(TAR_BLOCK_BYTES);
  const put = (value: Uint8Array | string, at: number, room: number): void => {
    Buffer.from(value as Uint8Array).copy(bytes, at, 0, room);
  };
  const octal = (value: number, at: number, digits: number): void => {
    const fits = value >= 0 && value < 8 ** digits;
    put((fits ? value : 0).toString(8).padStart(digits, '0'), at, digits);
  };
  put(fields.base, 0, NAME_BYTES);
  octal(fields.mode & 0o7777, 100, 7);
  octal(fields.uid, 108, 7);
  octal(fields.gid, 116, 7);
  octal(fields.size, 124, 11);
  octal(fields.mtimeNs < 0n ? 0 : Number(fields.mtimeNs / NS), 136, 11);
  put(fields.flag ?? FLAGS[fields.type ?? 'file'], 156, 1);
  put(fields.linkName, 157, NAME_BYTES);
  put('ustar\u000000', 257, 8);
  put(Buffer.from(fields.user ?? '').subarray(0, OWNER_BYTES - 1), 265, OWNER_BYTES);
  put(Buffer.from(fields.group ?? '').subarray(0, OWNER_BYTES - 1), 297, OWNER_BYTES);
  octal(fields.device?.major ?? 0, 329, 7);
  octal(fields.device?.minor ?? 0, 337, 7);
  put(fields.prefix, 345, PREFIX_BYTES);
  // The checksum counts its own field as spaces.
  put('        ', 148, 8);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148, 8);
  return bytes;
}
