/** Decides which blobs are new, has them sealed by the lanes, and puts them into packs. */
import { bytesOfHex } from '../../base/bytes.ts';
import type { BlobIndex } from '../blob-index.ts';
import { IdSet } from '../id-set.ts';
import { sha256Hex } from '../object-names.ts';
import type { BlobType } from '../types.ts';
import type { BlobsSealed, HashedBlobs } from './lane-messages.ts';
import type { Lanes } from './lanes.ts';
import type { NewDataSigns } from './new-data-signs.ts';
import type { PackWriter } from '../write/pack-writer.ts';
import { plainSum } from '../write/plain-sum.ts';

const ID_BYTES = 32;
/** Trees are sealed so many, or so many bytes, at a time: a message costs as much as sealing a small one. */
const TREES_PER_MESSAGE = 128;
const TREE_BYTES_PER_MESSAGE = 512 * 1024;

interface NewBlobs {
  readonly blobs: number;
  readonly bytes: number;
}

export class BlobAdder {
  /** Sealed bytes of all blobs that were added. */
  storedBytes = 0;
  readonly #index: BlobIndex;
  readonly #lanes: Lanes;
  readonly #packs: PackWriter;
  /** Blobs of this run whose packs may not be durable yet. */
  readonly #claimed: Readonly<Record<BlobType, IdSet>> = { data: new IdSet(), tree: new IdSet() };
  readonly #new = { data: { blobs: 0, bytes: 0 }, tree: { blobs: 0, bytes: 0 } };
  /** Packs of earlier backups that this one needs. */
  readonly #oldPacks = new Set<string>();
  #trees: { readonly id: Uint8Array; readonly bytes: Buffer; readonly sum: number }[] = [];
  #treeBytes = 0;
  #sealing = 0;
  #whenIdle: (() => void) | undefined;

  readonly #onFailure: (error: unknown) => void;

  constructor(index: BlobIndex, lanes: Lanes, packs: PackWriter, onFailure: (error: unknown) => void) {
    this.#index = index;
    this.#lanes = lanes;
    this.#packs = packs;
    this.#onFailure = onFailure;
    packs.onDurable = (type, ids) => {
      // The index knows them from now on.
      for (let at = 0; at < ids.length; at += ID_BYTES) this.#claimed[type].delete(ids, at);
    };
  }

  added(type: BlobType): NewBlobs {
    return this.#new[type];
  }

