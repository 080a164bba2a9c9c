/** What changed from one tree to another. Folders with the same id are the same all the way down and are not read. */
import { utf8Of } from '../../base/bytes.ts';
import { HoldfastError } from '../../base/errors.ts';
import { type BlobReader, isReadDamage } from '../blob-reader.ts';
import { damagedRepository } from '../format/damage.ts';
import { LIMITS } from '../format/limits.ts';
import { joinPath } from '../list-tree.ts';
import { plainLength } from '../restore/plan.ts';
import type { BlobType, TreeNode } from '../types.ts';
import { changedMetadata, hasOtherContents } from './compare-nodes.ts';

/** content: other bytes, target or device. type: what was a file is a folder now, and the like. */
export type ChangeKind = 'added' | 'removed' | 'content' | 'type' | 'metadata';

export interface Change {
  readonly kind: ChangeKind;
  /** Absolute, in the trees that are compared; invalid UTF-8 becomes replacement characters. */
  readonly path: string;
  readonly before?: TreeNode;
  readonly after?: TreeNode;
  /** Which fields differ, of an entry that is in both; told only when that was asked for. */
  readonly metadata?: readonly string[];
}

export interface DiffCounts {
  files: number;
  dirs: number;
  others: number;
  /** Sizes of the files, as their folders list them. */
  fileBytes: number;
  /** Pieces and listings that the other side's changed folders do not have, and their bytes before compression. */
  dataBlobs: number;
  treeBlobs: number;
  bytes: number;
}

export interface DiffSummary {
  readonly changedFiles: number;
  readonly changedTypes: number;
  readonly changedMetadata: number;
  readonly added: DiffCounts;
  readonly removed: DiffCounts;
}

export interface DiffOptions {
  /** Also what differs in nothing but mode, owner, times of change or extended attributes. */
  readonly withMetadata: boolean;
  readonly signal?: AbortSignal;
  /** A folder that cannot be read; nothing is told of its entries. */
  readonly onDamage: (path: string, error: Error) => void;
  /** After each listing that was read, with the path of its folder. */
  readonly onListing?: (path: string) => void;
}

type Side = 'before' | 'after';

export class TreeDiff {
  readonly #reader: BlobReader;
  readonly #options: DiffOptions;
  readonly #blobs = { before: new Set<string>(), after: new Set<string>(), both: new Set<string>() };
  readonly #counts = { before: noCounts(), after: noCounts() };
  #changedFiles = 0;
  #changedTypes = 0;
  #changedMetadata = 0;
  #entries = 0;

  constructor(reader: BlobReader, options: DiffOptions) {
    this.#reader = reader;
    this.#options = options;
  }

  /** The changes in the order of names, a folder before its contents. @throws HoldfastError cancelled. */
  async *changes(before: string, after: string): AsyncGenerator<Change> {
    if (before !== after) yield* this.#compareTrees(before, after, Buffer.alloc(0), 0);
  }

  /** Complete when all changes were taken. */
  summary(): DiffSummary {
    const { before, after, both } = this.#blobs;
    return {
      changedFiles: this.#changedFiles,
      changedTypes: this.#changedTypes,
      changedMetadata: this.#changedMetadata,
      added: this.#withBlobs(this.#counts.after, after, before, both),
      removed: this.#withBlobs(this.#counts.before, before, after, both),
    };
  }

  async *#compareTrees(before: string, after: string, parent: Uint8Array, depth: number): AsyncGenerator<Change> {
    this.#blobs.before.add(`t${before}`);
    this.#blobs.after.add(`t${after}`);
    // Both are read, so that a damaged one hides no damage of the other; without one nothing can be compared.
    const old = await this.#nodesOf(before, parent, depth);
    const young = await this.#nodesOf(after, parent, depth);
    if (old === undefined || young === undefined) return;
    let [at, to] = [0, 0];
    while (at < old.length || to < young.length) {
      const [left, right] = [old[at], young[to]];
      const order = left === undefined ? 1 : right === undefined ? -1 : Buffer.compare(left.name, right.name);
      if (order <= 0) at += 1;
      if (order >= 0) to += 1;
      if (order < 0) yield* this.#one(left!, 'before', parent, depth);
      else if (order > 0) yield* this.#one(right!, 'after', parent, depth);
      else yield* this.#pair(left!, right!, parent, depth);
    }
  }

  async *#pair(before: TreeNode, after: TreeNode, parent: Uint8Array, depth: number): AsyncGenerator<Change> {
    const pathBytes = joinPath(parent, after.name);
    const about = { path: utf8Of(pathBytes), before, after };
    if (before.type !== after.type) {
      this.#changedTypes += 1;
      this.#addContent(before, 'before');
      this.#addContent(after, 'after');
      yield { kind: 'type', ...about };
      if (before.subtree !== undefined) yield* this.#all(before.subtree, 'before', pathBytes, depth + 1);
      if (after.subtree !== undefined) yield* this.#all(after.subtree, 'after', pathBytes, depth + 1);
      return;
    }
    const metadata = this.#options.withMetadata ? changedMetadata(before, after) : [];
    if (hasOtherContents(before, after)) {
      if (after.type === 'file') this.#changedFiles += 1;
      this.#addContent(before, 'before');
      this.#addContent(after, 'after');
      yield { kind: 'content', ...about, ...(metadata.length === 0 ? {} : { metadata }) };
    } else {
      for (const id of after.content ?? []) this.#blobs.both.add(`d${id}`);
      if (metadata.length > 0) {
        this.#changedMetadata += 1;
        yield { kind: 'metadata', ...about, metadata };
      }
    }
    if (before.subtree === undefined || after.subtree === undefined) return;
    if (before.subtree === after.subtree) this.#blobs.both.add(`t${after.subtree}`);
    else yield* this.#compareTrees(before.subtree, after.subtree, pathBytes, depth + 1);
  }

  async *#one(node: TreeNode, side: Side, parent: Uint8Array, depth: number): AsyncGenerator<Change> {
    const pathBytes = joinPath(parent, node.name);
    const path = utf8Of(pathBytes);
    const counts = this.#counts[side];
    if (node.type === 'file') {
      counts.files += 1;
      counts.fileBytes += Number(node.size ?? 0n);
    } else if (node.type === 'dir') counts.dirs += 1;
    else counts.others += 1;
    this.#addContent(node, side);
    yield side === 'before' ? { kind: 'removed', path, before: node } : { kind: 'added', path, after: node };
    if (node.subtree !== undefined) yield* this.#all(node.subtree, side, pathBytes, depth + 1);
  }

  async *#all(treeId: string, side: Side, parent: Uint8Array, depth: number): AsyncGenerator<Change> {
    this.#blobs[side].add(`t${treeId}`);
    for (const node of (await this.#nodesOf(treeId, parent, depth)) ?? []) yield* this.#one(node, side, parent, depth);
  }

  async #nodesOf(treeId: string, path: Uint8Array, depth: number): Promise<readonly TreeNode[] | undefined> {
    if (this.#options.signal?.aborted)
      throw new HoldfastError('cancelled', 'The comparison was stopped before its end, as asked.');
    try {
      if (depth >= LIMITS.treeDepth) throw damagedRepository('The snapshot is nested deeper than any real folder.');
      const nodes = await this.#reader.tree(treeId);
      this.#options.onListing?.(Buffer.from(path).toString('utf8') || '/');
      this.#entries += nodes.length;
      if (this.#entries <= LIMITS.snapshotEntries) return nodes;
    } catch (error) {
      if (!isReadDamage(error)) throw error;
      this.#options.onDamage(Buffer.from(path).toString('utf8') || '/', error as Error);
      return undefined;
    }
    throw damagedRepository('The snapshots have more entries than any real ones; the comparison was given up.');
  }

  #addContent(node: TreeNode, side: Side): void {
    for (const id of node.content ?? []) this.#blobs[side].add(`d${id}`);
  }

  #withBlobs(
    counts: DiffCounts,
    own: ReadonlySet<string>,
    other: ReadonlySet<string>,
    both: ReadonlySet<string>,
  ): DiffCounts {
    const sums = { ...counts };
    for (const blob of own) {
      if (other.has(blob) || both.has(blob)) continue;
      const type: BlobType = blob.startsWith('t') ? 'tree' : 'data';
      const found = this.#reader.index.lookup(blob.slice(1), type);
      sums.bytes += found === undefined ? 0 : plainLength(found);
      if (type === 'tree') sums.treeBlobs += 1;
      else sums.dataBlobs += 1;
    }
    return sums;
  }
}

function noCounts(): DiffCounts {
  return { files: 0, dirs: 0, others: 0, fileBytes: 0, dataBlobs: 0, treeBlobs: 0, bytes: 0 };
}
