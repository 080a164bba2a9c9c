/**
 * What this machine remembers of the folders of its last snapshot, in one local file: a folder that is as it was is then
 * stored already, without being encoded, hashed or fetched. Each record belongs to the tree that was made of it, so that it is
 * never stale: it says what a folder looked like when it had this tree, whatever happened since. A file that is missing, cut
 * short, damaged or of another repository means that the trees are fetched as if there were none.
 *
 *   "HFSTATE2", then records (folder-record.ts), one after another
 *   table: for each record its tree id (32 bytes), Float64 place, Uint32 length, Uint32 CRC-32: 48 bytes
 *   end: SHA-256 of the repository's id, SHA-256 of the form (below), Float64 place of the table, Uint32 records,
 *        Uint32 CRC-32 of the table and of the end up to here: 80 bytes
 */
import { hash, randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { Clock } from '../../base/clock.ts';
import { FolderRecord } from './folder-record.ts';

export interface FolderStateOptions {
  /** Absolute path of the file. Its folder is made when it is missing. */
  readonly path: string;
  readonly repositoryId: string;
  /** Whatever decides how the same facts become a tree: names of owners, the time zone. Another form makes other trees. */
  readonly form: string;
  readonly clock: Clock;
}

const MAGIC = Buffer.from('HFSTATE2');
const ID_BYTES = 32;
const TABLE_ENTRY_BYTES = 48;
const END_BYTES = 80;
/** Entries of one piece of a table that is being made. */
const TABLE_PIECE = 1024;
/** Records of folders that lie beside one another are read in one go. */
const WINDOW_BYTES = 256 * 1024;
const WRITE_BYTES = 1024 * 1024;
/** No backup writes its state for so long: what is older was left by a crash. */
const TEMPORARY_KEPT_MS = 7 * 24 * 3600_000;

export class FolderState {
  /** Whether trees would be made of the same facts as they were then. */
  readonly isSameForm: boolean;
  readonly #options: FolderStateOptions;
  #fd: number | undefined;
  readonly #table: Table;
  /** Which of the records belong to the new snapshot as well. */
  readonly #used: Uint8Array;
  /** The last first. Two: a folder's record lies behind those of the folders in it, which are asked for after it. */
  #windows: readonly Window[] = [];
  #writer: Writer | undefined;
  /** The state is a help: what cannot be written is left as it was. */
  #hasFailed = false;

  constructor(options: FolderStateOptions) {
    this.#options = options;
    const opened = openState(options);
    this.#fd = opened?.fd;
    this.#table = opened?.table ?? new Table(Buffer.alloc(0));
    this.isSameForm = opened?.isSameForm ?? true;
    this.#used = new Uint8Array(this.#table.length);
  }

  /** The folder that had this tree, when it is remembered whole. */
  record(treeId: string | undefined): FolderRecord | undefined {
    if (treeId === undefined || this.#fd === undefined) return undefined;
    const number = this.#table.find(treeId);
    if (number === undefined) return undefined;
    const { place, length, crc } = this.#table.entry(number);
    const bytes = this.#read(place, length);
    if (bytes === undefined || crc32(bytes) !== crc) return undefined;
    return FolderRecord.decode(bytes);
  }

  /** The record of this tree is one of the new snapshot's. */
  keep(treeId: string): void {
    const number = this.#table.find(treeId);
    if (number !== undefined) this.#used[number] = 1;
  }

  /** A folder of the new snapshot that was not remembered, or otherwise. */
  add(treeId: string, record: Buffer): void {
    const number = this.#table.find(treeId);
    if (this.isSameForm && number !== undefined && this.#table.entry(number).crc === crc32(record)) {
      this.#used[number] = 1;
      return;
    }
    this.#write((writer) => writer.add(treeId, record));
  }

  /** To be called when the snapshot is stored: what was added and kept is the new state. Unchanged, nothing is written. */
  commit(): void {
    if (this.#writer === undefined) return;
    this.#write((writer) => {
      for (let number = 0; number < this.#table.length; number += 1) {
        if (this.#used[number] !== 1) continue;
        const { treeId, place, length, crc } = this.#table.entry(number);
        const bytes = this.#read(place, length);
        // A record that went bad since it was read is left out: its folder is fetched the next time.
        if (bytes !== undefined && crc32(bytes) === crc) writer.add(treeId, bytes);
      }
      writer.finish(endOf(this.#options));
    });
  }

  /** Ends it; what was not committed is forgotten. */
  close(): void {
    this.#writer?.drop();
    this.#writer = undefined;
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #write(act: (writer: Writer) => void): void {
    if (this.#hasFailed) return;
    try {
      this.#writer ??= new Writer(this.#options.path, this.#options.clock.nowMs());
      act(this.#writer);
    } catch {
      this.#hasFailed = true;
      this.#writer?.drop();
    }
  }

  /** A part of a window, which is never written again: a record may keep it. */
  #read(place: number, length: number): Buffer | undefined {
    for (const { at, bytes } of this.#windows)
      if (place >= at && place + length <= at + bytes.length) return bytes.subarray(place - at, place - at + length);
    if (this.#fd === undefined) return undefined;
    try {
      const bytes = Buffer.allocUnsafeSlow(Math.max(length, WINDOW_BYTES));
      const read = readSync(this.#fd, bytes, 0, bytes.length, place);
      this.#windows = [{ at: place, bytes: bytes.subarray(0, read) }, ...this.#windows.slice(0, 1)];
      return read < length ? undefined : bytes.subarray(0, length);
    } catch {
      return undefined;
    }
  }
}

/** A part of the file. */
interface Window {
  readonly at: number;
  readonly bytes: Buffer;
}

/** Where the record of each tree lies: some 56 bytes a folder. */
class Table {
  readonly length: number;
  readonly #bytes: Buffer;
  /** Number + 1 by hash; 0 is empty. Ids are hashes already: their first bytes serve. */
  readonly #slots: Uint32Array;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.length = bytes.length / TABLE_ENTRY_BYTES;
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(this.length * 1.5 + 2)));
    for (let number = 0; number < this.length; number += 1) {
      let slot = this.#firstSlot(bytes, number * TABLE_ENTRY_BYTES);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (this.#slots.length - 1);
      this.#slots[slot] = number + 1;
    }
  }

  find(treeId: string): number | undefined {
    const id = Buffer.from(treeId, 'hex');
    for (let slot = this.#firstSlot(id, 0); ; slot = (slot + 1) & (this.#slots.length - 1)) {
      const number = this.#slots[slot]! - 1;
      if (number === -1) return undefined;
      const at = number * TABLE_ENTRY_BYTES;
      if (id.compare(this.#bytes, at, at + ID_BYTES) === 0) return number;
    }
  }

  entry(number: number): { treeId: string; place: number; length: number; crc: number } {
    const at = number * TABLE_ENTRY_BYTES;
    return {
      treeId: this.#bytes.toString('hex', at, at + ID_BYTES),
      place: this.#bytes.readDoubleLE(at + ID_BYTES),
      length: this.#bytes.readUInt32LE(at + ID_BYTES + 8),
      crc: this.#bytes.readUInt32LE(at + ID_BYTES + 12),
    };
  }

  #firstSlot(ids: Buffer, at: number): number {
    return ids.readUInt32LE(at) & (this.#slots.length - 1);
  }
}

class Writer {
  readonly #path: string;
  readonly #temporary: string;
  readonly #fd: number;
  #pieces: Buffer[] = [MAGIC];
  #waiting = MAGIC.length;
  #place = MAGIC.length;
  /** Table entries, in pieces of the same size. */
  readonly #tables: Buffer[] = [];
  #count = 0;
  #isDone = false;

  constructor(file: string, nowMs: number) {
    this.#path = file;
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    dropOldTemporaries(file, nowMs);
    this.#temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
    this.#fd = openSync(this.#temporary, 'wx', 0o600);
  }

  add(treeId: string, record: Buffer): void {
    const at = (this.#count % TABLE_PIECE) * TABLE_ENTRY_BYTES;
    if (at === 0) this.#tables.push(Buffer.alloc(TABLE_PIECE * TABLE_ENTRY_BYTES));
    const table = this.#tables.at(-1)!;
    table.write(treeId, at, 'hex');
    table.writeDoubleLE(this.#place, at + ID_BYTES);
    table.writeUInt32LE(record.length, at + ID_BYTES + 8);
    table.writeUInt32LE(crc32(record), at + ID_BYTES + 12);
    this.#count += 1;
    this.#put(record);
  }

  finish({ repository, form }: { repository: Buffer; form: Buffer }): void {
    const table = Buffer.concat(this.#tables, this.#count * TABLE_ENTRY_BYTES);
    const end = Buffer.alloc(END_BYTES);
    repository.copy(end);
    form.copy(end, ID_BYTES);
    end.writeDoubleLE(this.#place, 2 * ID_BYTES);
    end.writeUInt32LE(this.#count, 2 * ID_BYTES + 8);
    end.writeUInt32LE(crc32(end.subarray(0, END_BYTES - 4), crc32(table)), END_BYTES - 4);
    this.#put(table);
    this.#put(end);
    this.#flush();
    closeSync(this.#fd);
    this.#isDone = true;
    // Not synced: after a crash the checksums tell what has not reached the disk.
    renameSync(this.#temporary, this.#path);
  }

  drop(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    closeSync(this.#fd);
    rmSync(this.#temporary, { force: true });
  }

  #put(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#waiting += bytes.length;
    this.#place += bytes.length;
    if (this.#waiting >= WRITE_BYTES) this.#flush();
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#waiting = 0;
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
  }
}

interface OpenedState {
  readonly fd: number;
  readonly table: Table;
  readonly isSameForm: boolean;
}

/** Undefined when there is none that can be used. */
function openState(options: FolderStateOptions): OpenedState | undefined {
  let fd: number;
  try {
    fd = openSync(options.path, 'r');
  } catch {
    return undefined;
  }
  try {
    const opened = readTable(fd, options);
    if (opened !== undefined) return opened;
  } catch {
    // A file that cannot be read is as good as none.
  }
  closeSync(fd);
  return undefined;
}

function readTable(fd: number, options: FolderStateOptions): OpenedState | undefined {
  const { size } = fstatSync(fd);
  if (size < MAGIC.length + END_BYTES) return undefined;
  const magic = readAt(fd, 0, MAGIC.length);
  const end = readAt(fd, size - END_BYTES, END_BYTES);
  const tablePlace = end.readDoubleLE(2 * ID_BYTES);
  const tableBytes = end.readUInt32LE(2 * ID_BYTES + 8) * TABLE_ENTRY_BYTES;
  if (!magic.equals(MAGIC) || tablePlace + tableBytes + END_BYTES !== size) return undefined;
  const table = readAt(fd, tablePlace, tableBytes);
  if (crc32(end.subarray(0, END_BYTES - 4), crc32(table)) !== end.readUInt32LE(END_BYTES - 4)) return undefined;
  const { repository, form } = endOf(options);
  if (!repository.equals(end.subarray(0, ID_BYTES))) return undefined;
  return { fd, table: new Table(table), isSameForm: form.equals(end.subarray(ID_BYTES, 2 * ID_BYTES)) };
}

function readAt(fd: number, place: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const read = readSync(fd, bytes, 0, length, place);
  return bytes.subarray(0, read);
}

function endOf({ repositoryId, form }: FolderStateOptions): { repository: Buffer; form: Buffer } {
  return { repository: hash('sha256', repositoryId, 'buffer'), form: hash('sha256', form, 'buffer') };
}

function dropOldTemporaries(file: string, nowMs: number): void {
  const folder = path.dirname(file);
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${path.basename(file)}.`) || !name.endsWith('.tmp')) continue;
    const old = path.join(folder, name);
    if (nowMs - (statSync(old, { throwIfNoEntry: false })?.mtimeMs ?? nowMs) > TEMPORARY_KEPT_MS)
      rmSync(old, { force: true });
  }
}
