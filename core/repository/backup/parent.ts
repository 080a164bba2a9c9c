/** What the parent snapshot knows of each file: an unchanged one keeps its contents without being read. */
import { latin1Of } from '../../base/bytes.ts';
import { isHoldfastError } from '../../base/errors.ts';
import type { EntryFacts } from '../../filesystem/scan.ts';
import { decodeBlob } from '../blob-codec.ts';
import type { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { goTime, parseGoTime, unquoteName, type ZoneOffset } from '../format/go-text.ts';
import { isObject } from '../format/json.ts';
import { storedNodes } from '../format/tree.ts';
import { packKey } from '../object-names.ts';
import type { OpenRepository } from '../types.ts';
import type { KnownEntry, KnownFolder } from './known-folders.ts';

interface ParentEntry {
  readonly type: string;
  readonly mtime: string;
  readonly ctime: string;
  readonly size: number;
  /** Rounded where it exceeds 2^53: the times decide then. */
  readonly inode: number;
  readonly content: readonly string[] | null;
  readonly subtree: string | undefined;
}

/** Trees of a snapshot lie in few packs, so whole packs are fetched and kept, up to so many bytes. */
const CACHE_BYTES_MAX = 48 * 1024 * 1024;

export class ParentSnapshot {
  /** Packs in which a tree could not be read: what is in them is better stored again. */
  readonly damagedPacks = new Set<string>();
  readonly #repo: OpenRepository;
  readonly #index: BlobIndex;
  readonly #reader: BlobReader;
  readonly #zone: ZoneOffset;
  /** Sealed bytes of tree packs, the least recently used first. */
  readonly #packs = new Map<string, Uint8Array>();
  #cachedBytes = 0;

  /** `zone`: in which this machine spells times. */
  constructor(repo: OpenRepository, index: BlobIndex, zone: ZoneOffset) {
    this.#zone = zone;
    this.#repo = repo;
    this.#index = index;
    this.#reader = new BlobReader(repo, index);
  }

  /** A folder by its tree. A damaged or missing one is as if it had not been there: its files are read again. */
  async folder(treeId: string): Promise<KnownFolder | undefined> {
    try {
      return new ParentFolder(decodeFolder(await this.#tree(treeId)), this.#zone);
    } catch (error) {
      if (!isDamage(error)) throw error;
      for (const { packId } of this.#index.lookupAll(treeId, 'tree')) this.damagedPacks.add(packId);
      return undefined;
    }
  }

  async #tree(id: string): Promise<Uint8Array> {
    const blob = this.#index.lookup(id, 'tree');
    if (blob !== undefined) {
      try {
        const pack = await this.#pack(blob.packId);
        return decodeBlob(this.#repo.masterKey, pack.subarray(blob.offset, blob.offset + blob.length), blob);
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
    }
    return await this.#reader.read(id, 'tree'); // other copies, and a second look
  }

  async #pack(packId: string): Promise<Uint8Array> {
    const bytes = this.#packs.get(packId) ?? (await this.#repo.store.get(packKey(packId)));
    if (this.#packs.delete(packId)) this.#cachedBytes -= bytes.length;
    this.#packs.set(packId, bytes);
    this.#cachedBytes += bytes.length;
    for (const [oldest, { length }] of this.#packs) {
      if (this.#cachedBytes <= CACHE_BYTES_MAX || oldest === packId) break;
      this.#packs.delete(oldest);
      this.#cachedBytes -= length;
    }
    return bytes;
  }
}

class ParentFolder implements KnownFolder {
  /** By name, as a string of its bytes (latin1). */
  readonly #entries: ReadonlyMap<string, ParentEntry>;

  readonly #zone: ZoneOffset;

  constructor(entries: ReadonlyMap<string, ParentEntry>, zone: ZoneOffset) {
    this.#entries = entries;
    this.#zone = zone;
  }

  find(name: string): KnownEntry | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    const { content, subtree } = entry;
    return { content, subtree, isUnchanged: (facts) => isUnchanged(facts, entry, this.#zone) };
  }
}

/**
 * Only what `isUnchanged` looks at. The bytes are those that a holder of the key wrote and have the hash that names them;
 * whatever is not as expected makes the file count as new, which is always safe.
 */
function decodeFolder(tree: Uint8Array): Map<string, ParentEntry> {
  const entries = new Map<string, ParentEntry>();
  for (const node of storedNodes(tree)) {
    if (!isObject(node)) continue;
    const { name, type, mtime, ctime, size, inode, content, subtree } = node;
    if (typeof name !== 'string' || typeof type !== 'string') continue;
    entries.set(latin1Of(unquoteName(name)), {
      type,
      mtime: String(mtime),
      ctime: String(ctime),
      size: Number(size ?? 0),
      inode: Number(inode ?? 0),
      content: Array.isArray(content) && content.every(isId) ? content : null,
      subtree: isId(subtree) ? subtree : undefined,
    });
  }
  return entries;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

/** Same size, times and inode: the contents are taken to be the same, as restic does. */
function isUnchanged(facts: EntryFacts, parent: ParentEntry, zone: ZoneOffset): boolean {
  return (
    parent.type === 'file' &&
    parent.content !== null &&
    parent.size === facts.size &&
    parent.inode === Number(facts.inode) &&
    isTime(parent.mtime, facts.mtimeNs, zone) &&
    isTime(parent.ctime, facts.ctimeNs, zone)
  );
}

/** The text is nearly always the same; in another time zone it is another text for the same instant. */
function isTime(text: string, nanoseconds: bigint, zone: ZoneOffset): boolean {
  return text === goTime(nanoseconds, zone) || parseGoTime(text) === nanoseconds;
}

function isDamage(error: unknown): boolean {
  return (
    error instanceof SyntaxError ||
    isHoldfastError(error, 'repository_damaged') ||
    isHoldfastError(error, 'object_missing') ||
    isHoldfastError(error, 'object_mismatch')
  );
}
