/**
 * The backup's side of its worker threads. Work that is waiting goes to whichever lane has least to do, sealing before
 * reading: what was read holds memory until it is sealed. Buffers are few and go round, which bounds memory and saves the
 * cost of new pages; while none is free, or uploads are behind, reading waits.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ERROR_CODES, type ErrorCode, HoldfastError } from '../../base/errors.ts';
import type {
  BlobsSealed,
  ChunksRead,
  FinishJob,
  FromLane,
  LaneSetup,
  PackFinished,
  ReadJob,
  SealJob,
  ToLane,
} from './lane-messages.ts';
import { READ_BUFFER_BYTES } from './lane-messages.ts';
import { sealedBytesMax } from './seal-blob.ts';

/** More lanes would need more memory than a backup may take on a busy machine. */
const LANES_MAX = 4;
/** Messages that a lane has in hand, so that it never waits for its next one. */
const MESSAGES_PER_LANE = 2;

/** Sealed chunks of one buffer: a read job has at most some hundred files, and each chunk grows by less than 64 bytes. */
const TARGET_BYTES = READ_BUFFER_BYTES + 64 * 1024;

/** Files of one read job, and who hears of them. */
export interface ReadBatch {
  readonly job: Omit<ReadJob, 'kind' | 'buffer'>;
  /** The buffer is the receiver's until it gives it back: to `seal` (which does) or to `releaseBuffer`. */
  onChunks(chunks: ChunksRead): void;
}

type Reply = BlobsSealed | PackFinished;

interface Asked {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** A seal job gets its target when a lane takes it: what waits holds no more memory than it must. */
type Job = Omit<SealJob, 'target'> | FinishJob;

interface Waiting extends Asked {
  readonly message: Job;
}

interface Lane {
  readonly worker: Worker;
  inHand: number;
  reading: ReadBatch | undefined;
  /** The batch that it reads needs another buffer. */
  isStarved: boolean;
}

export interface LanesOptions {
  readonly setup: LaneSetup;
  /** While it says no, nothing new is sealed. Call `schedule` when that changes. */
  readonly mayAdd: () => boolean;
  /** The first failure of any lane; nothing more comes after it. */
  readonly onFailure: (error: unknown) => void;
}

export class Lanes {
  readonly #options: LanesOptions;
  readonly #lanes: Lane[] = [];
  readonly #lanesMax = Math.min(LANES_MAX, availableParallelism());
  readonly #seals: Waiting[] = [];
  readonly #finishes: Waiting[] = [];
  readonly #reads: ReadBatch[] = [];
  readonly #asked = new Map<number, Asked>();
  readonly #freeBuffers: SharedArrayBuffer[] = [];
  readonly #freeTargets: SharedArrayBuffer[] = [];
  #buffersMade = 0;
  #jobs = 0;
  #isClosed = false;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Batches that no lane has begun. */
  get readsWaiting(): number {
    return this.#reads.length;
  }

  read(batch: ReadBatch): void {
    this.#reads.push(batch);
    this.schedule();
  }

  /** `isPooled`: the buffer came with chunks, and goes back to reading afterwards. */
  async seal(message: Omit<SealJob, 'kind' | 'job' | 'target'>, isPooled: boolean): Promise<BlobsSealed> {
    const reply = await this.#ask(this.#seals, { ...message, kind: 'seal', job: ++this.#jobs });
    const sealed = reply as BlobsSealed; // a seal job is answered by nothing else
    if (isPooled) this.releaseBuffer(sealed.buffer);
    return sealed;
  }

  /** The memory of sealed blobs that were copied into their packs. */
  releaseTarget(target: SharedArrayBuffer): void {
    if (target.byteLength === TARGET_BYTES) this.#freeTargets.push(target);
  }

  #takeTarget(ranges: Uint32Array): SharedArrayBuffer {
    let plainBytes = 0;
    for (let at = 0; at < ranges.length; at += 2) plainBytes += ranges[at + 1]! - ranges[at]!;
    const bytes = sealedBytesMax(plainBytes, ranges.length / 2);
    // Only the listing of an enormous folder needs more than a buffer full of chunks does.
    return bytes > TARGET_BYTES
      ? new SharedArrayBuffer(bytes)
      : (this.#freeTargets.pop() ?? new SharedArrayBuffer(TARGET_BYTES));
  }

  async finish(message: Omit<FinishJob, 'kind' | 'job'>): Promise<PackFinished> {
    const reply = await this.#ask(this.#finishes, { ...message, kind: 'finish', job: ++this.#jobs });
    return reply as PackFinished; // a finish job is answered by nothing else
  }

  releaseBuffer(buffer: SharedArrayBuffer): void {
    this.#freeBuffers.push(buffer);
    this.schedule();
  }

