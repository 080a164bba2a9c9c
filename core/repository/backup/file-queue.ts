/** Files on their way through the lanes: gathered into batches, and put together again from the chunks that come back. */
import { readFacts } from '../../filesystem/entry-facts.ts';
import type { FolderListing } from '../../filesystem/folder-listing.ts';
import type { EntryFacts } from '../../filesystem/scan.ts';
import type { UnreadItem } from '../types.ts';
import {
  type ChunksRead,
  FILE_CHANGED,
  FILE_FAILED,
  FILE_FORBIDDEN,
  FILE_READ,
  FILE_VANISHED,
  type FilesRead,
  type HashedBlobs,
} from './lane-messages.ts';
import type { Lanes } from './lanes.ts';

/** A batch ends at so many files or bytes: messages cost about as much as reading a small file. */
const BATCH_FILES = 512;
const BATCH_BYTES = 4 * 1024 * 1024;
/** The walk goes so far ahead, so that the totals are soon known; each file costs some 200 bytes while it waits. */
const FILES_AHEAD_MAX = 4000;

/** The contents of a file of which no chunk has come; never changed. */
const NONE: string[] = [];

export interface QueuedFile {
  readonly listing: FolderListing;
  /** Place among the entries of its folder. */
  readonly place: number;
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
  readonly addChunks: (chunks: HashedBlobs) => string[];
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
    const size = sizeOf(file);
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
    const job = {
      paths: pathsOf(files),
      sizes: Float64Array.from(files, sizeOf),
      isWitness: Uint8Array.from(files, ({ isWitness }) => (isWitness ? 1 : 0)),
    };
    const contents = files.map(() => NONE);
    this.#options.lanes.read({ job, onChunks: (chunks) => this.#take(files, contents, chunks) });
  }

  #take(files: readonly QueuedFile[], contents: string[][], chunks: ChunksRead): void {
    const { ranges, done } = chunks;
    const ids = this.#options.addChunks(chunks);
    let bytes = 0;
    for (const [at, id] of ids.entries()) {
      const file = chunks.files[at]!;
      // Most have one: a list that grows makes room for sixteen more.
      if (contents[file] === NONE) contents[file] = [id];
      else contents[file]!.push(id);
      bytes += ranges[at * 2 + 1]! - ranges[at * 2]!;
    }
    const last = files[chunks.files.at(-1) ?? files.length - 1]!;
    if (done !== undefined) {
      for (const [at, file] of files.entries()) file.done(resultOf(file, contents[at]!, done, at));
      this.#ahead -= files.length;
      this.#onRoom?.();
    }
    this.#options.onBytes(bytes, pathOf(last));
  }
}

const REASONS: Readonly<Record<number, UnreadItem['reason']>> = {
  [FILE_VANISHED]: 'vanished',
  [FILE_FORBIDDEN]: 'permission_denied',
  [FILE_FAILED]: 'read_error',
};

/** One behind the other, each with a zero at its end, in memory of their own: a message carries all that a view is a part of. */
function pathsOf(files: readonly QueuedFile[]): Uint8Array {
  let bytes = 0;
  for (const { listing, place } of files) bytes += listing.pathBytes(place) + 1;
  const paths = new Uint8Array(bytes);
  const target = Buffer.from(paths.buffer);
  let at = 0;
  for (const { listing, place } of files) at = listing.writePath(place, target, at) + 1;
  return paths;
}

function pathOf({ listing, place }: QueuedFile): Buffer {
  return listing.path(place);
}

/** Bytes that the scan saw. */
function sizeOf({ listing, place }: QueuedFile): number {
  return listing.size(place);
}

function resultOf(file: QueuedFile, content: readonly string[], done: FilesRead, at: number): FileResult {
  const outcome = done.outcomes[at]!;
  if (outcome !== FILE_READ && outcome !== FILE_CHANGED) {
    const reason = REASONS[outcome] ?? 'read_error';
    const message = done.messages.get(at) ?? 'Reading it failed.';
    return { kept: undefined, problem: { reason, message, bytes: sizeOf(file) }, witness: undefined };
  }
  const facts = readFacts(done.facts, at, done.bytes[at]);
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
