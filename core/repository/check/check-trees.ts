/** Every folder listing that a snapshot reaches, once, and whether the pieces that it names are there. */
import { setImmediate } from 'node:timers/promises';
import { utf8Of } from '../../base/bytes.ts';
import { isHoldfastError } from '../../base/errors.ts';
import { isPlainName } from '../../filesystem/plain-name.ts';
import type { BlobIndex } from '../blob-index.ts';
import type { BlobReader } from '../blob-reader.ts';
import { damagedRepository } from '../format/damage.ts';
import { LIMITS } from '../format/limits.ts';
import { decodeTree } from '../format/tree.ts';
import { joinPath } from '../list-tree.ts';
import { packsOf } from '../packs-of-index.ts';
import type { SnapshotWithId, TreeNode } from '../types.ts';
import type { CheckFinding } from './finding.ts';
import { type ListedFolder, SoundListings } from './sound-listings.ts';

type Report = (finding: Omit<CheckFinding, 'severity'> & { severity?: CheckFinding['severity'] }) => void;

/** Findings of this kind are about one blob that some snapshots need. */
type DamagedBlobs = Map<string, Set<string>>;

const TURN_TREES = 16;

export class TreeCheck {
  readonly #reader: BlobReader;
  readonly #index: BlobIndex;
  readonly #soundListings: SoundListings;
  readonly #report: Report;
  readonly #snapshots: SnapshotWithId[] = [];
  readonly #seen = new Set<string>();
  #treesSinceTurn = 0;

  constructor(reader: BlobReader, index: BlobIndex, report: Report) {
    this.#reader = reader;
    this.#index = index;
    this.#soundListings = new SoundListings(index);
    this.#report = report;
  }

  /** Walks what no earlier snapshot has reached. `assertWanted` throws when the check is to stop. */
  async addSnapshot(snapshot: SnapshotWithId, assertWanted: () => void): Promise<void> {
    this.#snapshots.push(snapshot);
    const waiting: { id: string; path: Uint8Array; depth: number }[] = [
      { id: snapshot.tree, path: new Uint8Array(0), depth: 0 },
    ];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (this.#seen.has(next.id)) continue;
      this.#seen.add(next.id);
      assertWanted();
      // Cached listings are read without a wait: what else this thread has to do would not get its turn.
      this.#treesSinceTurn += 1;
      if (this.#treesSinceTurn % TURN_TREES === 0) await setImmediate();
      const { path, depth } = next;
      for (const { name, subtree } of await this.#foldersIn(next.id, path, depth))
        waiting.push({ id: subtree, path: joinPath(path, name), depth: depth + 1 });
    }
  }

  /** Reports what is wrong with a listing, and gives the folders in it. */
  async #foldersIn(id: string, path: Uint8Array, depth: number): Promise<readonly ListedFolder[]> {
    try {
      // As a restore and a listing refuse it (list-tree.ts).
      if (depth >= LIMITS.treeDepth || path.length > LIMITS.pathBytes)
        throw damagedRepository('The snapshot is nested deeper than any real folder.');
      const listing = await this.#reader.read(id, 'tree');
      return this.#soundListings.foldersOf(listing) ?? this.#foldersAmong(id, decodeTree(listing), path);
    } catch (error) {
      if (!isHoldfastError(error, 'repository_damaged')) throw error;
      const where = path.length === 0 ? '/' : utf8Of(path);
      this.#report({ kind: 'tree_unreadable', blobId: id, path: where, message: `${where}: ${error.message}` });
      return [];
    }
  }

  #foldersAmong(id: string, nodes: readonly TreeNode[], path: Uint8Array): ListedFolder[] {
    for (const node of nodes) this.#checkNode(id, node, path);
    return nodes.flatMap(({ name, subtree }) => (subtree === undefined ? [] : [{ name, subtree }]));
  }

