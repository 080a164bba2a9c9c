/** Puts folders together from the inside: one is complete when each of its entries has its text, or is left out. */
import type { ScannedFolder } from '../../filesystem/scan.ts';
import { encodeNode, encodeTree } from '../format/tree.ts';
import { makeNode } from './make-node.ts';
import type { OwnerNames } from './owners.ts';

/** A folder whose entries are not all known yet. */
export interface OpenFolder {
  readonly folder: ScannedFolder;
  /** Undefined for the file system's root. */
  readonly above: OpenFolder | undefined;
  /** Place among the entries of the folder above. */
  readonly place: number;
  /** The tree of the same folder in the parent snapshot. */
  readonly parentTree: string | undefined;
  /** One text an entry; undefined for what is left out or not known yet. */
  readonly texts: (string | undefined)[];
  /** Entries that are not known yet. */
  pending: number;
}

export class TreeBuilder {
  foldersNew = 0;
  foldersChanged = 0;
  foldersUnmodified = 0;
  /** Tree id of the file system's root, as soon as everything is known. */
  readonly root: Promise<string>;
  readonly #owners: OwnerNames;
  readonly #store: (tree: Buffer) => string;
  #rootIsDone: (treeId: string) => void = () => undefined;

  /** `store` takes a tree's bytes and returns their id. */
  constructor(owners: OwnerNames, store: (tree: Buffer) => string) {
    this.#owners = owners;
    this.#store = store;
    this.root = new Promise((resolve) => {
      this.#rootIsDone = resolve;
    });
  }

  /** A folder with `count` entries; one without any is complete at once. */
  open(
    folder: ScannedFolder,
    count: number,
    above: OpenFolder | undefined,
    place: number,
    parentTree: string | undefined,
  ): OpenFolder {
    const open: OpenFolder = { folder, above, place, parentTree, texts: [], pending: count };
    open.texts.length = count;
    if (count === 0) this.#close(open);
    return open;
  }

  /** The text of an entry is known, or that it has none because it could not be read. */
  set(open: OpenFolder, place: number, text: string | undefined): void {
    open.texts[place] = text;
    open.pending -= 1;
    if (open.pending === 0) this.#close(open);
  }

  #close({ folder, above, place, parentTree, texts }: OpenFolder): void {
    const subtree = this.#store(encodeTree(texts.filter((text) => text !== undefined)));
    if (above === undefined) return this.#rootIsDone(subtree);
    if (parentTree === undefined) this.foldersNew += 1;
    else if (parentTree === subtree) this.foldersUnmodified += 1;
    else this.foldersChanged += 1;
    this.set(above, place, encodeNode(makeNode(folder, folder.facts, this.#owners, { content: null, subtree })));
  }
}
