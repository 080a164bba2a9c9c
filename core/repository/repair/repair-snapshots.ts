/**
 * Snapshots without what is lost: a file keeps the pieces that are there, a folder whose listing is lost becomes empty, and
 * every one of them is named. The repaired snapshots are new ones; the broken ones stay until they are forgotten.
 */
import { utf8Of } from '../../base/bytes.ts';
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import { sealUnpacked, storeObject } from '../write/store-object.ts';
import type { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { joinPath } from '../list-tree.ts';
import { encodeSnapshot } from '../format/snapshot.ts';
import { decodeTree, encodeNode, encodeTree } from '../format/tree.ts';
import { sha256Hex } from '../object-names.ts';
import { plainLength } from '../restore/plan.ts';
import type { AdministeredRepository, SnapshotWithId, TreeNode } from '../types.ts';
import { BlobWriter } from '../write/blob-writer.ts';
import { arrayParts, objectParts } from './json-parts.ts';
import { assertWritableVersion } from '../write/assert-writable-version.ts';

export interface RepairSnapshotsOptions {
  readonly snapshots: readonly SnapshotWithId[];
  readonly index: BlobIndex;
  readonly isDryRun: boolean;
  /** The broken snapshots go as soon as the repaired ones are there. */
  readonly forgets: boolean;
  readonly packBytes?: number;
  readonly signal?: AbortSignal;
  /** Once for each loss in each listing; several snapshots may share one. */
  readonly onLoss?: (loss: SnapshotLoss) => void;
}

export interface SnapshotLoss {
  readonly path: string;
  readonly kind: 'file_lost_pieces' | 'file_wrong_size' | 'folder_unreadable';
  readonly message: string;
}

export interface RepairedSnapshot {
  readonly brokenId: string;
  /** Undefined when not even its root can be read (there is nothing to make a snapshot of), and in a dry run. */
  readonly repairedId: string | undefined;
  readonly isRootLost: boolean;
  readonly isForgotten: boolean;
}

const TAG = 'repaired';

/**
 * The index must be right: `repairIndex` comes first. The caller holds the exclusive lock. Returns the snapshots that are broken.
 * @throws HoldfastError cancelled; what the store throws.
 */
export async function repairSnapshots(
  repo: AdministeredRepository,
  options: RepairSnapshotsOptions,
): Promise<RepairedSnapshot[]> {
  if (!options.isDryRun) assertWritableVersion(repo);
  return await new SnapshotRepair(repo, options).run();
}

class SnapshotRepair {
  readonly #repo: AdministeredRepository;
  readonly #options: RepairSnapshotsOptions;
  readonly #reader: BlobReader;
  readonly #writer: BlobWriter;
  /** What has become of each listing: its new id, or undefined when it cannot be read. */
  readonly #rewritten = new Map<string, string | undefined>();
  readonly #under = new Set<string>();

  constructor(repo: AdministeredRepository, options: RepairSnapshotsOptions) {
    this.#repo = repo;
    this.#options = options;
    this.#reader = new BlobReader(repo, options.index);
    this.#writer = new BlobWriter(repo, options.index, { packBytes: options.packBytes });
  }

  async run(): Promise<RepairedSnapshot[]> {
    return await this.#writer.orAbandon(() => this.#run());
  }

  async #run(): Promise<RepairedSnapshot[]> {
    const broken: { snapshot: SnapshotWithId; tree: string | undefined }[] = [];
    for (const snapshot of this.#options.snapshots) {
      const tree = await this.#rewrite(snapshot.tree, Buffer.alloc(0));
      if (tree !== snapshot.tree) broken.push({ snapshot, tree });
    }
    if (this.#options.isDryRun) return broken.map(({ snapshot, tree }) => resultOf(snapshot, tree));
    await this.#writer.closePacks();
    await this.#writer.writeIndex();
    const results: RepairedSnapshot[] = [];
    for (const { snapshot, tree } of broken) {
      this.#assertWanted();
      const repairedId = tree === undefined ? undefined : await this.#save(snapshot, tree);
      if (this.#options.forgets) await this.#repo.store.remove(`snapshots/${snapshot.id}`);
      results.push({ ...resultOf(snapshot, tree), repairedId, isForgotten: this.#options.forgets });
    }
    return results;
  }

  async #save(snapshot: SnapshotWithId, tree: string): Promise<string> {
    const { id, parent: _, ...kept } = snapshot; // what it was compared with is not this one any more
    const tags = [...new Set([...(snapshot.tags ?? []), TAG])];
    const json = encodeSnapshot({ ...kept, tree, tags, original: snapshot.original ?? id });
    const { object, bytes } = sealUnpacked(this.#repo.masterKey, 'snapshot', json);
    await storeObject(this.#repo.store, object, bytes);
    return object.key.slice('snapshots/'.length);
  }

  /** The id of the listing without what is lost; undefined when it cannot be read itself. */
  async #rewrite(id: string, path: Uint8Array): Promise<string | undefined> {
    if (this.#rewritten.has(id)) return this.#rewritten.get(id);
    this.#assertWanted();
    let text: string;
    let nodes: TreeNode[];
    try {
      const bytes = await this.#reader.read(id, 'tree');
      nodes = decodeTree(bytes);
      text = utf8Of(bytes);
    } catch (error) {
      if (!isHoldfastError(error, 'repository_damaged')) throw error;
      this.#rewritten.set(id, undefined);
      return undefined;
    }
    // A listing inside of itself has no bottom: it counts as one that cannot be read.
    if (this.#under.has(id)) return undefined;
    this.#under.add(id);
    const texts = nodeTexts(text);
    let isChanged = false;
    for (const [at, node] of nodes.entries()) {
      const rewritten = await this.#node(node, texts[at] ?? encodeNode(node), joinPath(path, node.name));
      if (rewritten === texts[at]) continue;
      texts[at] = rewritten;
      isChanged = true;
    }
    this.#under.delete(id);
    const result = isChanged ? await this.#store(texts) : id;
    this.#rewritten.set(id, result);
    return result;
  }

  async #node(node: TreeNode, text: string, path: Uint8Array): Promise<string> {
    if (node.subtree !== undefined) {
      const subtree = await this.#rewrite(node.subtree, path);
      if (subtree === node.subtree) return text;
      if (subtree === undefined)
        this.#lose(path, 'folder_unreadable', 'its listing is lost; it is empty in the repaired snapshot.');
      return replaced(text, { subtree: JSON.stringify(subtree ?? (await this.#store([]))) });
    }
    if (node.type !== 'file' || node.content === null) return text;
    const content: string[] = [];
    let size = 0;
    for (const id of node.content) {
      const blob = this.#options.index.lookup(id, 'data');
      if (blob === undefined) continue;
      content.push(id);
      size += plainLength(blob);
    }
    const lost = node.content.length - content.length;
    if (lost === 0 && BigInt(size) === (node.size ?? 0n)) return text;
    if (lost > 0) this.#lose(path, 'file_lost_pieces', `${lost} of its ${node.content.length} pieces are lost.`);
    else this.#lose(path, 'file_wrong_size', `its listing said ${node.size ?? 0n} bytes, its pieces have ${size}.`);
    // A size that was left out as zero has no place to be put into: then the node is written anew.
    if (node.size === undefined && size > 0) return encodeNode({ ...node, content, size: BigInt(size) });
    return replaced(text, { content: JSON.stringify(content), size: size === 0 ? undefined : String(size) });
  }

  #lose(path: Uint8Array, kind: SnapshotLoss['kind'], what: string): void {
    const text = utf8Of(path);
    this.#options.onLoss?.({ path: text, kind, message: `${text}: ${what}` });
  }

  async #store(nodes: readonly string[]): Promise<string> {
    const bytes = encodeTree(nodes);
    const id = sha256Hex(bytes);
    const isThere = this.#options.index.has(id, 'tree') || this.#writer.isPending(id, 'tree');
    if (!isThere && !this.#options.isDryRun) await this.#writer.addPlain(id, 'tree', bytes);
    return id;
  }

  #assertWanted(): void {
    if (this.#options.signal?.aborted)
      throw new HoldfastError('cancelled', 'The repair was stopped. No snapshot was removed without its repaired one.');
  }
}

function resultOf({ id }: SnapshotWithId, tree: string | undefined): RepairedSnapshot {
  return { brokenId: id, repairedId: undefined, isRootLost: tree === undefined, isForgotten: false };
}

function nodeTexts(tree: string): string[] {
  const nodes = objectParts(tree).find(([name]) => name === '"nodes"')?.[1] ?? '[]';
  return nodes === 'null' ? [] : arrayParts(nodes);
}

/** The same text with other values; undefined takes a field out. */
function replaced(node: string, values: Readonly<Record<string, string | undefined>>): string {
  const fields = objectParts(node).flatMap(([name, value]) => {
    const key = JSON.parse(name) as string;
    if (!Object.hasOwn(values, key)) return [`${name}:${value}`];
    return values[key] === undefined ? [] : [`${name}:${values[key]}`];
  });
  return `{${fields.join(',')}}`;
}
