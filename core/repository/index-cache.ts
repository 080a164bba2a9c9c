/**
 * The blob index as this machine has seen it, in a local file: index files are named by their contents, so that one that is
 * still there says what it said. Decoding them again would take longer than the rest of a backup without changes.
 *
 *   "HFINDEX1", SHA-256 of the repository's id, Uint32 x 4: index files, packs, blobs, CRC-32 of all that follows
 *   ids of the index files, ids of the packs (32 bytes each); then of every 16,384 blobs their ids and 4 x Uint32 each
 */
import { hash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { endianness } from 'node:os';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { ListedObject } from '../storage/port.ts';
import { BlobIndex, type IndexPiece } from './blob-index.ts';
import { idOfKey } from './object-names.ts';
import type { OpenRepository } from './types.ts';

const MAGIC = Buffer.from(endianness() === 'LE' ? 'HFINDEX1' : 'HFINDEXB');
const ID_BYTES = 32;
const HEAD_BYTES = MAGIC.length + ID_BYTES + 16;
const FIELD_BYTES = 16;
/** Blobs of one piece of an index (blob-index.ts). */
const PIECE_BLOBS = 16_384;
/** It is written again when so many of its blobs are new, one in … : decoding fewer costs less than writing all. */
const NEW_SHARE = 20;

export class IndexCache {
  readonly #path: string;
  readonly #repo: OpenRepository;
  /** Blobs that the file holds. */
  #stored = 0;

  /** `path` is absolute; its folder is made when it is missing. */
  constructor(repo: OpenRepository, file: string) {
    this.#repo = repo;
    this.#path = file;
  }

  /** As BlobIndex.load, and the same index: what the file does not hold, or holds of index files that are gone, is loaded. */
  async load(): Promise<BlobIndex> {
    const files: ListedObject[] = [];
    for await (const file of this.#repo.store.list('index/')) files.push(file);
    const present = new Set(files.map(({ key }) => key));
    const index = (await this.#read(present).catch(() => undefined)) ?? new BlobIndex();
    this.#stored = index.size;
    await index.loadFiles(this.#repo, files);
    return index;
  }

  /**
   * Writes the file when much of the index is new. `added` are keys of index files that were written since it was loaded and
   * whose blobs are in it. Never throws: without the file, the next load decodes all.
   */
  async save(index: BlobIndex, added: readonly string[] = []): Promise<void> {
    // What a damaged file listed is missing: an index without it must not be taken for whole.
    if (index.damaged.length > 0 || (index.size - this.#stored) * NEW_SHARE < index.size || index.size === 0) return;
    const temporary = `${this.#path}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      await mkdir(path.dirname(this.#path), { recursive: true, mode: 0o700 });
      const handle = await open(temporary, 'wx', 0o600);
      try {
        await this.#write(handle, index, [...new Set([...index.indexKeys, ...added])]);
      } finally {
        await handle.close();
      }
      // Not synced: after a crash the checksum tells what has not reached the disk.
      await rename(temporary, this.#path);
      this.#stored = index.size;
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  async #write(handle: FileHandle, index: BlobIndex, keys: readonly string[]): Promise<void> {
    const packIds = index.packIds();
    const names = Buffer.from([...keys.map((key) => idOfKey(key) ?? ''), ...packIds].join(''), 'hex');
    const head = Buffer.alloc(HEAD_BYTES);
    MAGIC.copy(head);
    this.#repositoryHash().copy(head, MAGIC.length);
    const counts = [keys.length, packIds.length, index.size];
    for (const [at, value] of counts.entries()) head.writeUInt32LE(value, MAGIC.length + ID_BYTES + at * 4);
    let crc = crc32(names, crc32(head.subarray(0, HEAD_BYTES - 4)));
    let place = HEAD_BYTES;
    const put = async (bytes: Uint8Array): Promise<void> => {
      for (let done = 0; done < bytes.length; )
        done += (await handle.write(bytes, done, bytes.length - done, place + done)).bytesWritten;
      place += bytes.length;
    };
    await put(names);
    for (const { ids, fields } of index.pieces()) {
      const numbers = Buffer.from(fields.buffer, fields.byteOffset, fields.byteLength);
      crc = crc32(numbers, crc32(ids, crc));
      await put(ids);
      await put(numbers);
    }
    head.writeUInt32LE(crc, HEAD_BYTES - 4);
    await handle.write(head, 0, HEAD_BYTES, 0);
  }

  /** Undefined when the file is missing, damaged, of another repository, or of an index file that is no more. */
  async #read(present: ReadonlySet<string>): Promise<BlobIndex | undefined> {
    const handle = await open(this.#path, 'r');
    try {
      let place = 0;
      let crc = 0;
      const take = async (length: number): Promise<Buffer> => {
        const bytes = Buffer.allocUnsafeSlow(length);
        const { bytesRead } = await handle.read(bytes, 0, length, place);
        if (bytesRead !== length) throw new Error('cut short');
        place += length;
        return bytes;
      };
      const head = await take(HEAD_BYTES);
      const isOurs = MAGIC.equals(head.subarray(0, MAGIC.length));
      if (!isOurs || !this.#repositoryHash().equals(head.subarray(MAGIC.length, MAGIC.length + ID_BYTES))) return;
      const [files, packs, count, crcWanted] = [0, 4, 8, 12].map((at) =>
        head.readUInt32LE(MAGIC.length + ID_BYTES + at),
      );
      const { size } = await handle.stat();
      if (size !== HEAD_BYTES + (files! + packs!) * ID_BYTES + count! * (ID_BYTES + FIELD_BYTES)) return;
      const names = await take((files! + packs!) * ID_BYTES);
      crc = crc32(names, crc32(head.subarray(0, HEAD_BYTES - 4)));
      const keys = hexIds(names.subarray(0, files! * ID_BYTES)).map((id) => `index/${id}`);
      if (!keys.every((key) => present.has(key))) return;
      const packIds = hexIds(names.subarray(files! * ID_BYTES));
      const pieces = async function* (): AsyncGenerator<IndexPiece> {
        for (let left = count!; left > 0; left -= PIECE_BLOBS) {
          const blobs = Math.min(left, PIECE_BLOBS);
          const ids = await take(blobs * ID_BYTES);
          const numbers = await take(blobs * FIELD_BYTES);
          crc = crc32(numbers, crc32(ids, crc));
          yield { ids, fields: new Uint32Array(numbers.buffer, numbers.byteOffset, blobs * 4) };
        }
      };
      const index = await BlobIndex.ofPieces(packIds, keys, count!, pieces());
      return crc === crcWanted ? index : undefined;
    } finally {
      await handle.close();
    }
  }

  #repositoryHash(): Buffer {
    return hash('sha256', this.#repo.config.id, 'buffer');
  }
}

function hexIds(bytes: Buffer): string[] {
  const hex = bytes.toString('hex');
  return Array.from({ length: bytes.length / ID_BYTES }, (_, at) =>
    hex.slice(at * ID_BYTES * 2, (at + 1) * ID_BYTES * 2),
  );
}
