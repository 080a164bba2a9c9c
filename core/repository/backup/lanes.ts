/** The backup's side of its worker threads: hands out files in batches, answers which chunks are new, collects what comes back. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ERROR_CODES, type ErrorCode, HoldfastError } from '../../base/errors.ts';
import type { MasterKey } from '../types.ts';
import type { FileRead, FileToRead, FromLane, LaneSetup, SealedChunk, ToLane } from './lane-messages.ts';

const LANES_MAX = 4;
/** A batch ends at so many files or bytes: messages cost about as much as reading a small file. */
const BATCH_FILES = 96;
const BATCH_BYTES = 4 * 1024 * 1024;
/** Batches that a lane has in hand, so that it never waits for its next one. */
const BATCHES_PER_LANE = 2;

export interface LaneHandlers {
  /** Claims the chunks that are new; called once a segment. May wait, which holds the lane back. */
  claim(ids: readonly string[]): Promise<Uint8Array>;
  sealed(chunk: SealedChunk, bytes: Uint8Array): void;
  read(file: FileRead): void;
}

interface Lane {
  readonly worker: Worker;
  batches: number;
  segments: number;
}

/**
 * Reads all files. Resolves when every new chunk was handed to `sealed` and every file to `read`.
 * @throws HoldfastError of a lane or of a handler, and cancelled; the threads are ended either way.
 */
export async function readFiles(
  masterKey: MasterKey,
  chunkerPolynomial: string,
  files: readonly FileToRead[],
  handlers: LaneHandlers,
  signal?: AbortSignal,
): Promise<void> {
  if (files.length === 0) return;
  const batches = makeBatches(files);
  const { encrypt, macK, macR } = masterKey;
  const setup: LaneSetup = { masterKey: { encrypt, macK, macR }, chunkerPolynomial };
  const count = Math.min(LANES_MAX, availableParallelism(), batches.length);
  const lanes: Lane[] = Array.from({ length: count }, () => ({
    worker: new Worker(new URL('./lane-worker.ts', import.meta.url), { workerData: setup, env: {} }),
    batches: 0,
    segments: 0,
  }));
  try {
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => reject(new HoldfastError('cancelled', 'The backup was stopped before it was complete.'));
      if (signal?.aborted) return stop();
      signal?.addEventListener('abort', stop, { once: true });
      for (const lane of lanes) new LaneDriver(lane, lanes, batches, handlers, resolve, reject).start();
    });
  } finally {
    await Promise.all(lanes.map(({ worker }) => worker.terminate()));
  }
}

class LaneDriver {
  readonly #lane: Lane;
  readonly #lanes: readonly Lane[];
  readonly #batches: FileToRead[][];
  readonly #handlers: LaneHandlers;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    lane: Lane,
    lanes: readonly Lane[],
    batches: FileToRead[][],
    handlers: LaneHandlers,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    this.#lane = lane;
    this.#lanes = lanes;
    this.#batches = batches;
    this.#handlers = handlers;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    this.#lane.worker.on('error', this.#reject);
    this.#lane.worker.on('message', (message: FromLane) => {
      this.#receive(message).catch(this.#reject);
    });
    this.#feed();
  }

  #post(message: ToLane): void {
    this.#lane.worker.postMessage(message);
  }

  #feed(): void {
    while (this.#lane.batches < BATCHES_PER_LANE) {
      const files = this.#batches.pop();
      if (files === undefined) break;
      this.#lane.batches += 1;
      this.#post({ kind: 'read', files });
    }
    const isIdle = this.#lanes.every(({ batches, segments }) => batches === 0 && segments === 0);
    if (isIdle && this.#batches.length === 0) this.#resolve();
  }

  async #receive(message: FromLane): Promise<void> {
    switch (message.kind) {
      case 'chunks':
        this.#lane.segments += 1;
        this.#post({ kind: 'wanted', segment: message.segment, wanted: await this.#handlers.claim(message.ids) });
        return;
      case 'sealed':
        for (const chunk of message.chunks) {
          this.#handlers.sealed(chunk, message.bytes.subarray(chunk.offset, chunk.offset + chunk.length));
        }
        this.#lane.segments -= 1;
        break;
      case 'read':
        for (const file of message.files) this.#handlers.read(file);
        this.#lane.batches -= 1;
        break;
      case 'failed':
        throw new HoldfastError(
          ERROR_CODES.find((code): code is ErrorCode => code === message.code) ?? 'internal',
          message.message,
        );
    }
    this.#feed();
  }
}

/** The largest files last in the list, so that they are taken first and no lane ends long after the others. */
function makeBatches(files: readonly FileToRead[]): FileToRead[][] {
  const batches: FileToRead[][] = [];
  const large: FileToRead[] = [];
  let batch: FileToRead[] = [];
  let bytes = 0;
  for (const file of files) {
    if (file.size > BATCH_BYTES) {
      large.push(file);
      continue;
    }
    batch.push(file);
    bytes += file.size;
    if (batch.length < BATCH_FILES && bytes < BATCH_BYTES) continue;
    batches.push(batch);
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) batches.push(batch);
  batches.reverse(); // taken from the end: small files then keep their order, and neighbours share packs
  for (const file of large.sort((a, b) => a.size - b.size)) batches.push([file]);
  return batches;
}
