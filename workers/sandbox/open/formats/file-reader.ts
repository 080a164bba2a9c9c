import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { BrokenFormat } from './finding.ts';

/** Pieces of one file, wherever they lie. @throws BrokenFormat for a place that is not in it. */
export class FileReader {
  readonly #handle: number;
  readonly size: number;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.#handle = openSync(path, 'r');
    this.size = fstatSync(this.#handle).size;
  }

  read(offset: number, length: number): Buffer {
    if (!(offset >= 0) || !(length >= 0) || offset + length > this.size)
      throw new BrokenFormat(`it refers to bytes ${offset} to ${offset + length}, and has ${this.size}`);
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const count = readSync(this.#handle, bytes, done, length - done, offset + done);
      if (count === 0) throw new BrokenFormat(`it ends at byte ${offset + done}`);
      done += count;
    }
    return bytes;
  }

  /** The end of the file, at most so many bytes. */
  tail(length: number): Buffer {
    const count = Math.min(length, this.size);
    return this.read(this.size - count, count);
  }

  stream(offset: number, length: number): Readable {
    if (length === 0) return createReadStream(this.#path, { end: -1, start: 0 });
    if (offset + length > this.size) throw new BrokenFormat(`it ends inside of what begins at byte ${offset}`);
    return createReadStream(this.#path, { start: offset, end: offset + length - 1, highWaterMark: 256 * 1024 });
  }

  close(): void {
    closeSync(this.#handle);
  }
}
