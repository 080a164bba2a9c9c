/**
 * Reads files into a buffer and cuts them into chunks, without waiting for anything: the worker thread is its own. A buffer
 * that is full is given away with the chunks in it, and the reading goes on in the next one.
 */
import { createHash, type Hash } from 'node:crypto';
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { HASH_BYTES, hashRanges } from '../../base/native/many-hashes.ts';
import { FACT_WORDS, writeStat } from '../../filesystem/entry-facts.ts';
import { readProblem } from '../../filesystem/scan.ts';
import { CHUNK_BYTES_MAX, type Chunker } from '../chunker/chunker.ts';
import {
  type ChunksRead,
  FILE_CHANGED,
  FILE_FAILED,
  FILE_FORBIDDEN,
  FILE_READ,
  FILE_VANISHED,
  READ_BUFFER_BYTES,
  type ReadJob,
} from './lane-messages.ts';
import { plainSum } from '../write/plain-sum.ts';

/** Bytes asked of a large file at a time; more gains nothing and spoils the processor's cache. */
const READ_BYTES = 1024 * 1024;
/** No FIFO that took a file's place may hold the backup up, and no link that took it may lead elsewhere. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
/** A backup is no use of a file. Anybody but its owner and root may not ask for this, so that only root does. */
const QUIET_FLAGS = OPEN_FLAGS | (constants.O_NOATIME ?? 0);

/** Yields full buffers; `next(buffer)` brings an empty one, and the last message returns. */
type Reading<Result> = Generator<ChunksRead, Result, SharedArrayBuffer>;

export class FileChunks {
  readonly #chunker: Chunker;
  readonly #job: ReadJob;
  /** A chunk that was not complete when its buffer was given away. */
  readonly #carried: Buffer;
  #bytes: Buffer<SharedArrayBuffer>;
  #used = 0;
  #ranges: number[] = [];
  #sums: number[] = [];
  #files: number[] = [];

  /** `carried` is scratch space of CHUNK_BYTES_MAX bytes, so that it is made once a thread. */
  constructor(job: ReadJob, chunker: Chunker, carried: Buffer) {
    if (carried.length < CHUNK_BYTES_MAX) throw new RangeError('the scratch space is shorter than a chunk');
    this.#job = job;
    this.#chunker = chunker;
    this.#carried = carried;
    this.#bytes = Buffer.from(job.buffer);
  }

  /** Chunks of a file that failed half-way may have been given away before; they are then part of no file. */
  *read(): Reading<ChunksRead> {
    const { sizes, paths, isWitness } = this.#job;
    const outcomes = new Uint8Array(sizes.length);
    const bytes = new Float64Array(sizes.length);
    const facts = new BigInt64Array(sizes.length * FACT_WORDS);
    const messages = new Map<number, string>();
    const witnesses = new Map<number, string>();
    let pathStart = 0;
    for (let file = 0; file < sizes.length; file += 1) {
      const pathEnd = paths.indexOf(0, pathStart);
      const path = Buffer.from(paths.buffer, paths.byteOffset + pathStart, pathEnd - pathStart);
      pathStart = pathEnd + 1;
      const witness = isWitness[file] === 1 ? createHash('sha256') : undefined;
      let fd: number | undefined;
      try {
        fd = openToRead(path);
        const before = fstatSync(fd, { bigint: true });
        if (!before.isFile()) throw Object.assign(new Error('it is no file any more'), { code: 'ENOENT' });
        writeStat(before, facts, file);
        const count = yield* this.#readFile(fd, file, Number(before.size), witness);
        bytes[file] = count;
        outcomes[file] = isSame(before, fstatSync(fd, { bigint: true }), count) ? FILE_READ : FILE_CHANGED;
        if (witness !== undefined) witnesses.set(file, witness.digest('hex'));
      } catch (error) {
        outcomes[file] = outcomeOf(error);
        messages.set(file, readProblem(error).message);
      } finally {
        if (fd !== undefined) closeSync(fd);
      }
    }
    return { ...this.#message(), done: { outcomes, bytes, facts, messages, witnesses } };
  }

  /** To the end of the file, whatever its size was said to be. Returns the bytes read. */
  *#readFile(fd: number, file: number, size: number, witness: Hash | undefined): Reading<number> {
    let start = this.#used;
    let total = 0;
    let scanned = 0;
    for (let isEnd = false; !isEnd; ) {
      // One byte more than is left shows the end of the file in the same call that reads it.
      const wanted = Math.min(READ_BYTES, Math.max(size - total, 0) + 1);
      if (READ_BUFFER_BYTES - this.#used < wanted) {
        yield* this.#giveAway(start);
        start = 0;
      }
      const count = readSync(fd, this.#bytes, this.#used, wanted, null);
      witness?.update(this.#bytes.subarray(this.#used, this.#used + count));
      this.#used += count;
      total += count;
      isEnd = count === 0 || (count < wanted && total >= size);
      while (start < this.#used) {
        const length = this.#chunker.nextLength(this.#bytes.subarray(start, this.#used), isEnd, scanned);
        scanned = length === undefined ? this.#used - start : 0;
        if (length === undefined) break;
        this.#add(start, start + length, file);
        start += length;
      }
    }
    return total;
  }

  #add(start: number, end: number, file: number): void {
    this.#ranges.push(start, end);
    this.#sums.push(plainSum(this.#bytes.subarray(start, end)));
    this.#files.push(file);
  }

  /** The chunk that begins at `start` is not complete: it moves to the beginning of the next buffer. */
  *#giveAway(start: number): Reading<void> {
    const length = this.#bytes.copy(this.#carried, 0, start, this.#used);
    const next = yield this.#message();
    this.#bytes = Buffer.from(next);
    this.#used = this.#carried.copy(this.#bytes, 0, 0, length);
    this.#ranges = [];
    this.#sums = [];
    this.#files = [];
  }

  /** All chunks of the buffer are hashed at once, side by side. */
  #message(): ChunksRead {
    const ids = new Uint8Array((this.#ranges.length / 2) * HASH_BYTES);
    hashRanges(this.#bytes, this.#ranges, ids);
    return {
      kind: 'chunks',
      buffer: this.#bytes.buffer,
      ranges: Uint32Array.from(this.#ranges),
      ids,
      sums: Uint32Array.from(this.#sums),
      files: Uint32Array.from(this.#files),
    };
  }
}

let isQuiet = process.geteuid?.() === 0;

function openToRead(path: Buffer): number {
  if (!isQuiet) return openSync(path, OPEN_FLAGS);
  try {
    return openSync(path, QUIET_FLAGS);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    // A network's file system, or root of a container only: it is not asked again.
    isQuiet = false;
    return openSync(path, OPEN_FLAGS);
  }
}

/** Files of /proc and the like say that they are empty; what they hold is no sign of a change. */
function isSame(before: BigIntStats, after: BigIntStats, bytes: number): boolean {
  const isUntouched =
    before.size === after.size && before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs;
  return isUntouched && (after.size === 0n || BigInt(bytes) === after.size);
}

function outcomeOf(error: unknown): number {
  const { reason } = readProblem(error);
  if (reason === 'vanished') return FILE_VANISHED;
  return reason === 'permission_denied' ? FILE_FORBIDDEN : FILE_FAILED;
}
