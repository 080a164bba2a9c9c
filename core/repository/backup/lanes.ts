/**
 * The backup's side of its worker threads. Work that is waiting goes to whichever lane has least to do, sealing before
 * reading: what was read holds memory until it is sealed. Buffers are few and go round, which bounds memory and saves the
 * cost of new pages; while none is free, or uploads are behind, reading waits.
 */
import { availableParallelism } from 'node:os';
import { ERROR_CODES, type ErrorCode, HoldfastError } from '../../base/errors.ts';
import type { BlobType } from '../types.ts';
import type {
  BlobsSealed,
  ChunksRead,
  CloseJob,
  FromLane,
  GiveJob,
  HashedBlobs,
  LaneSetup,
  PackClosed,
  PackGiven,
  ReadJob,
  SealJob,
  ToLane,
} from './lane-messages.ts';
import type { LoosePack, PackMade } from '../write/pack-file.ts';
import { READ_BUFFER_BYTES } from './lane-messages.ts';
import { type LanePort, openLaneHere, openThreadLane } from './open-lane.ts';

/** More lanes would need more memory than a backup may take on a busy machine. */
const LANES_MAX = 4;
/** Messages that a lane has in hand, so that it never waits for its next one. */
const MESSAGES_PER_LANE = 2;

/** Files of one read job, and who hears of them. */
export interface ReadBatch {
  readonly job: Omit<ReadJob, 'kind' | 'buffer'>;
  /** The buffer is the receiver's until it gives it back: to `seal` (which does) or to `releaseBuffer`. */
  onChunks(chunks: ChunksRead): void;
}

type Reply = BlobsSealed | PackGiven | PackClosed;

interface Asked {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

interface Waiting extends Asked {
  readonly message: SealJob;
}

interface Lane {
  readonly port: LanePort;
  /** Bytes in its open packs. */
  readonly openBytes: Record<BlobType, number>;
  inHand: number;
  reading: ReadBatch | undefined;
  /** The batch that it reads needs another buffer. */
  isStarved: boolean;
}

export interface LanesOptions {
  /** Asked when the first lane starts. */
  readonly setup: () => LaneSetup;
  /** Packs that are whole, in the order in which they became so. */
  readonly onPack: (pack: PackMade) => void;
  /** Threads; undefined: one a processor, but no more than a busy machine bears. */
  readonly lanesMax?: number | undefined;
  /** While it says no, nothing new is sealed. Call `schedule` when that changes. */
  readonly mayAdd: () => boolean;
  /** The first failure of any lane; nothing more comes after it. */
  readonly onFailure: (error: unknown) => void;
}

export class Lanes {
  readonly #options: LanesOptions;
  readonly #lanes: Lane[] = [];
  readonly #lanesMax: number;
  readonly #seals: Waiting[] = [];
  readonly #reads: ReadBatch[] = [];
  readonly #asked = new Map<number, Asked>();
  readonly #freeBuffers: SharedArrayBuffer[] = [];
  /** Who reads something else than files, and waits for a buffer. */
  readonly #borrowers: ((buffer: SharedArrayBuffer) => void)[] = [];
  #buffersMade = 0;
  #jobs = 0;
  #isNearlyDone = false;
  /** The one lane is no thread. */
  #isHere = false;
  #isClosed = false;