  /** Every pack that the blobs lie in which were asked for or added: complete when all packs are durable. */
  packIds(): string[] {
    return [...new Set([...this.#oldPacks, ...this.#packs.packIds])].sort();
  }

  /** Whether all these are stored (or about to be); their packs are then part of the snapshot. */
  haveAll(ids: readonly string[], type: BlobType): boolean {
    const packs: string[] = [];
    for (const text of ids) {
      const id = bytesOfHex(text);
      if (this.#claimed[type].has(id)) continue;
      const pack = this.#index.packOf(id, 0, type);
      if (pack === -1) return false;
      packs.push(this.#index.packId(pack));
    }
    for (const packId of packs) this.#oldPacks.add(packId);
    return true;
  }

  /** Chunks of files, in a buffer of the lanes, which goes back to them. `signs` hears of them. Returns their ids. */
  addChunks(chunks: HashedBlobs, signs?: NewDataSigns): string[] {
    const { buffer, ranges, ids: idBytes, sums } = chunks;
    const hex = Buffer.from(idBytes.buffer, idBytes.byteOffset, idBytes.byteLength).toString('hex');
    const ids: string[] = [];
    const wanted: number[] = [];
    for (let at = 0; at * 2 < ranges.length; at += 1) {
      const id = hex.slice(at * ID_BYTES * 2, (at + 1) * ID_BYTES * 2);
      ids.push(id);
      const bytes = ranges[at * 2 + 1]! - ranges[at * 2]!;
      signs?.read(bytes);
      if (this.#claimed.data.has(idBytes, at * ID_BYTES) || this.#hasOld(idBytes, at * ID_BYTES)) continue;
      this.#claim('data', bytes, idBytes, at * ID_BYTES);
      wanted.push(at);
      signs?.add(chunks, at);
    }
    if (wanted.length === 0) this.#lanes.releaseBuffer(buffer);
    else if (wanted.length === ids.length) this.#seal('data', chunks, signs);
    else {
      const wantedIds = new Uint8Array(wanted.length * ID_BYTES);
      for (const [place, at] of wanted.entries())
        wantedIds.set(idBytes.subarray(at * ID_BYTES, (at + 1) * ID_BYTES), place * ID_BYTES);
      const ofWanted = {
        buffer,
        ranges: Uint32Array.from(wanted.flatMap((at) => [ranges[at * 2]!, ranges[at * 2 + 1]!])),
        ids: wantedIds,
        sums: Uint32Array.from(wanted, (at) => sums[at]!),
      };
      this.#seal('data', ofWanted, signs);
    }
    return ids;
  }

  /** A folder's listing; one that lies in damaged packs alone is stored again. Returns its id. */
  addTree(bytes: Buffer, damagedPacks: ReadonlySet<string>): string {
    const id = sha256Hex(bytes);
    const idBytes = bytesOfHex(id);
    const isDamaged =
      damagedPacks.size > 0 && this.#index.lookupAll(id, 'tree').every(({ packId }) => damagedPacks.has(packId));
    if (this.#claimed.tree.has(idBytes) || (!isDamaged && this.haveAll([id], 'tree'))) return id;
    this.#claim('tree', bytes.length, idBytes);
    this.#trees.push({ id: idBytes, bytes, sum: plainSum(bytes) });
    this.#treeBytes += bytes.length;
    if (this.#trees.length >= TREES_PER_MESSAGE || this.#treeBytes >= TREE_BYTES_PER_MESSAGE) this.#sealTrees();
    return id;
  }

  /** Resolves when everything that was added lies in packs. */
  async idle(): Promise<void> {
    this.#sealTrees();
    if (this.#sealing === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  /** Whether a chunk is stored; its pack is then part of the snapshot. A first backup asks for each of its files. */
  #hasOld(ids: Uint8Array, from: number): boolean {
    const pack = this.#index.packOf(ids, from, 'data');
    if (pack === -1) return false;
    this.#oldPacks.add(this.#index.packId(pack));
    return true;
  }

  #claim(type: BlobType, bytes: number, ids: Uint8Array, from = 0): void {
    this.#claimed[type].add(ids, from);
    this.#new[type].blobs += 1;
    this.#new[type].bytes += bytes;
  }

  #sealTrees(): void {
    if (this.#trees.length === 0) return;
    const buffer = new SharedArrayBuffer(this.#treeBytes);
    const target = Buffer.from(buffer);
    const ranges = new Uint32Array(this.#trees.length * 2);
    let at = 0;
    for (const [tree, { bytes }] of this.#trees.entries()) {
      ranges[tree * 2] = at;
      at += bytes.copy(target, at);
      ranges[tree * 2 + 1] = at;
    }
    const ids = new Uint8Array(this.#trees.length * ID_BYTES);
    for (const [tree, { id }] of this.#trees.entries()) ids.set(id, tree * ID_BYTES);
    const sums = Uint32Array.from(this.#trees, ({ sum }) => sum);
    this.#trees = [];
    this.#treeBytes = 0;
    this.#seal('tree', { buffer, ranges, ids, sums });
  }

  #seal(type: BlobType, { buffer, ranges, ids, sums }: HashedBlobs, signs?: NewDataSigns): void {
    this.#sealing += 1;
    const done = (sealed: BlobsSealed): void => {
      this.storedBytes += sealed.storedBytes;
      if (signs !== undefined) signs.storedBytes += sealed.storedBytes;
      this.#sealing -= 1;
      if (this.#sealing === 0) this.#whenIdle?.();
    };
    // A lane that fails ends the backup in its own way; such a promise never settles.
    this.#lanes
      .seal({ type, buffer, ranges, ids, sums }, type === 'data')
      .then(done)
      .catch(this.#onFailure);
  }
}
