/**
 * What a backup notices of the contents of files on its way: how much was read, how much of it was new and what it was stored at,
 * and how even its bytes are (their entropy). Dumps of databases are left out: they are made anew each time, and their size and
 * kind say nothing of what happened to the files.
 */
import type { SnapshotSummary } from '../types.ts';
import type { BackupChanges } from './backup.ts';
import type { HashedBlobs } from './lane-messages.ts';

/** Bytes of one look: long enough for a histogram of 256 values, and some millionths of a second. */
const LOOK_BYTES = 4096;
/** Shorter pieces say too little of how their bytes are spread. */
const LOOK_BYTES_MIN = 512;
/** So much new data lies between two looks at most: one byte in 256 is looked at, whatever the backup's size. */
const STRIDE_MAX = 1024 * 1024;
/** A backup with little that is new is looked at more closely: the distance doubles after so many looks. */
const STRIDE_FIRST = 16 * 1024;
const LOOKS_PER_STRIDE = 64;

export interface NewDataFigures {
  /** Of files that were opened: new ones, changed ones, and those that are read in any case. */
  readonly readBytes: number;
  /** Of these, what no backup had stored before. */
  readonly newBytes: number;
  /** What the new bytes were stored at. */
  readonly storedBytes: number;
  /** Mean entropy of the new bytes; null when too little was new to say. */
  readonly entropy: { readonly bits: number; readonly sampledBytes: number } | null;
}

export class NewDataSigns {
  /** Of what was sealed until now. */
  storedBytes = 0;
  #readBytes = 0;
  #newBytes = 0;
  #stride = STRIDE_FIRST;
  #looks = 0;
  /** New bytes since the last look. */
  #since = STRIDE_FIRST;
  #sampledBytes = 0;
  /** Each look stands for the new bytes since the one before. */
  #weighted = 0;
  #weight = 0;

  figures(): NewDataFigures {
    return {
      readBytes: this.#readBytes,
      newBytes: this.#newBytes,
      storedBytes: this.storedBytes,
      entropy: this.#weight === 0 ? null : { bits: this.#weighted / this.#weight, sampledBytes: this.#sampledBytes },
    };
  }

  /**
   * With what became of the parent's files. A file is the same one by its path: one that was moved went and came. `parent`
   * undefined: there is none, or a listing of it could not be read, so that nobody knows what was in that folder.
   */
  changes(
    parent: SnapshotSummary | undefined,
    { changed, unmodified }: { readonly changed: number; readonly unmodified: number },
  ): BackupChanges {
    const former = parent?.total_files_processed;
    const files = former === undefined ? null : { former, changed, gone: Math.max(0, former - changed - unmodified) };
    return { ...this.figures(), files };
  }

  read(bytes: number): void {
    this.#readBytes += bytes;
  }

  /** One blob of `blobs` that nobody had stored. To be called before its buffer is given away. */
  add({ buffer, ranges }: HashedBlobs, at: number): void {
    const start = ranges[at * 2]!;
    const bytes = ranges[at * 2 + 1]! - start;
    this.#newBytes += bytes;
    this.#since += bytes;
    if (this.#since < this.#stride || bytes < LOOK_BYTES_MIN) return;
    const length = Math.min(LOOK_BYTES, bytes);
    // The middle: the beginning of a file is a head of its format, which even encrypted files may keep.
    const seen = new Uint8Array(buffer, start + ((bytes - length) >> 1), length);
    this.#weighted += entropyOf(seen) * this.#since;
    this.#weight += this.#since;
    this.#sampledBytes += length;
    this.#since = 0;
    this.#looks += 1;
    if (this.#looks % LOOKS_PER_STRIDE === 0) this.#stride = Math.min(STRIDE_MAX, this.#stride * 2);
  }
}

const counts = new Uint32Array(256);

/**
 * Shannon entropy in bits a byte, 0 to 8: some 4 to 5 for text, nearly 8 for what is compressed or encrypted. A short piece shows
 * less than there is; the share that is missing on average (Miller, Madow) is added.
 */
export function entropyOf(bytes: Uint8Array): number {
  if (bytes.length === 0) return 0;
  counts.fill(0);
  for (let at = 0; at < bytes.length; at += 1) counts[bytes[at]!]! += 1;
  let sum = 0;
  let kinds = 0;
  for (let value = 0; value < 256; value += 1) {
    const count = counts[value]!;
    if (count === 0) continue;
    kinds += 1;
    sum += count * Math.log2(count);
  }
  const bits = Math.log2(bytes.length) - sum / bytes.length + (kinds - 1) / (2 * bytes.length * Math.LN2);
  return Math.min(8, Math.max(0, bits));
}