  constructor(options: LanesOptions) {
    this.#options = options;
    this.#lanesMax = options.lanesMax ?? Math.min(LANES_MAX, availableParallelism());
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
  async seal(message: HashedBlobs & { readonly type: BlobType }, isPooled: boolean): Promise<BlobsSealed> {
    const reply = await new Promise<Reply>((resolve, reject) => {
      this.#seals.push({ message: { ...message, kind: 'seal', job: ++this.#jobs }, resolve, reject });
      this.schedule();
    });
    const sealed = reply as BlobsSealed; // a seal job is answered by nothing else
    if (isPooled) this.releaseBuffer(sealed.buffer);
    return sealed;
  }

  /**
   * To be called when nothing is left to seal. Open packs are closed, and several small ones as one: a day on which little
   * changed would otherwise leave as many small packs as there are lanes.
   */
  async closePacks(type: BlobType): Promise<void> {
    const { packBytes } = this.#options.setup();
    const byBytes = this.#lanes
      .filter(({ openBytes }) => openBytes[type] > 0)
      .sort((a, b) => b.openBytes[type] - a.openBytes[type]);
    for (let keeper = byBytes.shift(); keeper !== undefined; keeper = byBytes.shift()) {
      let bytes = keeper.openBytes[type];
      const take: LoosePack[] = [];
      for (const giver of byBytes.filter(({ openBytes }) => openBytes[type] > 0)) {
        if (bytes + giver.openBytes[type] > packBytes) continue;
        bytes += giver.openBytes[type];
        byBytes.splice(byBytes.indexOf(giver), 1);
        const { pack } = (await this.#ask(giver, { kind: 'give', job: ++this.#jobs, type })) as PackGiven;
        if (pack !== undefined) take.push(pack);
        giver.openBytes[type] = 0;
      }
      await this.#ask(keeper, { kind: 'close', job: ++this.#jobs, type, take });
      keeper.openBytes[type] = 0;
    }
  }

  /**
   * Little more will come than what waits. When no thread was needed until now, none is started any more: the rest, at most a
   * batch of files and the folders above them, is done here.
   */
  finishSmall(): void {
    this.#isNearlyDone = true;
  }

  /** An empty buffer for bytes that no lane reads. It comes back as one with chunks does. After a failure none comes any more. */
  async borrowBuffer(): Promise<SharedArrayBuffer> {
    return this.#takeBuffer() ?? (await new Promise((resolve) => this.#borrowers.push(resolve)));
  }

  releaseBuffer(buffer: SharedArrayBuffer): void {
    const borrower = this.#borrowers.shift();
    if (borrower !== undefined) return borrower(buffer);
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
    for (const { reject } of [...this.#asked.values(), ...this.#seals]) reject(ended);
    await Promise.all(this.#lanes.map(({ port }) => port.close()));
  }

  #ask(lane: Lane, message: GiveJob | CloseJob): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#asked.set(message.job, { resolve, reject });
      this.#post(lane, message);
    });
  }

  /** A lane with room, a new one while all are busy and there may be more. */
  #idlest(): Lane | undefined {
    const hasWork = this.#seals.length + this.#reads.length > 0;
    let idlest: Lane | undefined;
    for (const lane of this.#lanes) if (idlest === undefined || lane.inHand < idlest.inHand) idlest = lane;
    if ((idlest === undefined || idlest.inHand > 0) && hasWork && this.#mayOpen()) return this.#open();
    return idlest !== undefined && idlest.inHand < MESSAGES_PER_LANE ? idlest : undefined;
  }

  /** True when something was handed out, to this lane or to the one that alone can take it. */
  #feed(lane: Lane): boolean {
    const waiting = this.#options.mayAdd() ? this.#seals.shift() : undefined;
    if (waiting !== undefined) {
      this.#asked.set(waiting.message.job, waiting);
      this.#post(lane, waiting.message);
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

  #post(lane: Lane, message: ToLane): void {
    lane.inHand += 1;
    lane.port.post(message);
  }

  /** A lane reads into one buffer while others wait to be sealed; more than two a lane would only hold memory. */
  #takeBuffer(): SharedArrayBuffer | undefined {
    const free = this.#freeBuffers.pop();
    if (free !== undefined || this.#buffersMade >= this.#lanesMax * 2) return free;
    this.#buffersMade += 1;
    return new SharedArrayBuffer(READ_BUFFER_BYTES);
  }

  #mayOpen(): boolean {
    return this.#lanes.length < (this.#isHere ? 1 : this.#lanesMax);
  }

  #open(): Lane {
    const setup = this.#options.setup();
    const { folder, prefix } = setup.scratch;
    this.#isHere = this.#isNearlyDone && this.#lanes.length === 0;
    const open = this.#isHere ? openLaneHere : openThreadLane;
    const port = open(
      { ...setup, scratch: { folder, prefix: `${prefix}${this.#lanes.length}-` } },
      { onMessage: (message) => this.#receive(lane, message), onFailure: (error) => this.#fail(error) },
    );
    const lane: Lane = { port, openBytes: { data: 0, tree: 0 }, inHand: 0, reading: undefined, isStarved: false };
    this.#lanes.push(lane);
    return lane;
  }

  #receive(lane: Lane, message: FromLane): void {
    if (this.#isClosed) return;
    if (message.kind === 'pack') return this.#options.onPack(message);
    lane.inHand -= 1;
    try {
      this.#handle(lane, message);
      this.schedule();
    } catch (error) {
      this.#fail(error);
    }
  }

  #handle(lane: Lane, message: Exclude<FromLane, PackMade>): void {
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
    const asked = this.#asked.get(message.job);
    this.#asked.delete(message.job);
    if (message.kind === 'sealed' && asked !== undefined)
      lane.openBytes[(asked as Waiting).message.type] = message.openBytes; // a seal job waited in line
    asked?.resolve(message);
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.onFailure(error);
  }
}
