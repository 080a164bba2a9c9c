/** What the files of a snapshot are made of, as the indexes tell it, and which of them are one file with several names. */
import type { BlobIndex } from '../blob-index.ts';
import { SEAL_OVERHEAD } from '../crypto/seal.ts';
import { LIMITS } from '../format/limits.ts';
import type { TreeEntry } from '../list-tree.ts';
import type { PackedBlob, TreeNode } from '../types.ts';

export interface PlannedEntry {
  readonly entry: TreeEntry;
  readonly names: readonly Uint8Array[];
}

export interface FilePieces {
  /** Entries of the index, in the order of the file. */
  readonly entries: readonly number[];
  /** Bytes, the sum of the pieces. */
  readonly size: number;
  /** Why the file cannot be restored. */
  readonly problem: string | undefined;
  /** Set when the listing contradicts itself: the file is restored as its pieces say, and named. */
  readonly contradiction: string | undefined;
}

export function piecesOf(index: BlobIndex, node: TreeNode): FilePieces {
  const entries: number[] = [];
  let size = 0;
  for (const id of node.content ?? []) {
    const entry = index.entryOf(id, 'data');
    if (entry === undefined) {
      const problem = `a piece of it is missing from the repository (${id})`;
      return { entries: [], size: 0, problem, contradiction: undefined };
    }
    if (index.plainLengthAt(entry) > LIMITS.dataBlobBytes) {
      const problem = `a piece of it is larger than any real one (${id})`;
      return { entries: [], size: 0, problem, contradiction: undefined };
    }
    entries.push(entry);
    size += index.plainLengthAt(entry);
  }
  const listed = node.size ?? 0n;
  const contradiction =
    BigInt(size) === listed ? undefined : `its pieces have ${size} bytes, its folder listing says ${listed}`;
  return { entries, size, problem: undefined, contradiction };
}

/** The first names of files that have several, each with what the caller knows of it. */
export class HardLinks<T> {
  readonly #firsts = new Map<string, { readonly content: readonly string[]; readonly value: T }>();

  /** The same number with other contents is another file: a number used again while the backup ran, or a lie. */
  firstOf(node: TreeNode): T | undefined {
    const key = inodeOf(node);
    const first = key === undefined ? undefined : this.#firsts.get(key);
    return first !== undefined && hasSameContent(first.content, node.content ?? []) ? first.value : undefined;
  }

  /** Files with one name are not kept. */
  remember(node: TreeNode, value: T): void {
    const key = inodeOf(node);
    if (key !== undefined) this.#firsts.set(key, { content: node.content ?? [], value });
  }
}

function inodeOf(node: TreeNode): string | undefined {
  return (node.links ?? 1n) > 1n && node.inode ? `${node.deviceId ?? 0n}:${node.inode}` : undefined;
}

function hasSameContent(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((id, at) => id === right[at]);
}

/** Bytes that a blob has once it is opened: an uncompressed one is its stored length without IV and tag. */
export function plainLength(blob: PackedBlob): number {
  return blob.uncompressedLength === 0 ? blob.length - SEAL_OVERHEAD : blob.uncompressedLength;
}

/** The names on a path as the walk gives it, from the root down. */
export function splitPath(pathBytes: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = [];
  let start = 1;
  for (let at = 1; at <= pathBytes.length; at += 1) {
    if (at !== pathBytes.length && pathBytes[at] !== 0x2f) continue;
    names.push(pathBytes.subarray(start, at));
    start = at + 1;
  }
  return names;
}
