/**
 * A pack that is being filled: sealed blobs one behind the other in a scratch file. In a file, because packs of several lanes
 * and of uploads under way would otherwise be most of the memory that a backup takes. Its name and its checksum are made of
 * the bytes as they are handed over, not of what the disk gives back: a disk that lies is found by whoever compares them.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { Crc32c } from '../../base/crc32c.ts';
import { HoldfastError } from '../../base/errors.ts';
import { seal, unseal } from '../crypto/seal.ts';
import { damagedRepository } from '../format/damage.ts';
import { encodePackHeader } from '../format/pack-header.ts';
import type { BlobType, MasterKey } from '../types.ts';

/** restic refuses sealed headers over 16 MiB; this many entries need less than 1 MiB. */
const BLOBS_MAX = 20_000;
const ID_BYTES = 32;
const COPY_BYTES = 1024 * 1024;
/** Blobs that a list of contents has room for at first. */
const FIRST_BLOBS = 256;

/** Sealed blobs in a scratch file that is no pack yet. */
export interface LoosePack {
  readonly path: string;
  /** Bytes of all blobs. */
  readonly size: number;
  /** 32 bytes a blob. */
  readonly ids: Uint8Array;
  readonly lengths: Uint32Array;
  /** 0 for a blob that is stored uncompressed. */
  readonly uncompressedLengths: Uint32Array;
}

/** A whole pack in a scratch file, to be uploaded. It comes before the answer to the job that filled it. */
export interface PackMade extends LoosePack {
  readonly kind: 'pack';
  readonly type: BlobType;
  /** Bytes of the whole file. */
  readonly fileBytes: number;
  readonly packId: string;
  readonly crc32c: string;
}

export class PackFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #hash = createHash('sha256');
  readonly #crc = new Crc32c();
  /** An object a blob would be most of what a thread holds while it fills packs of small files. */
  #ids = new Uint8Array(FIRST_BLOBS * ID_BYTES);
  #lengths = new Uint32Array(FIRST_BLOBS);
  #uncompressedLengths = new Uint32Array(FIRST_BLOBS);
  #count = 0;
  #isOpen = true;
  /** Bytes of all blobs that were noted. */
  size = 0;

  /** Makes the scratch file. @throws HoldfastError disk_full, storage_unavailable. */
  constructor(path: string) {
    this.#path = path;
    this.#fd = orExplain(() => openSync(path, 'wx', 0o600));
  }

  isFull(packBytes: number): boolean {
    return this.size >= packBytes || this.#count >= BLOBS_MAX;
  }

  /** A blob is part of the pack; its sealed bytes follow, in the same order, by `write`. */
  note(id: Uint8Array, length: number, uncompressedLength: number): void {
    if (this.#count === this.#lengths.length) this.#grow();
    this.#ids.set(id, this.#count * ID_BYTES);
    this.#lengths[this.#count] = length;
    this.#uncompressedLengths[this.#count] = uncompressedLength;
    this.#count += 1;
    this.size += length;
  }

  /** @throws HoldfastError disk_full, storage_unavailable. */
  write(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#crc.update(bytes);
    for (let at = 0; at < bytes.length; ) at += orExplain(() => writeSync(this.#fd, bytes, at));
  }

  /** The file without its list of contents, for another lane. */
  give(): LoosePack {
    this.discard();
    return this.#contents();
  }

  /** The file stays, for its owner to remove. */
  discard(): void {
    if (this.#isOpen) closeSync(this.#fd);
    this.#isOpen = false;
  }

  /** Takes over all blobs of another pack, whose file is gone afterwards. @throws HoldfastError disk_full, storage_unavailable. */
  absorb(other: LoosePack): void {
    for (const [at, length] of other.lengths.entries())
      this.note(other.ids.subarray(at * ID_BYTES, (at + 1) * ID_BYTES), length, other.uncompressedLengths[at]!);
    const fd = orExplain(() => openSync(other.path, 'r'));
    try {
      const piece = Buffer.allocUnsafe(Math.min(COPY_BYTES, other.size));
      for (let left = other.size; left > 0; ) {
        const count = orExplain(() => readSync(fd, piece, 0, Math.min(piece.length, left), null));
        if (count === 0) throw new HoldfastError('internal', 'A scratch file became shorter. No snapshot was made.');
        this.write(piece.subarray(0, count));
        left -= count;
      }
    } finally {
      closeSync(fd);
    }
    removeFile(other.path);
  }

  /** The sealed header and its length behind the blobs (docs/format.md, "Packs"). The header is opened again before it is trusted. */
  close(key: MasterKey, type: BlobType): PackMade {
    const contents = this.#contents();
    const isTree = new Uint8Array(this.#count).fill(type === 'tree' ? 1 : 0);
    const header = encodePackHeader({ ...contents, isTree });
    const sealed = seal(key, header);
    if (!unseal(key, sealed).equals(header)) {
      throw damagedRepository(
        'A pack’s list of contents did not survive its own encoding. Nothing of it was uploaded; check this machine’s memory.',
      );
    }
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32LE(sealed.length);
    this.write(sealed);
    this.write(length);
    this.discard();
    const fileBytes = this.size + sealed.length + length.length;
    return { kind: 'pack', type, ...contents, fileBytes, packId: this.#hash.digest('hex'), crc32c: this.#crc.base64() };
  }

  /** Arrays of their own size: a message carries the whole memory that a view is a part of. */
  #contents(): LoosePack {
    return {
      path: this.#path,
      size: this.size,
      ids: this.#ids.slice(0, this.#count * ID_BYTES),
      lengths: this.#lengths.slice(0, this.#count),
      uncompressedLengths: this.#uncompressedLengths.slice(0, this.#count),
    };
  }

  #grow(): void {
    const blobs = this.#count * 2;
    const [ids, lengths, uncompressedLengths] = [this.#ids, this.#lengths, this.#uncompressedLengths];
    this.#ids = new Uint8Array(blobs * ID_BYTES);
    this.#lengths = new Uint32Array(blobs);
    this.#uncompressedLengths = new Uint32Array(blobs);
    this.#ids.set(ids);
    this.#lengths.set(lengths);
    this.#uncompressedLengths.set(uncompressedLengths);
  }
}

/** Best effort: what stays is removed with the rest of its run's files. */
function removeFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A disk that fails says so where something is written.
  }
}

/** What the system said, as a sentence for people: the scratch disk is not the source's and not the repository's. */
function orExplain<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code))
      throw new HoldfastError(
        'disk_full',
        'The disk that holds this machine’s temporary files is full, so nothing more could be stored. Earlier backups are untouched. Free space there and try again.',
        { cause: error },
      );
    throw new HoldfastError(
      'storage_unavailable',
      `A temporary file could not be used (${code}), so nothing more could be stored. Earlier backups are untouched.`,
      { cause: error },
    );
  }
}
