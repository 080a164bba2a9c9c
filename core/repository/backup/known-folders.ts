/**
 * What is known of the folders of the parent snapshot: from this machine's own memory (folder-state.ts) where it has one, from
 * the repository's trees where it has none.
 */
import type { EntryFacts } from '../../filesystem/scan.ts';
import type { FolderListing } from '../../filesystem/folder-listing.ts';
import type { BlobIndex } from '../blob-index.ts';
import type { FolderRecord } from './folder-record.ts';
import type { FolderState } from './folder-state.ts';
import type { ParentSnapshot } from './parent.ts';

export interface KnownEntry {
  /** Hex ids of a file's contents; null for everything else. */
  readonly content: readonly string[] | null;
  readonly subtree: string | undefined;
  /** Whether a file with these facts has these contents. */
  isUnchanged(facts: EntryFacts): boolean;
}

export interface KnownFolder {
  /** By name, as a string of its bytes. */
  find(name: string): KnownEntry | undefined;
}

/** A folder that was remembered, and how it is now. */
export interface FoundFolder {
  readonly known: KnownFolder | undefined;
  /** When names, facts and contents are what they were: unless something below it has changed, its tree is the same. */
  readonly same: FolderRecord | undefined;
}

const NOTHING: FoundFolder = { known: undefined, same: undefined };

export class KnownFolders {
  readonly #parent: ParentSnapshot;
  readonly #index: BlobIndex;
  readonly #state: FolderState | undefined;
  /** Numbers of the packs that folders need which were kept as they are. */
  readonly #packs = new Set<number>();

  constructor(parent: ParentSnapshot, index: BlobIndex, state: FolderState | undefined) {
    this.#parent = parent;
    this.#index = index;
    this.#state = state;
  }

  /** Whether every listing of the parent that was asked for could be read. */
  get isWhole(): boolean {
    return this.#parent.damagedPacks.size === 0;
  }

  /** Packs in which what was kept lies. */
  packIds(): string[] {
    return Array.from(this.#packs, (number) => this.#index.packId(number));
  }

  /** `mayKeep`: no file of it is to be read in any case. */
  async find(treeId: string | undefined, listing: FolderListing, mayKeep: boolean): Promise<FoundFolder> {
    if (treeId === undefined) return NOTHING;
    const record = this.#state?.record(treeId);
    if (record === undefined) return { known: await this.#parent.folder(treeId), same: undefined };
    const isSame =
      mayKeep &&
      record.mayBeKept &&
      this.#state?.isSameForm === true &&
      record.isSame(listing) &&
      this.#isStored(treeId, record);
    return { known: new RememberedFolder(record), same: isSame ? record : undefined };
  }

  /** The tree itself and all contents; their packs are then the snapshot's. */
  #isStored(treeId: string, record: FolderRecord): boolean {
    // What is known to lie in a damaged pack is better stored again.
    if (this.#parent.damagedPacks.size > 0) return false;
    const tree = this.#index.packsOf(Buffer.from(treeId, 'hex'), 'tree');
    const data = this.#index.packsOf(record.contentIds, 'data');
    if (tree === undefined || data === undefined) return false;
    for (const number of tree) this.#packs.add(number);
    for (const number of data) this.#packs.add(number);
    return true;
  }
}

class RememberedFolder implements KnownFolder {
  readonly #record: FolderRecord;

  constructor(record: FolderRecord) {
    this.#record = record;
  }

  find(name: string): KnownEntry | undefined {
    const record = this.#record;
    const place = record.placeOf(name);
    if (place === -1) return undefined;
    return {
      content: record.content(place),
      subtree: record.subtree(place),
      isUnchanged: (facts) => record.isUnchanged(place, facts),
    };
  }
}
