/**
 * Reading single blobs out of packs, for trees above all. A listing of folders jumps in a pack: a folder's own tree lies
 * behind those of all folders in it. So what is read ahead is kept as pages of fixed places, several a pack, and not as one
 * window, which each jump would fill anew.
 */
import { isHoldfastError } from '../base/errors.ts';
import type { ReadStore } from '../storage/port.ts';
import { packKey } from './object-keys.ts';

/** A request to a distant store costs as much as reading this much more. */
const PAGE_BYTES = 512 * 1024;
const CACHE_BYTES_MAX = 32 * 1024 * 1024;

export interface PackRange {
  readonly packId: string;
  readonly offset: number;
  readonly length: number;
}

export class PackPages {
  readonly #store: ReadStore;
  /** Least recently used first. A page may end early, at the end of its pack. */
  readonly #pages = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(store: ReadStore) {
    this.#store = store;
  }

  /**
   * The bytes of a range; a view into a page, not to be changed. `packEnd`: nothing behind it is asked for.
   * @throws HoldfastError as the store's get.
   */
  async read(range: PackRange, packEnd: number): Promise<Uint8Array> {
    const { packId, offset, length } = range;
    const first = Math.floor(offset / PAGE_BYTES);
    const last = Math.floor((offset + length - 1) / PAGE_BYTES);
    if (length === 0 || last > first + 1) return await this.readAlone(range);
    const page = await this.#page(packId, first, packEnd);
    const start = offset - first * PAGE_BYTES;
    if (last === first) {
      if (page !== undefined && start + length <= page.length) return page.subarray(start, start + length);
      return await this.readAlone(range);
    }
    const next = await this.#page(packId, last, packEnd);
    const rest = length - (PAGE_BYTES - start);
    if (page?.length !== PAGE_BYTES || next === undefined || next.length < rest) return await this.readAlone(range);
    const joined = new Uint8Array(length);
    joined.set(page.subarray(start));
    joined.set(next.subarray(0, rest), PAGE_BYTES - start);
    return joined;
  }

  /** The same from the store, whatever was read before. */
  async readAlone({ packId, offset, length }: PackRange): Promise<Uint8Array> {
    return await this.#store.get(packKey(packId), { offset, length });
  }

  /** Undefined when it cannot be read whole: of a pack that is cut short, what lies before the cut is asked for alone. */
  async #page(packId: string, number: number, packEnd: number): Promise<Uint8Array | undefined> {
    const id = `${packId}:${number}`;
    let page = this.#pages.get(id);
    if (page === undefined) {
      page = await this.#readPage(packId, number * PAGE_BYTES, packEnd);
      if (page === undefined) return undefined;
    }
    // Somebody else may have read it meanwhile.
    this.#bytes += page.length - (this.#pages.get(id)?.length ?? 0);
    this.#pages.delete(id);
    this.#pages.set(id, page);
    for (const [oldest, { length }] of this.#pages) {
      if (this.#bytes <= CACHE_BYTES_MAX) break;
      this.#pages.delete(oldest);
      this.#bytes -= length;
    }
    return page;
  }

  async #readPage(packId: string, offset: number, packEnd: number): Promise<Uint8Array | undefined> {
    try {
      return await this.#store.get(packKey(packId), { offset, length: Math.min(PAGE_BYTES, packEnd - offset) });
    } catch (error) {
      if (isHoldfastError(error, 'object_mismatch') || isHoldfastError(error, 'object_missing')) return undefined;
      throw error;
    }
  }
}
