/**
 * Ids of 32 bytes, in arrays instead of as texts: a thread that makes a text of each piece that it is about to store keeps some
 * hundred bytes a piece, and its garbage collector walks over all of them.
 */
import { copyId, hashOfId, ID_BYTES, isSameId } from './id-bytes.ts';

const FIRST_SLOTS = 256;
/** Above it, looking for what is not there takes more than a few steps. */
const LOAD_MAX = 0.6;

export class IdSet {
  #size = 0;
  /** An id a slot; which slots are taken is told apart, for any 32 bytes are an id. */
  #ids = new Uint8Array(FIRST_SLOTS * ID_BYTES);
  #isTaken = new Uint8Array(FIRST_SLOTS);

  get size(): number {
    return this.#size;
  }

  /** Whether the id that begins at `from` is in it. */
  has(ids: Uint8Array, from = 0): boolean {
    return this.#isTaken[this.#slotOf(ids, from)] === 1;
  }

  /** False when it was in it already. */
  add(ids: Uint8Array, from = 0): boolean {
    const slot = this.#slotOf(ids, from);
    if (this.#isTaken[slot] === 1) return false;
    this.#put(slot, ids, from);
    this.#size += 1;
    if (this.#size > this.#isTaken.length * LOAD_MAX) this.#grow();
    return true;
  }

  /** False when it was not in it. */
  delete(ids: Uint8Array, from = 0): boolean {
    let hole = this.#slotOf(ids, from);
    if (this.#isTaken[hole] === 0) return false;
    this.#size -= 1;
    const last = this.#isTaken.length - 1;
    // What lies behind the hole moves into it, unless its own place lies behind the hole as well: no search ends too early.
    for (let slot = (hole + 1) & last; this.#isTaken[slot] === 1; slot = (slot + 1) & last) {
      const away = (slot - hashOfId(this.#ids, slot * ID_BYTES)) & last;
      if (away < ((slot - hole) & last)) continue;
      this.#ids.copyWithin(hole * ID_BYTES, slot * ID_BYTES, (slot + 1) * ID_BYTES);
      hole = slot;
    }
    this.#isTaken[hole] = 0;
    return true;
  }

  /** Where the id is, or the empty slot where it would be. */
  #slotOf(ids: Uint8Array, from: number): number {
    const last = this.#isTaken.length - 1;
    let slot = hashOfId(ids, from) & last;
    while (this.#isTaken[slot] === 1 && !isSameId(this.#ids, slot * ID_BYTES, ids, from)) slot = (slot + 1) & last;
    return slot;
  }

  #put(slot: number, ids: Uint8Array, from: number): void {
    copyId(ids, from, this.#ids, slot * ID_BYTES);
    this.#isTaken[slot] = 1;
  }

  #grow(): void {
    const [ids, isTaken] = [this.#ids, this.#isTaken];
    this.#ids = new Uint8Array(ids.length * 2);
    this.#isTaken = new Uint8Array(isTaken.length * 2);
    for (const [slot, taken] of isTaken.entries())
      if (taken === 1) this.#put(this.#slotOf(ids, slot * ID_BYTES), ids, slot * ID_BYTES);
  }
}
