/** What the indexes say of the blobs of one pack, by kinds of facts: objects of thousands of blobs cost more than looking at them. */
import { headerColumnsOf, type PackHeaderColumns } from './format/pack-header.ts';
import type { PackedBlob } from './types.ts';

/** In ascending order of offsets. */
export interface PackColumns extends PackHeaderColumns {
  readonly offsets: Uint32Array;
}

export function columnsOf(blobs: readonly PackedBlob[]): PackColumns {
  return { ...headerColumnsOf(blobs), offsets: Uint32Array.from(blobs, ({ offset }) => offset) };
}
