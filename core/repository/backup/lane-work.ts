/** What a lane of a backup does: see lane-messages.ts. Calls are synchronous: measurably faster, and the thread is mostly its own. */
import path from 'node:path';
import { isHoldfastError } from '../../base/errors.ts';
import { CHUNK_BYTES_MAX, Chunker } from '../chunker/chunker.ts';
import type { BlobType } from '../types.ts';
import { BlobSealer } from '../write/blob-sealer.ts';
import { type LoosePack, PackFile } from '../write/pack-file.ts';
import { sealedBytesMax } from '../write/seal-blob.ts';
import { FileChunks } from './file-chunks.ts';
import type { ChunksRead, FromLane, LaneSetup, SealJob, ToLane } from './lane-messages.ts';

const ID_BYTES = 32;
const NO_BUFFER = new SharedArrayBuffer(0);
/** A chunk of the largest size fits behind what is not written yet. */
const SEALED_BYTES = sealedBytesMax(CHUNK_BYTES_MAX, 1) + 1024 * 1024;
/** Sealed bytes are written so many at a time, so that little of the room above is ever touched. */
const WRITE_BYTES = 512 * 1024;

export class LaneWork {
  readonly #setup: LaneSetup;
  readonly #post: (message: FromLane) => void;
  #chunker: Chunker | undefined;
  #carried: Buffer | undefined;
  #reading: Generator<ChunksRead, ChunksRead, SharedArrayBuffer> | undefined;
  readonly #open: Record<BlobType, PackFile | undefined> = { data: undefined, tree: undefined };
  #packsMade = 0;
  #sealed: Buffer | undefined;
  #sealer: BlobSealer | undefined;

  constructor(setup: LaneSetup, post: (message: FromLane) => void) {
    this.#setup = setup;
    this.#post = post;
  }

  receive(message: ToLane): void {
    try {
      this.#receive(message);
    } catch (error) {
      const code = isHoldfastError(error) ? error.code : 'internal';
      this.#post({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Nothing more comes: files of packs that are open stay, for their owner to remove. */
  discard(): void {
    for (const pack of Object.values(this.#open)) pack?.discard();
    this.#open.data = undefined;
    this.#open.tree = undefined;
  }

  #receive(message: ToLane): void {
    switch (message.kind) {
      case 'read':
        this.#chunker ??= new Chunker(this.#setup.chunkerPolynomial);
        this.#carried ??= Buffer.allocUnsafeSlow(CHUNK_BYTES_MAX);
        this.#reading = new FileChunks(message, this.#chunker, this.#carried).read();
        return this.#goOn(undefined);
      case 'more':
        return this.#goOn(message.buffer);
      case 'seal':
        return this.#sealBlobs(message);
      case 'give': {
        const pack = this.#open[message.type]?.give();
        this.#open[message.type] = undefined;
        return this.#post({ kind: 'given', job: message.job, pack });
      }
      case 'close':
        this.#closePack(message.type, message.take);
        return this.#post({ kind: 'closed', job: message.job });
    }
  }

  #goOn(buffer: SharedArrayBuffer | undefined): void {
    if (this.#reading === undefined) throw new Error('a lane was given room though it reads nothing');
    // The first `next` starts the generator, which has its first buffer from the job.
    const { value, done } = this.#reading.next(buffer ?? NO_BUFFER);
    if (done === true) this.#reading = undefined;
    this.#post(value);
  }

  #openPack(type: BlobType): PackFile {
    const { folder, prefix } = this.#setup.scratch;
    this.#open[type] ??= new PackFile(path.join(folder, `${prefix}${(this.#packsMade += 1)}`));
    return this.#open[type];
  }

  #sealBlobs({ job, type, buffer, ranges, ids, sums }: SealJob): void {
    const { masterKey, packBytes } = this.#setup;
    this.#sealed ??= Buffer.allocUnsafeSlow(SEALED_BYTES);
    this.#sealer ??= new BlobSealer(masterKey);
    const kept = this.#sealed;
    const sealer = this.#sealer;
    let used = 0;
    let storedBytes = 0;
    const write = (from: Buffer): void => {
      sealer.finish();
      if (used > 0) this.#openPack(type).write(from.subarray(0, used));
      used = 0;
    };
    for (const [at, sum] of sums.entries()) {
      const plain = Buffer.from(buffer, ranges[at * 2], ranges[at * 2 + 1]! - ranges[at * 2]!);
      // The listing of an enormous folder is larger than any chunk: it has memory of its own.
      const room = sealedBytesMax(plain.length, 1);
      const isEnormous = room > SEALED_BYTES - WRITE_BYTES;
      if (isEnormous) write(kept);
      const target: Buffer = isEnormous ? Buffer.allocUnsafeSlow(room) : kept;
      const blob = sealer.add(type, plain, sum, target, used);
      const pack = this.#openPack(type);
      pack.note(ids.subarray(at * ID_BYTES, (at + 1) * ID_BYTES), blob.length, blob.uncompressedLength);
      used += blob.length;
      storedBytes += blob.length;
      const isFull = pack.isFull(packBytes);
      if (isFull || used >= WRITE_BYTES || isEnormous) write(target);
      if (isFull) this.#closePack(type, []);
    }
    write(kept);
    this.#post({ kind: 'sealed', job, buffer, storedBytes, openBytes: this.#open[type]?.size ?? 0 });
  }

  #closePack(type: BlobType, take: readonly LoosePack[]): void {
    for (const other of take) this.#openPack(type).absorb(other);
    const pack = this.#open[type];
    this.#open[type] = undefined;
    if (pack !== undefined) this.#post(pack.close(this.#setup.masterKey, type));
  }
}
