/** Puts folders together from the inside: one is complete when each of its entries is known, or is left out. */
import type { FolderListing, PlacedEntry } from '../../filesystem/folder-listing.ts';
import { HoldfastError } from '../../base/errors.ts';
import { displayPath, type EntryFacts } from '../../filesystem/scan.ts';
import type { ZoneOffset } from '../format/go-text.ts';
import { encodeNode, encodeTree, isReadableTree } from '../format/tree.ts';
import type { UnreadItem } from '../types.ts';
import { encodeFolderRecord, type FolderRecord, type KeptEntry } from './folder-record.ts';
import type { FolderState } from './folder-state.ts';
import { makeNode } from './make-node.ts';
import type { OwnerNames } from './owners.ts';

const TOO_LARGE =
  'It has more entries than the listing of one folder can hold, so that nothing of it is in the snapshot. Spread them over several folders.';

/** What an entry has become. */
export interface EntryResult {
  /** For a file that was read, those of the opened file. */
  readonly facts: EntryFacts;
  /** Hex ids of a file's contents; null for everything else. */
  readonly content: readonly string[] | null;
  /** Tree id of a folder. */
  readonly subtree?: string;
}

/** A folder whose entries are not all known yet. */
export interface OpenFolder {
  readonly listing: FolderListing;
  /** Undefined for the file system's root. */
  readonly above: OpenFolder | undefined;
  /** Place among the entries of the folder above. */
  readonly place: number;
  /** The tree of the same folder in the parent snapshot. */
  readonly parentTree: string | undefined;
  /** What the folder was, while it is still so: then `parentTree` is its tree, and only folders in it have results. */
  same: FolderRecord | undefined;
  /** One an entry; undefined for what is left out or not known yet. */
  readonly results: (EntryResult | undefined)[];
  /** Until something was told of an entry's attributes that has to be told the next time as well. */
  mayBeKept: boolean;
  /** Entries that are not known yet. */
  pending: number;
}

export interface TreeBuilderOptions {
  /** Of an entry on the disk, and whether all was found that there is. */
  readonly attributesOf: (entry: PlacedEntry) => {
    readonly attributes: KeptEntry['attributes'];
    readonly isAll: boolean;
  };
  readonly owners: OwnerNames;
  /** In which times are spelled. */
  readonly zone: ZoneOffset;
  /** Takes a tree's bytes and returns their id. */
  readonly store: (tree: Buffer) => string;
  /** Whether readers take a listing of so many entries and bytes; by default as ours do. */
  readonly isReadable?: (entries: number, bytes: number) => boolean;
  /** A folder has a listing that no reader takes: it is left out. */
  readonly onTooLarge: (folder: UnreadItem) => void;
  /** Is told of every folder. */
  readonly state: FolderState | undefined;
}

export class TreeBuilder {
  foldersNew = 0;
  foldersChanged = 0;
  foldersUnmodified = 0;
  /** Tree id of the file system's root, as soon as everything is known. */
  readonly root: Promise<string>;
  readonly #options: TreeBuilderOptions;
  #rootIsDone: (treeId: string) => void = () => undefined;

  constructor(options: TreeBuilderOptions) {
    this.#options = options;
    this.root = new Promise((resolve) => {
      this.#rootIsDone = resolve;
    });
  }

  /** A folder of which nothing is awaited is complete at once. */
  open(folder: Pick<OpenFolder, 'listing' | 'above' | 'place' | 'parentTree' | 'same'>): OpenFolder {
    const { listing, same } = folder;
    const pending = same === undefined ? listing.length : [...listing.folders()].length;
    const open: OpenFolder = { ...folder, results: [], mayBeKept: true, pending };
    if (pending === 0) this.#close(open);
    return open;
  }

  /** An entry is known, or left out because it could not be read. */
  set(open: OpenFolder, place: number, result: EntryResult | undefined): void {
    open.results[place] = result;
    if (open.same !== undefined && open.same.subtree(place) !== result?.subtree) this.#restoreResults(open);
    open.pending -= 1;
    if (open.pending === 0) this.#close(open);
  }

  /** A folder is not what it was after all: its other entries are, and stand in its tree as they did. */
  #restoreResults(open: OpenFolder): void {
    const { same, listing, results } = open;
    if (same === undefined) return;
    for (let place = 0; place < listing.length; place += 1)
      if (listing.kind(place) !== 'folder')
        results[place] = { facts: listing.facts(place), content: same.content(place) };
    open.same = undefined;
  }

  #close(open: OpenFolder): void {
    const { listing, above, place, parentTree, same } = open;
    const subtree = same === undefined ? this.#store(open) : parentTree!; // what is the same has a tree
    if (same !== undefined) this.#options.state?.keep(parentTree!);
    if (above === undefined) return this.#rootIsDone(assertRoot(subtree));
    if (subtree === undefined) return this.set(above, place, undefined);
    if (parentTree === undefined) this.foldersNew += 1;
    else if (parentTree === subtree) this.foldersUnmodified += 1;
    else this.foldersChanged += 1;
    this.set(above, place, { facts: listing.folder.facts, content: null, subtree });
  }

  /** Undefined when it is left out. */
  #store(open: OpenFolder): string | undefined {
    const { listing, results } = open;
    const { owners, zone, store, isReadable = isReadableTree, onTooLarge, state } = this.#options;
    const entries: KeptEntry[] = [];
    for (let place = 0; place < listing.length; place += 1) {
      const result = results[place];
      if (result === undefined) continue;
      const attributes = this.#attributesOf(open, place);
      entries.push({ ...result, attributes, name: listing.name(place), linkTarget: listing.linkTarget(place) });
    }
    const tree = encodeTree(entries.map((entry) => encodeNode(makeNode(entry, owners, zone))));
    if (!isReadable(entries.length, tree.length)) {
      const bytes = entries.reduce((sum, { content, facts }) => sum + (content === null ? 0 : facts.size), 0);
      onTooLarge({ path: displayPath(listing.folder.path), reason: 'read_error', message: TOO_LARGE, bytes });
      return undefined;
    }
    const treeId = store(tree);
    state?.add(treeId, encodeFolderRecord(entries, open.mayBeKept));
    return treeId;
  }

  #attributesOf(open: OpenFolder, place: number): KeptEntry['attributes'] {
    if (!open.listing.isOnDisk(place)) return [];
    const { attributes, isAll } = this.#options.attributesOf(open.listing.placed(place));
    if (!isAll) open.mayBeKept = false;
    return attributes;
  }
}

function assertRoot(treeId: string | undefined): string {
  if (treeId !== undefined) return treeId;
  throw new HoldfastError(
    'source_unreadable',
    'The root folder has more entries than one listing can hold. No snapshot was made. Choose folders below it instead.',
  );
}
