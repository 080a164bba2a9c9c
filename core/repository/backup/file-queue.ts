/** Files on their way through the lanes: gathered into batches, and put together again from the chunks that come back. */
import type { EntryFacts, ScannedEntry } from '../../filesystem/scan.ts';
import type { UnreadItem } from '../types.ts';
import { readFacts } from './file-facts.ts';
import {
  type ChunksRead,
  FILE_CHANGED,
  FILE_FAILED,
  FILE_FORBIDDEN,
  FILE_READ,
  FILE_VANISHED,
  type FilesRead,
} from './lane-messages.ts';
import type { Lanes } from './lanes.ts';

/** A batch ends at so many files or bytes: messages cost about as much as reading a small file. */
const BATCH_FILES = 256;
const BATCH_BYTES = 4 * 1024 * 1024;
/** The walk goes so far ahead, so that the totals are soon known; each file costs some 500 bytes while it waits. */
const FILES_AHEAD_MAX = 60_000;

export interface QueuedFile {
  readonly entry: ScannedEntry;
  readonly isWitness: boolean;
  /** Called once. */
  done(result: FileResult): void;
}

export interface FileResult {
  /** Undefined when the file could not be read and is to be left out. */
  readonly kept: { readonly content: readonly string[]; readonly facts: EntryFacts } | undefined;
  readonly problem: Pick<UnreadItem, 'reason' | 'message' | 'bytes'> | undefined;
  /** Lowercase hex of a plain SHA-256, when the file is a witness and was read whole. */
  readonly witness: string | undefined;
}

export interface FileQueueOptions {
  readonly lanes: Lanes;
  /** Takes the chunks of a buffer, and with them the buffer; returns their ids. */
  readonly addChunks: (buffer: SharedArrayBuffer, ranges: Uint32Array, ids: Uint8Array) => string[];
  readonly onBytes: (bytes: number, path: Buffer) => void;
}

export class FileQueue {
  readonly #options: FileQueueOptions;
  #batch: QueuedFile[] = [];
  #batchBytes = 0;
  #ahead = 0;
  #onRoom: (() => void) | undefined;

  constructor(options: FileQueueOptions) {
    this.#options = options;
  }

  add(file: QueuedFile): void {
    this.#ahead += 1;
    const { size } = file.entry.facts;
    // A large file goes alone, so that small ones need not wait for it.
    if (size >= BATCH_BYTES) return this.#send([file]);
    this.#batch.push(file);
    this.#batchBytes += size;
    if (this.#batch.length >= BATCH_FILES || this.#batchBytes >= BATCH_BYTES) this.flush();
  }

  /** Sends what was gathered. */
  flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    if (batch.length > 0) this.#send(batch);
  }

  /** Resolves when the walk may go on. */
  async room(): Promise<void> {
    while (this.#ahead > FILES_AHEAD_MAX) {
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve;
      });
    }
  }

  #send(files: readonly QueuedFile[]): void {
    const end = Buffer.of(0);
    const job = {
      paths: new Uint8Array(Buffer.concat(files.flatMap(({ entry }) => [entry.path, end]))),
      sizes: Float64Array.from(files, ({ entry }) => entry.facts.size),
      isWitness: Uint8Array.from(files, ({ isWitness }) => (isWitness ? 1 : 0)),
    };
    const contents: string[][] = files.map(() => []);
    this.#options.lanes.read({ job, onChunks: (chunks) => this.#take(files, contents, chunks) });
  }

  #take(files: readonly QueuedFile[], contents: readonly string[][], chunks: ChunksRead): void {
    const { buffer, ranges, done } = chunks;
    const ids = this.#options.addChunks(buffer, ranges, chunks.ids);
    let bytes = 0;
    for (const [at, id] of ids.entries()) {
      contents[chunks.files[at]!]!.push(id);
      bytes += ranges[at * 2 + 1]! - ranges[at * 2]!;
    }
    const last = files[chunks.files.at(-1) ?? files.length - 1]!;
    if (done !== undefined) {
      for (const [at, file] of files.entries()) file.done(resultOf(file, contents[at]!, done, at));
      this.#ahead -= files.length;
      this.#onRoom?.();
    }
    this.#options.onBytes(bytes, last.entry.path);
  }
}

const REASONS: Readonly<Record<number, UnreadItem['reason']>> = {
  [FILE_VANISHED]: 'vanished',
  [FILE_FORBIDDEN]: 'permission_denied',
  [FILE_FAILED]: 'read_error',
};

function resultOf({ entry }: QueuedFile, content: readonly string[], done: FilesRead, at: number): FileResult {
  const outcome = done.outcomes[at]!;
  if (outcome !== FILE_READ && outcome !== FILE_CHANGED) {
    const reason = REASONS[outcome] ?? 'read_error';
    const message = done.messages.get(at) ?? 'Reading it failed.';
    return { kept: undefined, problem: { reason, message, bytes: entry.facts.size }, witness: undefined };
  }
  const facts = { ...readFacts(done.facts, at), size: done.bytes[at]! };
  const problem =
    outcome === FILE_READ
      ? undefined
      : ({
          reason: 'changed_while_reading',
          message: 'It changed while it was read; what was read is kept.',
          bytes: 0,
        } as const);
  return { kept: { content, facts }, problem, witness: done.witnesses.get(at) };
}
