/**
 * Some thousand files that are restored together, and the pieces that they are made of. A snapshot may have millions: what
 * is planned at a time is bounded, and writing begins while the rest of the folders is still being read.
 */
import type { EntryMetadata } from '../../filesystem/entry-metadata.ts';
import type { ByteRange } from '../../storage/port.ts';
import type { BlobIndex } from '../blob-index.ts';
import { joinRanges, type RangeOf } from '../pack-ranges.ts';
import { metadataColumns } from './metadata-columns.ts';
import type { RestoreTask } from './restore-task.ts';

/** A file that is being restored: where, and how far it is. */
export interface RestoredFile {
  readonly path: string;
  /** What it gets when it is whole; undefined: contents only. */
  readonly metadata: EntryMetadata | undefined;
  /** Bytes, the sum of its pieces. */
  readonly size: number;
  /**
   * Its absolute path, bytes as latin1. Of thousands of Buffers that live for a while, each would keep the block alive that
   * it was cut from.
   */
  readonly place: string;
  /** Where it is written: its place, or beside it when it will replace what is there. */
  readonly target: string;
  isCreated: boolean;
  isDone: boolean;
  /** Pieces that are still to be written. */
  pending: number;
  /** Bytes that were written into it. */
  bytes: number;
  problem: string | undefined;
}

/** What is asked of one pack at a time: enough pieces to hash side by side, little enough for several to be in memory. */
const RANGE_BYTES_MAX = 8 * 1024 * 1024;
const ID_BYTES = 32;

export interface TaskOptions {
  readonly isSparse: boolean;
  readonly isMarked: boolean;
}

export class RestoreWindow {
  readonly files: RestoredFile[] = [];
  readonly #index: BlobIndex;
  /** For each piece: its entry in the index, the number of its file, its offset there. */
  readonly #entries: number[] = [];
  readonly #owners: number[] = [];
  readonly #offsets: number[] = [];

  constructor(index: BlobIndex) {
    this.#index = index;
  }

  get pieces(): number {
    return this.#entries.length;
  }

