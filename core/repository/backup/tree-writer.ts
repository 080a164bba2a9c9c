/** Writes the folders of a backup, deepest first; a folder that is stored already is not stored again. */
import type { ScannedEntry } from '../../filesystem/scan.ts';
import type { BlobIndex } from '../blob-index.ts';
import { encodeNode, encodeTree } from '../format/tree.ts';
import { sha256Hex } from '../object-names.ts';
import type { MasterKey } from '../types.ts';
import type { BackupContents } from './contents.ts';
import { makeNode, type NodeContents } from './make-node.ts';
import { loadOwnerNames } from './owners.ts';
import type { PackWriter } from './pack-writer.ts';
import { sealBlob } from './seal-blob.ts';

export class TreeWriter {
  /** Ids of all trees of the snapshot. */
  readonly treeIds = new Set<string>();
  newBlobs = 0;
  newBytes = 0;
  foldersNew = 0;
  foldersChanged = 0;
  foldersUnmodified = 0;
  readonly #masterKey: MasterKey;
  readonly #index: BlobIndex;
  readonly #packs: PackWriter;
  readonly #contents: BackupContents;
  readonly #owners = loadOwnerNames();

  constructor(masterKey: MasterKey, index: BlobIndex, packs: PackWriter, contents: BackupContents) {
    this.#masterKey = masterKey;
    this.#index = index;
    this.#packs = packs;
    this.#contents = contents;
  }

  /** Stores a folder and all below it; returns its tree id. */
  async write(folder: ScannedEntry): Promise<string> {
    const texts: string[] = [];
    for (const entry of folder.children ?? []) {
      const contents = await this.#contentsOf(entry);
      if (contents !== undefined) texts.push(encodeNode(makeNode(entry, this.#owners, contents)));
    }
    const bytes = encodeTree(texts);
    const id = sha256Hex(bytes);
    this.#count(folder, id);
    if (!this.treeIds.has(id) && !this.#index.has(id, 'tree')) {
      await this.#packs.room();
      this.#packs.add(id, 'tree', sealBlob(this.#masterKey, id, 'tree', bytes));
      this.newBlobs += 1;
      this.newBytes += bytes.length;
    }
    this.treeIds.add(id);
    return id;
  }

  async #contentsOf(entry: ScannedEntry): Promise<NodeContents | undefined> {
    if (entry.children !== undefined) return { content: null, subtree: await this.write(entry) };
    if (!entry.stat.isFile()) return { content: null };
    return this.#contents.contentOf(entry);
  }

  #count(folder: ScannedEntry, id: string): void {
    if (folder.name.length === 0) return;
    const before = this.#contents.parentTreeOf(folder);
    if (before === undefined) this.foldersNew += 1;
    else if (before === id) this.foldersUnmodified += 1;
    else this.foldersChanged += 1;
  }
}
