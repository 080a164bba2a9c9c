/**
 * Seals one blob after the other, the small ones of them together (crypto/seal-many.ts), and opens all of them again before they
 * leave, as `sealBlob` does with one.
 */
import { ManySealer } from '../crypto/seal-many.ts';
import { IV_BYTES, SEAL_OVERHEAD } from '../crypto/sealed-form.ts';
import { ManyUnsealer, OBJECTS_MAX, SMALL_BYTES_MAX } from '../crypto/unseal-many.ts';
import type { BlobType, MasterKey } from '../types.ts';
import { assertSurvived, compressBlob, type SealedBlob, sealContents } from './seal-blob.ts';

export class BlobSealer {
  readonly #key: MasterKey;
  readonly #sealer: ManySealer;
  readonly #unsealer: ManyUnsealer;
  readonly #starts = new Uint32Array(OBJECTS_MAX);
  readonly #lengths = new Uint32Array(OBJECTS_MAX);
  readonly #sums = new Uint32Array(OBJECTS_MAX);
  readonly #isCompressed = new Uint8Array(OBJECTS_MAX);
  /** Of the blobs that wait. */
  #plains: Uint8Array[] = [];
  #target: Uint8Array = new Uint8Array(0);

  constructor(key: MasterKey) {
    this.#key = key;
    this.#sealer = new ManySealer(key);
    this.#unsealer = new ManyUnsealer(key);
  }

  /**
   * As `sealBlob`, but the bytes in `target` are those of the sealed blob only when `finish` was called; until then neither they
   * nor `plain` may change. @throws HoldfastError repository_damaged, also for one that was added before.
   */
  add(type: BlobType, plain: Uint8Array, sum: number, target: Uint8Array, offset: number): SealedBlob {
    const packed = compressBlob(type, plain);
    const contents = packed ?? plain;
    const length = contents.length + SEAL_OVERHEAD;
    if (length > SMALL_BYTES_MAX) return sealContents(this.#key, { plain, sum, packed }, target, offset);
    if (this.#plains.length === OBJECTS_MAX || this.#target !== target) this.finish();
    const place = this.#plains.push(plain) - 1;
    this.#target = target;
    target.set(contents, offset + IV_BYTES);
    this.#starts[place] = offset;
    this.#lengths[place] = length;
    this.#sums[place] = sum;
    this.#isCompressed[place] = packed === undefined ? 0 : 1;
    return { length, uncompressedLength: packed === undefined ? 0 : plain.length };
  }

  /** @throws HoldfastError repository_damaged: nothing of what was added since the last time may be stored. */
  finish(): void {
    const plains = this.#plains;
    this.#plains = [];
    const [target, starts, lengths] = [this.#target, this.#starts, this.#lengths];
    for (let first = 0; first < plains.length; )
      first = this.#sealer.seal(target, starts, lengths, first, plains.length);
    for (let first = 0; first < plains.length; ) {
      const end = this.#unsealer.open(target, starts, lengths, first, plains.length);
      for (; first < end; first += 1)
        assertSurvived(
          plains[first]!,
          this.#sums[first]!,
          this.#unsealer.opened(first),
          this.#isCompressed[first] === 1,
        );
    }
  }
}