  add(file: RestoredFile, entries: readonly number[]): void {
    const number = this.files.push(file) - 1;
    let offset = 0;
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#owners.push(number);
      this.#offsets.push(offset);
      offset += this.#index.plainLengthAt(entry);
    }
  }

  /** The pieces of all files by pack and place in it, in ranges that are read at once. */
  ranges(): PieceRange[] {
    const index = this.#index;
    const order = Uint32Array.from({ length: this.#entries.length }, (_, piece) => piece);
    const packs = Float64Array.from(this.#entries, (entry) => index.packNumberAt(entry));
    const offsets = Float64Array.from(this.#entries, (entry) => index.offsetAt(entry));
    order.sort((a, b) => packs[a]! - packs[b]! || offsets[a]! - offsets[b]!);
    const ranges: PieceRange[] = [];
    for (let start = 0; start < order.length; ) {
      const pack = packs[order[start]!]!;
      let end = start;
      while (end < order.length && packs[order[end]!] === pack) end += 1;
      const { packId } = index.blobAt(this.#entries[order[start]!]!);
      const rangeOf = (piece: number): ByteRange => ({
        offset: offsets[piece]!,
        length: index.lengthAt(this.#entries[piece]!),
      });
      const joined = joinRanges(order.subarray(start, end), rangeOf, RANGE_BYTES_MAX);
      for (const { range, items } of joined) ranges.push({ packId, range, items });
      start = end;
    }
    return ranges;
  }

  fileOf(piece: number): RestoredFile {
    return this.files[this.#owners[piece]!]!;
  }

  /** The same blob in several places of the window: pieces that follow one another in a range. */
  blobsOf(pieces: readonly number[]): BlobPieces[] {
    const blobs: BlobPieces[] = [];
    let last: BlobPieces | undefined;
    for (const piece of pieces) {
      const entry = this.#entries[piece]!;
      const place = { file: this.fileOf(piece), offset: this.#offsets[piece]! };
      if (last?.entry === entry) last.places.push(place);
      else blobs.push((last = { entry, places: [place] }));
    }
    return blobs;
  }

  /** `pieces` of one range, and its bytes. `begin` is asked for each file that this task neither makes nor finds. */
  taskOf(
    range: PieceRange,
    pieces: readonly number[],
    bytes: Uint8Array,
    options: TaskOptions,
    begin: (file: RestoredFile) => void,
  ): { readonly task: RestoreTask; readonly files: readonly RestoredFile[] } {
    const files: RestoredFile[] = [];
    const counts: number[] = [];
    const numbers = new Map<number, number>();
    const pieceFiles = new Uint32Array(pieces.length);
    for (const [at, piece] of pieces.entries()) {
      const owner = this.#owners[piece]!;
      let number = numbers.get(owner);
      if (number === undefined) {
        number = files.push(this.files[owner]!) - 1;
        numbers.set(owner, number);
        counts.push(0);
      }
      counts[number]! += 1;
      pieceFiles[at] = number;
    }
    const isNew = new Uint8Array(files.length);
    const metadata: (EntryMetadata | undefined)[] = [];
    for (const [number, file] of files.entries()) {
      const isWhole = !file.isCreated && counts[number] === file.pending;
      if (isWhole) isNew[number] = 1;
      else if (!file.isCreated) begin(file);
      metadata.push(isWhole ? file.metadata : undefined);
    }
    const task: RestoreTask = {
      bytes,
      files: {
        ...pathColumns(files),
        isNew,
        isWhole: isNew,
        sizes: Float64Array.from(files, ({ size }) => size),
        metadata: metadataColumns(metadata),
      },
      blobs: this.#blobColumns(pieces, range.range.offset),
      pieceFiles,
      pieceOffsets: Float64Array.from(pieces, (piece) => this.#offsets[piece]!),
      isSparse: options.isSparse,
      isMarked: options.isMarked,
    };
    return { task, files };
  }

  #blobColumns(pieces: readonly number[], base: number): RestoreTask['blobs'] {
    const ends: number[] = [];
    const firsts: number[] = [];
    for (const [at, piece] of pieces.entries()) {
      if (at > 0 && this.#entries[piece] === this.#entries[pieces[at - 1]!]) ends[ends.length - 1]! += 1;
      else {
        ends.push(at + 1);
        firsts.push(piece);
      }
    }
    const count = firsts.length;
    const ids = new Uint8Array(count * ID_BYTES);
    const [starts, lengths, uncompressedLengths] = [0, 0, 0].map(() => new Uint32Array(count)) as Triple;
    for (const [number, piece] of firsts.entries()) {
      const entry = this.#entries[piece]!;
      ids.set(this.#index.idAt(entry), number * ID_BYTES);
      starts[number] = this.#index.offsetAt(entry) - base;
      lengths[number] = this.#index.lengthAt(entry);
      uncompressedLengths[number] = this.#index.uncompressedLengthAt(entry);
    }
    return { ids, starts, lengths, uncompressedLengths, pieceEnds: Uint32Array.from(ends) };
  }
}

type Triple = [Uint32Array, Uint32Array, Uint32Array];

/** Numbers of pieces, in the order of their places in the pack. */
export type PieceRange = RangeOf<number> & { readonly packId: string };

export interface BlobPieces {
  /** The blob's entry in the index. */
  readonly entry: number;
  readonly places: { readonly file: RestoredFile; readonly offset: number }[];
}

function pathColumns(files: readonly RestoredFile[]): { paths: Uint8Array; pathEnds: Uint32Array } {
  const pathEnds = new Uint32Array(files.length);
  let end = 0;
  for (const [number, { target }] of files.entries()) pathEnds[number] = end += target.length;
  const paths = Buffer.allocUnsafeSlow(end);
  for (const [number, { target }] of files.entries()) paths.write(target, pathEnds[number]! - target.length, 'latin1');
  return { paths, pathEnds };
}