  /** Hands out what can be handed out now. */
  schedule(): void {
    while (!this.#isClosed) {
      const lane = this.#idlest();
      if (lane === undefined || !this.#feed(lane)) return;
    }
  }

  /** Ends the threads. Whoever still waits for an answer hears that there will be none. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const ended = new HoldfastError('cancelled', 'The backup has ended.');
    for (const { reject } of [...this.#asked.values(), ...this.#seals, ...this.#finishes]) reject(ended);
    await Promise.all(this.#lanes.map(({ worker }) => worker.terminate()));
  }

  #ask(queue: Waiting[], message: Job): Promise<Reply> {
    return new Promise((resolve, reject) => {
      queue.push({ message, resolve, reject });
      this.schedule();
    });
  }

  /** A lane with room, a new one while all are busy and there may be more. */
  #idlest(): Lane | undefined {
    const hasWork = this.#finishes.length + this.#seals.length + this.#reads.length > 0;
    let idlest: Lane | undefined;
    for (const lane of this.#lanes) if (idlest === undefined || lane.inHand < idlest.inHand) idlest = lane;
    if ((idlest === undefined || idlest.inHand > 0) && hasWork && this.#lanes.length < this.#lanesMax)
      return this.#open();
    return idlest !== undefined && idlest.inHand < MESSAGES_PER_LANE ? idlest : undefined;
  }

  /** True when something was handed out, to this lane or to the one that alone can take it. */
  #feed(lane: Lane): boolean {
    const waiting = this.#finishes.shift() ?? (this.#options.mayAdd() ? this.#seals.shift() : undefined);
    if (waiting !== undefined) {
      this.#asked.set(waiting.message.job, waiting);
      const { message } = waiting;
      if (message.kind === 'finish') this.#post(lane, message, [message.buffer]);
      else this.#post(lane, { ...message, target: this.#takeTarget(message.ranges) });
      return true;
    }
    const starved = this.#lanes.find(({ isStarved, inHand }) => isStarved && inHand < MESSAGES_PER_LANE);
    const reader =
      starved ?? this.#lanes.find(({ reading, inHand }) => reading === undefined && inHand < MESSAGES_PER_LANE);
    if (reader === undefined || (starved === undefined && this.#reads.length === 0)) return false;
    const buffer = this.#takeBuffer();
    if (buffer === undefined) return false;
    if (reader.isStarved) {
      reader.isStarved = false;
      this.#post(reader, { kind: 'more', buffer });
    } else {
      reader.reading = this.#reads.shift()!; // its length was looked at above
      this.#post(reader, { kind: 'read', ...reader.reading.job, buffer });
    }
    return true;
  }

  #post(lane: Lane, message: ToLane, transfer: ArrayBuffer[] = []): void {
    lane.inHand += 1;
    lane.worker.postMessage(message, transfer);
  }

  /** A lane reads into one buffer while others wait to be sealed; more than two a lane would only hold memory. */
  #takeBuffer(): SharedArrayBuffer | undefined {
    const free = this.#freeBuffers.pop();
    if (free !== undefined || this.#buffersMade >= this.#lanesMax * 2 + 1) return free;
    this.#buffersMade += 1;
    return new SharedArrayBuffer(READ_BUFFER_BYTES);
  }

  #open(): Lane {
    const { setup } = this.#options;
    const worker = new Worker(new URL('./lane-worker.ts', import.meta.url), {
      workerData: setup,
      env: {},
      // A lane keeps nothing between its jobs: a small young generation costs it nothing and saves tens of megabytes.
      resourceLimits: { maxYoungGenerationSizeMb: 12 },
    });
    const lane: Lane = { worker, inHand: 0, reading: undefined, isStarved: false };
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', (code) => this.#fail(new Error(`a backup thread ended by itself with code ${code}`)));
    worker.on('message', (message: FromLane) => this.#receive(lane, message));
    this.#lanes.push(lane);
    return lane;
  }

  #receive(lane: Lane, message: FromLane): void {
    if (this.#isClosed) return;
    lane.inHand -= 1;
    try {
      this.#handle(lane, message);
      this.schedule();
    } catch (error) {
      this.#fail(error);
    }
  }

  #handle(lane: Lane, message: FromLane): void {
    if (message.kind === 'failed') {
      const code = ERROR_CODES.find((known): known is ErrorCode => known === message.code) ?? 'internal';
      throw new HoldfastError(code, message.message);
    }
    if (message.kind === 'chunks') {
      const batch = lane.reading!; // a lane sends chunks of the batch that it was given, and of nothing else
      if (message.done !== undefined) lane.reading = undefined;
      else lane.isStarved = true;
      batch.onChunks(message);
      return;
    }
    this.#asked.get(message.job)?.resolve(message);
    this.#asked.delete(message.job);
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.onFailure(error);
  }
}
