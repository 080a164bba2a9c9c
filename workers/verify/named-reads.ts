/**
 * A store that compares every object that is read whole with its name, several side by side, before it hands it on. The parent of a
 * sandbox child does so: it is trusted more than the child, and needs a third of the time that one hash after the other takes.
 */
import { hashPieces } from '../../core/base/native/hash-pieces.ts';
import type { ByteRange, ReadStore } from '../../core/storage/port.ts';
import type { ObjectToVerify } from '../../server/verification/begin-verification.ts';

/** As many as are hashed side by side. */
export const NAMED_READS_AT_ONCE = 8;

interface Waiting {
  readonly object: ObjectToVerify;
  readonly bytes: Uint8Array;
  readonly resolve: (bytes: Uint8Array) => void;
}

export class NamedReads {
  /** Keys of which a reading was not what the name says. */
  readonly misnamed = new Set<string>();
  readonly store: ReadStore;
  readonly #inner: ReadStore;
  readonly #objects: ReadonlyMap<string, ObjectToVerify>;
  #reading = 0;
  #waiting: Waiting[] = [];

  constructor(inner: ReadStore, objects: ReadonlyMap<string, ObjectToVerify>) {
    this.#inner = inner;
    this.#objects = objects;
    this.store = {
      head: (key) => inner.head(key),
      stream: (key) => inner.stream(key),
      list: (prefix) => inner.list(prefix),
      get: (key, range, room) => this.#get(key, range, room),
    };
  }

  async #get(key: string, range?: ByteRange, room?: (bytes: number) => Uint8Array): Promise<Uint8Array> {
    const object = this.#objects.get(key);
    if (object === undefined || range !== undefined) return await this.#inner.get(key, range, room);
    this.#reading += 1;
    try {
      const bytes = await this.#inner.get(key, undefined, room);
      return await new Promise<Uint8Array>((resolve) => {
        this.#waiting.push({ object, bytes, resolve });
        // Nobody else is on the way, or enough are here.
        if (this.#waiting.length >= Math.min(NAMED_READS_AT_ONCE, this.#reading)) this.#hash();
      });
    } finally {
      this.#reading -= 1;
      if (this.#waiting.length > 0 && this.#waiting.length >= Math.min(NAMED_READS_AT_ONCE, this.#reading))
        this.#hash();
    }
  }

  #hash(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const hashes = hashPieces(waiting.map(({ bytes }) => bytes));
    for (const [at, { object, bytes, resolve }] of waiting.entries()) {
      const name = hashes[at]!.toString('hex');
      if (name !== object.sha256 || bytes.length !== object.size) this.misnamed.add(object.key);
      resolve(bytes);
    }
  }
}