  #checkNode(treeId: string, node: TreeNode, folder: Uint8Array): void {
    const problem = this.#problemOf(node);
    const isPlain = isPlainName(node.name);
    if (problem === undefined && isPlain) return;
    const path = utf8Of(joinPath(folder, node.name));
    if (!isPlain)
      this.#report({
        kind: 'unsafe_name',
        blobId: treeId,
        path,
        message: `${path}: a name in the backup could lead outside of its folder; it will not be restored.`,
      });
    if (problem !== undefined)
      this.#report({ blobId: treeId, ...problem, path, message: `${path}: ${problem.message}` });
  }

  /** What is wrong with a file's list of pieces; a piece that is missing is named in the place of the listing. */
  #problemOf(node: TreeNode): Pick<CheckFinding, 'kind' | 'blobId' | 'message'> | undefined {
    let size = 0;
    for (const id of node.content ?? []) {
      const entry = this.#index.entryOf(id, 'data');
      if (entry === undefined)
        return { kind: 'blob_missing', blobId: id, message: 'a piece of the file is in no index.' };
      size += this.#index.plainLengthAt(entry);
    }
    const listed = node.size ?? 0n;
    if (node.type !== 'file' || BigInt(size) === listed) return undefined;
    return { kind: 'file_wrong_size', message: `the listing says ${listed} bytes, its pieces have ${size}.` };
  }

  /**
   * The findings with the snapshots that each one touches. A finding about a pack or an index counts through the blobs
   * that only it holds.
   */
  async nameAffected(findings: readonly CheckFinding[]): Promise<CheckFinding[]> {
    const lost = this.#lostBlobs(findings);
    if (lost.size > 0) await this.#findUsers(lost);
    return findings.map((finding) => {
      if (finding.severity !== 'error' || finding.affectedSnapshots !== undefined) return finding;
      const users = new Set<string>();
      for (const blobId of this.#blobsOf(finding)) for (const snapshot of lost.get(blobId) ?? []) users.add(snapshot);
      return { ...finding, affectedSnapshots: [...users].sort() };
    });
  }

  /** Blobs without an intact copy, each with an empty set of users; all blobs that errors name, for paths shared by trees. */
  #lostBlobs(findings: readonly CheckFinding[]): DamagedBlobs {
    const errors = findings.filter(({ severity }) => severity === 'error');
    const isBad = new Set(errors.flatMap((finding) => (finding.packId ? this.#copiesIn(finding) : [])));
    const lost: DamagedBlobs = new Map();
    for (const finding of errors) {
      for (const blobId of this.#blobsOf(finding)) {
        // These two are about what an intact listing says.
        const isIntactButWrong = finding.kind === 'file_wrong_size' || finding.kind === 'unsafe_name';
        const copies = [...this.#index.lookupAll(blobId, 'data'), ...this.#index.lookupAll(blobId, 'tree')];
        if (isIntactButWrong || copies.every((copy) => isBad.has(`${copy.packId}:${blobId}`)))
          lost.set(blobId, new Set());
      }
    }
    return lost;
  }

  #copiesIn(finding: CheckFinding): string[] {
    return this.#blobsOf(finding).map((blobId) => `${finding.packId}:${blobId}`);
  }

  #blobsOf(finding: CheckFinding): readonly string[] {
    if (finding.blobId !== undefined) return [finding.blobId];
    // A pack that is gone or was not read takes all its blobs with it; one that was read has a finding for each bad blob.
    if (finding.packId === undefined || (finding.kind !== 'pack_missing' && finding.kind !== 'pack_not_read'))
      return [];
    return this.#packBlobs(finding.packId);
  }

  #packContents: Map<string, readonly string[]> | undefined;

  #packBlobs(packId: string): readonly string[] {
    if (this.#packContents === undefined) {
      this.#packContents = new Map();
      for (const pack of packsOf(this.#index))
        this.#packContents.set(
          pack.packId,
          pack.blobs.map(({ id }) => id),
        );
    }
    return this.#packContents.get(packId) ?? [];
  }

  /** Which snapshots reach a lost blob: each tree is looked at once, children before parents. */
  async #findUsers(lost: DamagedBlobs): Promise<void> {
    const reaches = new Map<string, ReadonlySet<string>>();
    for (const snapshot of this.#snapshots) {
      for (const blobId of await this.#reached(snapshot.tree, lost, reaches)) lost.get(blobId)?.add(snapshot.id);
    }
  }

  async #reached(
    root: string,
    lost: DamagedBlobs,
    reaches: Map<string, ReadonlySet<string>>,
  ): Promise<ReadonlySet<string>> {
    const path: { id: string; found: Set<string>; children: string[] }[] = [];
    const enter = async (id: string): Promise<void> => {
      const found = new Set<string>(lost.has(id) ? [id] : []);
      // Deeper than this nothing is restored, which was said where it was found.
      if (path.length >= LIMITS.treeDepth) return void path.push({ id, found, children: [] });
      const nodes = await this.#reader.tree(id).catch((error: unknown) => {
        if (isHoldfastError(error, 'repository_damaged')) return [];
        throw error;
      });
      for (const node of nodes) for (const blobId of node.content ?? []) if (lost.has(blobId)) found.add(blobId);
      path.push({ id, found, children: nodes.flatMap(({ subtree }) => subtree ?? []) });
    };
    if (!reaches.has(root)) await enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const child = top.children.at(-1);
      if (child === undefined) {
        reaches.set(top.id, top.found);
        path.pop();
      } else if (reaches.has(child)) {
        for (const blobId of reaches.get(child)!) top.found.add(blobId);
        top.children.pop();
      } else await enter(child);
    }
    return reaches.get(root) ?? new Set();
  }
}
