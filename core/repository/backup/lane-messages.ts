/**
 * What the backup and its worker threads (lanes) say to one another. A lane reads and chunks files, tells the ids of the
 * chunks, hears which of them are new, and sends those back sealed: only new chunks are compressed and encrypted.
 */
import type { UnreadItem } from '../types.ts';

export interface LaneSetup {
  readonly masterKey: { readonly encrypt: Uint8Array; readonly macK: Uint8Array; readonly macR: Uint8Array };
  readonly chunkerPolynomial: string;
}

export interface FileToRead {
  /** The backup's number for the file. */
  readonly file: number;
  readonly path: Uint8Array;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly isWitness: boolean;
}

export type ToLane =
  | { readonly kind: 'read'; readonly files: readonly FileToRead[] }
  /** One byte a chunk of the segment: 1 when it is to be sealed. */
  | { readonly kind: 'wanted'; readonly segment: number; readonly wanted: Uint8Array };

export interface FileRead {
  readonly file: number;
  readonly bytes: number;
  readonly content: readonly string[];
  /** Plain SHA-256 over the bytes as read, for witnesses. */
  readonly witness?: string;
  readonly problem?: Pick<UnreadItem, 'reason' | 'message' | 'bytes'>;
  /** True when nothing of the file could be kept. */
  readonly isLost: boolean;
}

export interface SealedChunk {
  readonly id: string;
  readonly offset: number;
  readonly length: number;
  readonly uncompressedLength: number;
  readonly plainLength: number;
}

export type FromLane =
  | { readonly kind: 'chunks'; readonly segment: number; readonly ids: readonly string[] }
  | {
      readonly kind: 'sealed';
      readonly segment: number;
      readonly bytes: Uint8Array;
      readonly chunks: readonly SealedChunk[];
    }
  | { readonly kind: 'read'; readonly files: readonly FileRead[] }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };
