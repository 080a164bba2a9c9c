/**
 * What a backup and its worker threads (lanes) say to one another. A lane does one of three things: it reads files and cuts
 * them into chunks; it seals those chunks that turned out to be new into its open pack (any lane may seal what another one
 * read); it closes a pack. Bytes never travel: plain ones lie in shared memory, which belongs to whoever was last told of it
 * (transferred buffers would count as allocated anew in each thread and set off its garbage collector), sealed ones in
 * scratch files. Facts travel as typed arrays: a message costs about as much as reading a small file, so a message is about
 * hundreds of them.
 */
import type { BlobType, MasterKey } from '../types.ts';
import type { LoosePack, PackMade } from '../write/pack-file.ts';

export interface LaneSetup {
  readonly masterKey: MasterKey;
  readonly chunkerPolynomial: string;
  /** Size at which a pack is closed. */
  readonly packBytes: number;
  /** Where packs are built: the folder, and how the names of this lane's files begin. */
  readonly scratch: { readonly folder: string; readonly prefix: string };
}

/** Most bytes of files in one buffer: a chunk of the largest size and some to read on. */
export const READ_BUFFER_BYTES = 16 * 1024 * 1024;

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

/** Plain blobs in shared memory, with their names. */
export interface HashedBlobs {
  readonly buffer: SharedArrayBuffer;
  /** Start and end of each blob in the buffer. */
  readonly ranges: Uint32Array;
  /** 32 bytes a blob: the SHA-256. */
  readonly ids: Uint8Array;
  /** `plainSum` of each, taken beside the hash: sealing compares what it decodes with it. */
  readonly sums: Uint32Array;
}

export interface SealJob extends HashedBlobs {
  readonly kind: 'seal';
  readonly job: number;
  readonly type: BlobType;
}

/** The lane gives its open pack away. */
export interface GiveJob {
  readonly kind: 'give';
  readonly job: number;
  readonly type: BlobType;
}

/** The lane takes what others gave, and closes its open pack. */
export interface CloseJob {
  readonly kind: 'close';
  readonly job: number;
  readonly type: BlobType;
  readonly take: readonly LoosePack[];
}

export type ToLane = ReadJob | MoreRoom | SealJob | GiveJob | CloseJob;

/** How the reading of a file ended. */
export const FILE_READ = 0;
export const FILE_CHANGED = 1;
export const FILE_VANISHED = 2;
export const FILE_FORBIDDEN = 3;
export const FILE_FAILED = 4;

export interface FilesRead {
  readonly outcomes: Uint8Array;
  /** Bytes that were read. */
  readonly bytes: Float64Array;
  /** Of each file when it was opened: see entry-facts.ts. */
  readonly facts: BigInt64Array;
  /** For failed reads: what the system said. */
  readonly messages: ReadonlyMap<number, string>;
  /** Lowercase hex, for witnesses that were read whole. */
  readonly witnesses: ReadonlyMap<number, string>;
}

export interface ChunksRead extends HashedBlobs {
  readonly kind: 'chunks';
  /** Number of the file in the job, one a chunk. */
  readonly files: Uint32Array;
  /** With the last chunks of a job: how it went. */
  readonly done?: FilesRead;
}

export interface BlobsSealed {
  readonly kind: 'sealed';
  readonly job: number;
  readonly buffer: SharedArrayBuffer;
  readonly storedBytes: number;
  /** Of the lane's open pack of the job's type, now. */
  readonly openBytes: number;
}

export interface PackGiven {
  readonly kind: 'given';
  readonly job: number;
  readonly pack: LoosePack | undefined;
}

export interface PackClosed {
  readonly kind: 'closed';
  readonly job: number;
}

export interface LaneFailed {
  readonly kind: 'failed';
  readonly code: string;
  readonly message: string;
}

export type FromLane = ChunksRead | BlobsSealed | PackGiven | PackClosed | PackMade | LaneFailed;
