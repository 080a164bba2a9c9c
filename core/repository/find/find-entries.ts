/**
 * Entries by name, in one snapshot after another. Snapshots share most of their folders: each listing is read and compared
 * once, and what was found in it is told again wherever it stands.
 */
import { HoldfastError } from '../../base/errors.ts';
import { excludeMatcher, mayMatchBelow } from '../../filesystem/exclude.ts';
import { isPlainName } from '../../filesystem/plain-name.ts';
import { type BlobReader, isReadDamage } from '../blob-reader.ts';
import { damagedRepository } from '../format/damage.ts';
import { parseGoTime } from '../format/go-text.ts';
import { LIMITS } from '../format/limits.ts';
import { joinPath, type TreeEntry } from '../list-tree.ts';
import type { NodeType, TreeNode } from '../types.ts';

export interface FindOptions {
  /** Of a name anywhere, or with a slash at the beginning of an absolute path (core/filesystem/exclude.ts). */
  readonly patterns: readonly string[];
  readonly ignoreCase?: boolean;
  /** Absolute path: only this folder and what lies in it. */
  readonly pathPrefix?: string;
  /** None: all. */
  readonly types?: readonly NodeType[];
  /** Times of last change, in milliseconds since the epoch; both count as within. */
  readonly oldestMs?: number;
  readonly newestMs?: number;
  readonly signal?: AbortSignal;
  /** A folder that cannot be read; its entries are not looked at. Called for each snapshot that has it. */
  readonly onDamage: (path: string, error: Error) => void;
  /** After each listing that was read, with their number so far. */
  readonly onListing?: (listings: number) => void;
}

/** What was found in one listing and below it, in the order of names. */
type Found = readonly FoundItem[];
interface FoundItem {
  readonly name: Uint8Array;
  /** The entry, when it is one of those that are looked for. */
  readonly node?: TreeNode;
  readonly below?: Found;
  readonly damage?: Error;
}

type Place = 'inside' | 'above' | 'outside';

export class EntryFinder {
  readonly #reader: BlobReader;
  readonly #options: FindOptions;
  readonly #matches: (path: string) => boolean;
  readonly #mayMatchBelow: (path: string) => boolean;
  /** Whether what matches depends on more than the name. */
  readonly #isBoundToPath: boolean;
  readonly #found = new Map<string, Found>();
  #entries = 0;

  constructor(reader: BlobReader, options: FindOptions) {
    this.#reader = reader;
    this.#options = options;
    const patterns = options.patterns.map((pattern) => this.#fold(pattern));
    this.#matches = excludeMatcher(patterns);
    this.#mayMatchBelow = mayMatchBelow(patterns);
    this.#isBoundToPath = patterns.some((pattern) => pattern.includes('/'));
  }

  /** Listings that were read so far. */
  get listings(): number {
    return this.#found.size;
  }

  /** What a snapshot holds of it, folders before their contents. @throws HoldfastError cancelled; storage_unavailable. */
  async *find(treeId: string): AsyncGenerator<TreeEntry> {
    const place = this.#placeOf('');
    if (place !== 'outside') yield* this.#tell(await this.#search(treeId, '', place, []), Buffer.alloc(0));
  }

  *#tell(found: Found, parent: Uint8Array): Generator<TreeEntry> {
    for (const { name, node, below, damage } of found) {
      this.#count();
      const pathBytes = name.length === 0 ? Buffer.from(parent) : joinPath(parent, name);
      const path = pathBytes.toString('utf8');
      if (damage !== undefined) this.#options.onDamage(path || '/', damage);
      if (node !== undefined) yield { pathBytes, path, node };
      if (below !== undefined) yield* this.#tell(below, pathBytes);
    }
  }

  async #search(treeId: string, path: string, place: Place, ancestors: readonly string[]): Promise<Found> {
    if (this.#options.signal?.aborted)
      throw new HoldfastError('cancelled', 'The search was stopped before its end, as asked.');
    const key = this.#isBoundToPath || place === 'above' ? `${treeId}${path}` : treeId;
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const found: FoundItem[] = [];
    try {
      if (ancestors.includes(treeId)) throw damagedRepository('A folder of the snapshot contains itself.');
      if (ancestors.length >= LIMITS.treeDepth)
        throw damagedRepository('The snapshot is nested deeper than any real folder.');
      const below = [...ancestors, treeId];
      for (const node of await this.#reader.tree(treeId)) found.push(...(await this.#look(node, path, below)));
    } catch (error) {
      if (!isReadDamage(error)) throw error;
      found.push({ name: Buffer.alloc(0), damage: error as Error });
    }
    this.#found.set(key, found);
    this.#options.onListing?.(this.#found.size);
    return found;
  }

  async #look(node: TreeNode, parent: string, ancestors: readonly string[]): Promise<Found> {
    this.#count();
    const { name, subtree } = node;
    if (!isPlainName(name)) {
      const damage = damagedRepository('The name of an entry could lead outside of its folder. It was left out.');
      return [{ name, damage }];
    }
    const path = `${parent}/${Buffer.from(name).toString('utf8')}`;
    const place = this.#placeOf(path);
    if (place === 'outside') return [];
    const isMeant = place === 'inside' && this.#isMeant(node, path);
    const isEntered = subtree !== undefined && this.#mayMatchBelow(this.#fold(path));
    const below = isEntered ? await this.#search(subtree, path, place, ancestors) : [];
    if (!isMeant && below.length === 0) return [];
    return [{ name, ...(isMeant ? { node } : {}), ...(below.length === 0 ? {} : { below }) }];
  }

  #isMeant(node: TreeNode, path: string): boolean {
    const { types = [], oldestMs, newestMs } = this.#options;
    if (types.length > 0 && !types.includes(node.type)) return false;
    if (!this.#matches(this.#fold(path))) return false;
    if (oldestMs === undefined && newestMs === undefined) return true;
    const timeNs = parseGoTime(node.mtime);
    if (timeNs === undefined) return false;
    const isOldEnough = newestMs === undefined || timeNs < (BigInt(newestMs) + 1n) * 1_000_000n;
    return isOldEnough && (oldestMs === undefined || timeNs >= BigInt(oldestMs) * 1_000_000n);
  }

  #placeOf(path: string): Place {
    const { pathPrefix: prefix } = this.#options;
    if (prefix === undefined || prefix === '/' || path === prefix || path.startsWith(`${prefix}/`)) return 'inside';
    return prefix.startsWith(`${path}/`) ? 'above' : 'outside';
  }

  #fold(text: string): string {
    return this.#options.ignoreCase === true ? text.toLowerCase() : text;
  }

  /** A listing that holds another one twice, and so on forty levels down, is small to store and endless to tell. */
  #count(): void {
    this.#entries += 1;
    if (this.#entries > LIMITS.snapshotEntries)
      throw damagedRepository('The snapshots have more entries than any real ones; the search was given up.');
  }
}
