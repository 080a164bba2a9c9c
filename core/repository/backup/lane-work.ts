/** What a lane of a backup does: see lane-messages.ts. Calls are synchronous: measurably faster, and the thread is mostly its own. */
import path from 'node:path';
import { isHoldfastError } from '../../base/errors.ts';
import { CHUNK_BYTES_MAX, Chunker } from '../chunker/chunker.ts';
import type { BlobType } from '../types.ts';
import { BlobSealer } from '../write/blob-sealer.ts';
import { OpenPacks } from '../write/open-packs.ts';
import { sealedBytesMax } from '../write/seal-blob.ts';
import { FileChunks } from './file-chunks.ts';
import type { ChunksRead, FromLane, LaneSetup, SealJob, ToLane } from './lane-messages.ts';

const ID_BYTES = 32;
const NO_BUFFER = new SharedArrayBuffer(0);
const SEALED_BYTES = sealedBytesMax(CHUNK_BYTES_MAX, 1);
/** Sealed bytes are written so many at a time, so that little of the room above is ever touched. */
const WRITE_BYTES = 512 * 1024;
/** Each open pack has so much of the room: what waits to be written, and one blob more that is no larger. */
const SHARE_BYTES = 2 * WRITE_BYTES;

export class LaneWork {
  readonly #setup: LaneSetup;
  readonly #post: (message: FromLane) => void;
  #chunker: Chunker | undefined;
  #carried: Buffer | undefined;
  #reading: Generator<ChunksRead, ChunksRead, SharedArrayBuffer> | undefined;
  readonly #open: Readonly<Record<BlobType, OpenPacks>>;
  #sealed: Buffer | undefined;
  #sealer: BlobSealer | undefined;

  constructor(setup: LaneSetup, post: (message: FromLane) => void) {
    this.#setup = setup;
    this.#post = post;
    const { folder, prefix } = setup.scratch;
    let packsMade = 0;
    const nextPath = (): string => path.join(folder, `${prefix}${(packsMade += 1)}`);
    this.#open = { data: new OpenPacks(nextPath, setup.packBytes), tree: new OpenPacks(nextPath, setup.packBytes) };
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
    this.#open.data.discard();
    this.#open.tree.discard();
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
      case 'give':
        return this.#post({ kind: 'given', job: message.job, pack: this.#open[message.type].give() });
      case 'close': {
        const { masterKey } = this.#setup;
        for (const pack of this.#open[message.type].closeAll(message.take))
          this.#post(pack.close(masterKey, message.type));
        return this.#post({ kind: 'closed', job: message.job });
      }
    }
  }

  #goOn(buffer: SharedArrayBuffer | undefined): void {
    if (this.#reading === undefined) throw new Error('a lane was given room though it reads nothing');
    // The first `next` starts the generator, which has its first buffer from the job.
    const { value, done } = this.#reading.next(buffer ?? NO_BUFFER);
    if (done === true) this.#reading = undefined;
    this.#post(value);
  }

  #sealBlobs({ job, type, buffer, ranges, ids, sums }: SealJob): void {
    const { masterKey, packBytes } = this.#setup;
    this.#sealed ??= Buffer.allocUnsafeSlow(SEALED_BYTES);
    this.#sealer ??= new BlobSealer(masterKey);
    const kept = this.#sealed;
    const sealer = this.#sealer;
    const packs = this.#open[type];
    /** Bytes of each open pack that are sealed in its share of the room. */
    const waiting = Array.from({ length: packs.count }, () => 0);
    let storedBytes = 0;
    const write = (place: number): void => {
      sealer.finish();
      const start = place * SHARE_BYTES;
      if (waiting[place]! > 0) packs.at(place).write(kept.subarray(start, start + waiting[place]!));
      waiting[place] = 0;
    };
    const writeAll = (): void => {
      for (const place of waiting.keys()) write(place);
    };
    for (const [at, sum] of sums.entries()) {
      const plain = Buffer.from(buffer, ranges[at * 2], ranges[at * 2 + 1]! - ranges[at * 2]!);
      const room = sealedBytesMax(plain.length, 1);
      const isAlone = room > WRITE_BYTES;
      if (isAlone) writeAll();
      // The listing of an enormous folder is larger than any chunk: it has memory of its own.
      const target = room > SEALED_BYTES ? Buffer.allocUnsafeSlow(room) : kept;
      const place = packs.draw();
      const start = isAlone ? 0 : place * SHARE_BYTES + waiting[place]!;
      const blob = sealer.add(type, plain, sum, target, start);
      const pack = packs.at(place);
      pack.note(ids.subarray(at * ID_BYTES, (at + 1) * ID_BYTES), blob.length, blob.uncompressedLength);
      storedBytes += blob.length;
      if (isAlone) {
        sealer.finish();
        pack.write(target.subarray(0, blob.length));
      } else waiting[place]! += blob.length;
      const isFull = pack.isFull(packBytes);
      if (isFull || waiting[place]! >= WRITE_BYTES) write(place);
      if (isFull) this.#post(packs.take(place).close(masterKey, type));
    }
    writeAll();
    this.#post({ kind: 'sealed', job, buffer, storedBytes, openBytes: packs.size });
  }
}
