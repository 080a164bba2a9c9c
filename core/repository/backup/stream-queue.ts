/** Streams that wait until the files are on their way; they are read one after the other. */
import { HoldfastError } from '../../base/errors.ts';
import type { ScannedEntry } from '../../filesystem/scan.ts';
import { Chunker } from '../chunker/chunker.ts';
import type { FileResult } from './file-queue.ts';
import { type ChunkSink, readStream } from './stream-chunks.ts';
import type { StreamSource } from './stream-source.ts';

export interface QueuedStream {
  readonly entry: ScannedEntry;
  readonly source: StreamSource;
  /** Called once, unless the backup ends with the stream's failure. */
  done(result: FileResult): void;
}

export interface StreamQueueOptions {
  readonly sink: Omit<ChunkSink, 'onBytes'>;
  readonly onBytes: (bytes: number, path: Buffer) => void;
  readonly chunkerPolynomial: string;
  /** All that may come, in the order in which they are to be read: the walk meets them in that of their names. */
  readonly order: readonly StreamSource[];
  /** True: one that failed is left out and told as a problem. False: it ends the backup. */
  readonly leavesOut: boolean;
}

export class StreamQueue {
  readonly #options: StreamQueueOptions;
  readonly #waiting: QueuedStream[] = [];
  readonly #ended = new AbortController();

  constructor(options: StreamQueueOptions) {
    this.#options = options;
  }

  add(stream: QueuedStream): void {
    this.#waiting.push(stream);
  }

  /** @throws what `readStream` throws, for the first stream that failed. */
  async readAll(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const { sink, onBytes, chunkerPolynomial, order } = this.#options;
    const chunker = new Chunker(chunkerPolynomial);
    const places = new Map(order.map((source, place) => [source, place]));
    const ordered = this.#waiting.toSorted((a, b) => (places.get(a.source) ?? 0) - (places.get(b.source) ?? 0));
    for (const { entry, source, done } of ordered) {
      const result = readStream(
        source,
        chunker,
        { ...sink, onBytes: (bytes) => onBytes(bytes, entry.path) },
        this.#ended.signal,
      );
      done(await this.#resultOf(entry, result));
    }
  }

  async #resultOf({ facts }: ScannedEntry, reading: ReturnType<typeof readStream>): Promise<FileResult> {
    try {
      const { content, size } = await reading;
      return { kept: { content, facts: { ...facts, size } }, problem: undefined, witness: undefined };
    } catch (error) {
      if (this.#ended.signal.aborted || !this.#options.leavesOut || !(error instanceof HoldfastError)) throw error;
      const problem = { reason: 'read_error', message: error.message, bytes: 0 } as const;
      return { kept: undefined, problem, witness: undefined };
    }
  }

  /** Nobody reads any more: producers that still run hear it by their signal. */
  close(reason: unknown): void {
    this.#ended.abort(reason);
  }
}
