/**
 * Where a sandbox child finds large bodies: in a file that lies in memory and that it may only read. Through the pipe every byte is
 * copied into pieces of the kernel's and out of them by one thread; from here, the child's threads take what they need themselves.
 * The parent never reads it: what it compares with names are bytes of its own.
 */
import { write } from 'node:fs';
import { promisify } from 'node:util';
import { type AnonymousFile, createAnonymousFile } from '../../core/base/native/anonymous-file.ts';

/** A pack has some 17 MiB, and seldom more than this; what is larger goes through the pipe. */
const PLACE_BYTES = 24 * 1024 * 1024;
/** Two groups of packs: one is read while the other is checked. What finds no place goes through the pipe. */
const PLACES = 16;
/** Less is in the pipe at once. */
const WORTH_BYTES = 64 * 1024;

const writeAt = promisify(write);

export class BodyPlaces {
  readonly #file: AnonymousFile;
  readonly #free = Array.from({ length: PLACES }, (_, number) => number);
  readonly #given = new Set<number>();
  #writing = 0;
  #isClosed = false;

  constructor(file: AnonymousFile) {
    this.#file = file;
  }

  /** Undefined where the machine has no such file. */
  static open(): BodyPlaces | undefined {
    const file = createAnonymousFile('holdfast-sandbox');
    return file && new BodyPlaces(file);
  }

  /** For the child. */
  get readOnly(): number {
    return this.#file.readOnly;
  }

  /** @returns where the bytes begin, or undefined when they have to go another way. */
  async put(bytes: Uint8Array): Promise<number | undefined> {
    if (bytes.length < WORTH_BYTES || bytes.length > PLACE_BYTES || this.#isClosed) return undefined;
    const place = this.#free.pop();
    if (place === undefined) return undefined;
    this.#writing += 1;
    try {
      const at = place * PLACE_BYTES;
      for (let done = 0; done < bytes.length; )
        done += (await writeAt(this.#file.descriptor, bytes, done, bytes.length - done, at + done)).bytesWritten;
      this.#given.add(at);
      return at;
    } catch {
      this.#free.push(place); // the machine's memory is used up, or was limited
      return undefined;
    } finally {
      this.#writing -= 1;
      this.#closeWhenUnused();
    }
  }

  /** The child has read what begins there. @throws RangeError when nothing was given there: the child does not keep to its rules. */
  release(at: number): void {
    if (!this.#given.delete(at)) throw new RangeError('a place that was not given');
    this.#free.push(at / PLACE_BYTES);
  }

  close(): void {
    this.#isClosed = true;
    this.#closeWhenUnused();
  }

  /** A descriptor that is written to must not become another file's. */
  #closeWhenUnused(): void {
    if (this.#isClosed && this.#writing === 0) this.#file.close();
  }
}
