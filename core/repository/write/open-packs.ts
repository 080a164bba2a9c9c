/**
 * The packs of one kind that are being filled. Each blob goes into one of two, as chance has it: were neighbouring chunks of a file
 * neighbours in a pack, whoever sees the stored sizes could tell a known file by them, and with it the secret by which files are cut.
 */
import { randomFillSync } from 'node:crypto';
import { type LoosePack, PackFile } from './pack-file.ts';

const PACKS_OPEN = 2;
/** The smallest packs that programs make. Smaller ones are made by tests, which count them: there is one at a time. */
const PACK_BYTES_MIN = 4 * 1024 * 1024;
/** Asked of the system at a time: a call costs more than a small blob. */
const CHANCES = 1024;

export class OpenPacks {
  readonly #nextPath: () => string;
  /** Packs that are open at one time. */
  readonly count: number;
  readonly #packBytes: number;
  readonly #packs: (PackFile | undefined)[];
  readonly #chances = new Uint8Array(CHANCES);
  #drawn = CHANCES;

  /** `nextPath`: where the next scratch file is made. `packBytes`: size at which a pack is to be closed. */
  constructor(nextPath: () => string, packBytes: number) {
    this.#nextPath = nextPath;
    this.#packBytes = packBytes;
    this.count = packBytes < PACK_BYTES_MIN ? 1 : PACKS_OPEN;
    this.#packs = Array.from({ length: this.count }, () => undefined);
  }

  /** Bytes of all blobs in them. */
  get size(): number {
    return this.#packs.reduce((sum, pack) => sum + (pack?.size ?? 0), 0);
  }

  /** The place that the next blob is for. */
  draw(): number {
    if (this.#drawn === CHANCES) {
      randomFillSync(this.#chances);
      this.#drawn = 0;
    }
    this.#drawn += 1;
    return this.#chances[this.#drawn - 1]! % this.count;
  }

  /** The pack at a place, a new one where there is none. @throws HoldfastError disk_full, storage_unavailable. */
  at(place: number): PackFile {
    this.#packs[place] ??= new PackFile(this.#nextPath());
    return this.#packs[place];
  }

  /** The pack at a place, which is open here no more. */
  take(place: number): PackFile {
    const pack = this.at(place);
    this.#packs[place] = undefined;
    return pack;
  }

  /** All blobs as one file without a list of contents, for another lane; undefined when there are none. */
  give(): LoosePack | undefined {
    return this.#gather(Number.POSITIVE_INFINITY)[0]?.give();
  }

  /**
   * Packs that hold all blobs and those that others gave, to be closed: one when they fit into one, so that a day on which little
   * changed leaves little packs no more than it must.
   */
  closeAll(given: readonly LoosePack[] = []): PackFile[] {
    const packs = this.#gather(this.#packBytes);
    for (const pack of given) packs[0]?.absorb(pack);
    return packs;
  }

  #gather(packBytes: number): PackFile[] {
    const [first, ...others] = this.#packs.filter((pack) => pack !== undefined);
    if (first === undefined) return [];
    const apart: PackFile[] = [];
    for (const pack of others) {
      if (first.size + pack.size <= packBytes) first.absorb(pack.give());
      else apart.push(pack);
    }
    this.#packs.fill(undefined);
    return [first, ...apart];
  }

  /** Nothing more comes: the files stay, for their owner to remove. */
  discard(): void {
    for (const pack of this.#packs) pack?.discard();
    this.#packs.fill(undefined);
  }
}
