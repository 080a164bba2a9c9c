/** Which files are witnessed: a sample that the seed decides, so that nobody can tell beforehand which file is looked at. */
import { hash } from 'node:crypto';
import { isValidUtf8 } from '../format/utf8-rune.ts';

/** A candidate is read in every run, changed or not, and hashed once more: larger files would make that felt. */
const SAMPLE_FILE_BYTES_MAX = 16 * 1024 * 1024;

/**
 * The `count` files with the smallest hash of seed and path, decided while the folders are still being walked: a file is a
 * candidate when it is among the smallest so far, and a few more are hashed than are kept in the end.
 */
export class WitnessSample {
  readonly #seed: string;
  readonly #count: number;
  /** Ascending. */
  readonly #ranks: string[] = [];

  constructor(seed: string, count: number) {
    this.#seed = seed;
    this.#count = count;
  }

  /** The rank of a candidate, or undefined. Empty files prove nothing, and a path that text cannot hold has no witness. */
  offer(path: Buffer, size: number): string | undefined {
    if (this.#count <= 0 || size === 0 || size > SAMPLE_FILE_BYTES_MAX || !isValidUtf8(path)) return undefined;
    const rank = hash('sha256', `${this.#seed}\n${path.toString('utf8')}`, 'hex');
    if (this.#ranks.length === this.#count) {
      if (rank > this.#ranks[this.#count - 1]!) return undefined;
      this.#ranks.pop();
    }
    const at = this.#ranks.findIndex((other) => other > rank);
    this.#ranks.splice(at === -1 ? this.#ranks.length : at, 0, rank);
    return rank;
  }

  /** When everything was offered: whether a candidate has stayed one. */
  isChosen(rank: string): boolean {
    return this.#ranks.includes(rank);
  }
}
