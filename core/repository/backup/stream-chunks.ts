/** Cuts a stream into chunks as it comes, in the lanes' own buffers, which seal them; memory does not grow with its length. */
import { hash } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import type { Chunker } from '../chunker/chunker.ts';
import type { HashedBlobs } from './lane-messages.ts';
import type { OpenStream, StreamSource } from './stream-source.ts';
import { plainSum } from '../write/plain-sum.ts';

export interface ChunkSink {
  /** An empty buffer, as soon as one is free. */
  borrowBuffer(): Promise<SharedArrayBuffer>;
  releaseBuffer(buffer: SharedArrayBuffer): void;
  /** Takes the chunks of a buffer, and with them the buffer; returns their ids. */
  addChunks(chunks: HashedBlobs): string[];
  onBytes(bytes: number): void;
}

export interface StreamRead {
  readonly content: readonly string[];
  readonly size: number;
}

/** A producer that broke its output off is given so long to say why. */
const REASON_WAIT_MS = 1000;

/**
 * The whole stream. Chunks of one that fails may have been stored already; they are then part of no file.
 * @throws HoldfastError source_unreadable when the producer failed, source_missing when it gave nothing; what the sink and
 * `open` throw as a HoldfastError is passed on. `signal` ends the reading with its reason.
 */
export async function readStream(
  source: StreamSource,
  chunker: Chunker,
  sink: ChunkSink,
  signal: AbortSignal,
): Promise<StreamRead> {
  const chunks = new StreamChunks(chunker, sink);
  try {
    const stream = await source.open(signal);
    await pump(stream, signal, (piece) => chunks.add(piece));
    const read = await chunks.end();
    if (read.size === 0 && source.mayBeEmpty !== true)
      throw new HoldfastError(
        'source_missing',
        `${source.path}: its producer ended without giving a single byte. Nothing was stored for it. Earlier backups are untouched.`,
      );
    return read;
  } catch (error) {
    chunks.discard();
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError(
      'source_unreadable',
      `${source.path}: its producer failed: ${error instanceof Error ? error.message : String(error)}. What it gave was not kept. Earlier backups are untouched.`,
      { cause: error, detail: { path: source.path } },
    );
  }
}

/** Every piece in turn, until the producer has ended well. A producer that fails is heard while its output stays open. */
async function pump(
  { bytes, done }: OpenStream,
  signal: AbortSignal,
  take: (piece: Uint8Array) => Promise<void>,
): Promise<void> {
  let stop: ((error: unknown) => void) | undefined;
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => {
    failure ??= { error };
    stop?.(failure.error);
  };
  const onAbort = (): void => fail(signal.reason);
  const ended = done.catch((error: unknown) => fail(error));
  signal.addEventListener('abort', onAbort, { once: true });
  const iterator = bytes[Symbol.asyncIterator]();
  // Not Promise.race: each race with a promise that lives as long as the stream would leave something behind in it.
  const orFailure = async <T>(promise: Promise<T>): Promise<T> => {
    if (signal.aborted) onAbort();
    if (failure !== undefined) throw failure.error;
    return await new Promise<T>((resolve, reject) => {
      stop = reject;
      promise.then(resolve, reject);
    });
  };
  try {
    for (;;) {
      const { value, done: isEnd } = await orFailure(iterator.next());
      if (isEnd === true) break;
      await take(value);
    }
    await orFailure(ended);
    if (failure !== undefined) throw failure.error;
  } catch (error) {
    // A broken pipe says less than the exit code that follows it.
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, REASON_WAIT_MS).unref())]);
    iterator.return?.().catch(() => undefined);
    throw failure === undefined ? error : failure.error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

class StreamChunks {
  readonly #chunker: Chunker;
  readonly #sink: ChunkSink;
  readonly #content: string[] = [];
  #size = 0;
  #buffer: SharedArrayBuffer | undefined;
  #used = 0;
  /** Where the chunk that is not complete begins, and how much of it was looked at. */
  #start = 0;
  #scanned = 0;
  #ranges: number[] = [];
  #ids: Buffer[] = [];
  #sums: number[] = [];

  constructor(chunker: Chunker, sink: ChunkSink) {
    this.#chunker = chunker;
    this.#sink = sink;
  }

  async add(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.length; ) {
      this.#buffer ??= await this.#sink.borrowBuffer();
      const part = piece.subarray(at, at + this.#buffer.byteLength - this.#used);
      new Uint8Array(this.#buffer).set(part, this.#used);
      this.#used += part.length;
      at += part.length;
      this.#cut(false);
      if (this.#used === this.#buffer.byteLength) await this.#giveAway();
    }
    this.#size += piece.length;
    this.#sink.onBytes(piece.length);
  }

  async end(): Promise<StreamRead> {
    if (this.#buffer !== undefined) {
      this.#cut(true);
      this.#send(this.#buffer);
    }
    return { content: this.#content, size: this.#size };
  }

  discard(): void {
    if (this.#buffer !== undefined) this.#sink.releaseBuffer(this.#buffer);
    this.#buffer = undefined;
  }

  #cut(isEnd: boolean): void {
    const bytes = Buffer.from(this.#buffer!); // the callers have one
    while (this.#start < this.#used) {
      const rest = bytes.subarray(this.#start, this.#used);
      const length = this.#chunker.nextLength(rest, isEnd, this.#scanned);
      this.#scanned = length === undefined ? rest.length : 0;
      if (length === undefined) return;
      this.#ranges.push(this.#start, this.#start + length);
      const chunk = rest.subarray(0, length);
      this.#ids.push(hash('sha256', chunk, 'buffer'));
      this.#sums.push(plainSum(chunk));
      this.#start += length;
    }
  }

  /** A chunk that is not complete moves to the beginning of the next buffer. A full buffer holds one that is. */
  async #giveAway(): Promise<void> {
    const buffer = this.#buffer!;
    const carried = Buffer.from(Buffer.from(buffer).subarray(this.#start, this.#used));
    this.#send(buffer);
    this.#buffer = await this.#sink.borrowBuffer();
    new Uint8Array(this.#buffer).set(carried);
    this.#used = carried.length;
  }

  #send(buffer: SharedArrayBuffer): void {
    this.#buffer = undefined;
    const ids = this.#sink.addChunks({
      buffer,
      ranges: Uint32Array.from(this.#ranges),
      ids: new Uint8Array(Buffer.concat(this.#ids)),
      sums: Uint32Array.from(this.#sums),
    });
    for (const id of ids) this.#content.push(id);
    this.#ranges = [];
    this.#ids = [];
    this.#sums = [];
    this.#start = 0;
    this.#used = 0;
  }
}
