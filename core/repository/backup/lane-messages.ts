/**
 * What a backup and its worker threads (lanes) say to one another. A lane does one of three things: it reads files and cuts
 * them into chunks; it seals those chunks that turned out to be new (any lane may seal what another one read); it finishes
 * a pack. Bytes never travel: they lie in shared memory, which belongs to whoever was last told of it. (Transferred buffers
 * would count as allocated anew in each thread and set off its garbage collector.) Facts travel as typed arrays: a message
 * costs about as much as reading a small file, so a message is about hundreds of them.
 */
import type { BlobType, MasterKey } from '../types.ts';

export interface LaneSetup {
  readonly masterKey: MasterKey;
  readonly chunkerPolynomial: string;
}

/** Most bytes of files in one buffer: a chunk of the largest size and some to read on. */
export const READ_BUFFER_BYTES = 9 * 1024 * 1024;

export interface ReadJob {
  readonly kind: 'read';
  /** Absolute paths, each followed by a zero byte: the one byte that no path holds. */
  readonly paths: Uint8Array;
  /** Size that the scan saw, one a file. */
  readonly sizes: Float64Array;
  /** 1 for files whose plain SHA-256 is wanted. */
  readonly isWitness: Uint8Array;
  readonly buffer: SharedArrayBuffer;
}

/** Answer to a `chunks` that was not the last one: room for more. */
export interface MoreRoom {
  readonly kind: 'more';
  readonly buffer: SharedArrayBuffer;
}

export interface SealJob {
  readonly kind: 'seal';
  readonly job: number;
  readonly type: BlobType;
  readonly buffer: SharedArrayBuffer;
  /** Start and end of each blob in the buffer. */
  readonly ranges: Uint32Array;
  /** 32 bytes a blob. */
  readonly ids: Uint8Array;
  /** Memory for the sealed blobs. */
  readonly target: SharedArrayBuffer;
}

export interface FinishJob {
  readonly kind: 'finish';
  readonly job: number;
  /** A pack's blobs at its beginning, and room for the header behind them. Transferred both ways: stores take no shared memory. */
  readonly buffer: ArrayBuffer;
  readonly blobBytes: number;
  /** Plain header: docs/format.md, "Packs". */
  readonly header: Uint8Array;
}

export type ToLane = ReadJob | MoreRoom | SealJob | FinishJob;

/** How the reading of a file ended. */
export const FILE_READ = 0;
export const FILE_CHANGED = 1;
export const FILE_VANISHED = 2;
export const FILE_FORBIDDEN = 3;
export const FILE_FAILED = 4;

/** Facts of a file when it was opened, FACT_FIELDS numbers each, in the order of `factFields`. */
export const FACT_FIELDS = 10;

export interface FilesRead {
  readonly outcomes: Uint8Array;
  /** Bytes that were read. */
  readonly bytes: Float64Array;
  readonly facts: BigInt64Array;
  /** For failed reads: what the system said. */
  readonly messages: ReadonlyMap<number, string>;
  /** Lowercase hex, for witnesses that were read whole. */
  readonly witnesses: ReadonlyMap<number, string>;
}

export interface ChunksRead {
  readonly kind: 'chunks';
  readonly buffer: SharedArrayBuffer;
  readonly ranges: Uint32Array;
  readonly ids: Uint8Array;
  /** Number of the file in the job, one a chunk. */
  readonly files: Uint32Array;
  /** With the last chunks of a job: how it went. */
  readonly done?: FilesRead;
}

export interface BlobsSealed {
  readonly kind: 'sealed';
  readonly job: number;
  readonly buffer: SharedArrayBuffer;
  /** The sealed blobs, one behind the other: the job's target. */
  readonly sealed: SharedArrayBuffer;
  readonly lengths: Uint32Array;
  /** 0 for a blob that is stored uncompressed. */
  readonly uncompressedLengths: Uint32Array;
}

export interface PackFinished {
  readonly kind: 'finished';
  readonly job: number;
  readonly buffer: ArrayBuffer;
  readonly size: number;
  readonly packId: string;
  readonly crc32c: string;
}

export interface LaneFailed {
  readonly kind: 'failed';
  readonly code: string;
  readonly message: string;
}

export type FromLane = ChunksRead | BlobsSealed | PackFinished | LaneFailed;
