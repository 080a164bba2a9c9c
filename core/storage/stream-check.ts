import { createHash } from 'node:crypto';
import { Crc32c } from '../base/crc32c.ts';
import type { StreamTerms } from './port.ts';
import { objectMismatch } from './store-errors.ts';

/** Measures bytes on their way into a store and compares them with what was announced. */
export class StreamCheck {
  #key: string;
  #terms: StreamTerms;
  #size = 0;
  #crc = new Crc32c();
  #sha256: ReturnType<typeof createHash> | undefined;

  constructor(key: string, terms: StreamTerms) {
    this.#key = key;
    this.#terms = terms;
    // SHA-256 costs more than all the rest together, so it is computed only for who asks for it.
    this.#sha256 = terms.sha256 === undefined ? undefined : createHash('sha256');
  }

  /** @throws HoldfastError object_mismatch as soon as there are too many bytes. */
  update(piece: Uint8Array): void {
    this.#size += piece.length;
    if (this.#terms.size !== undefined && this.#size > this.#terms.size)
      throw objectMismatch(this.#key, 'size', this.#terms.size, `at least ${this.#size}`);
    this.#crc.update(piece);
    this.#sha256?.update(piece);
  }

  /** @throws HoldfastError object_mismatch */
  finish(): { readonly size: number; readonly crc32c: string } {
    const terms = this.#terms;
    if (terms.size !== undefined && terms.size !== this.#size)
      throw objectMismatch(this.#key, 'size', terms.size, this.#size);
    const crc32c = this.#crc.base64();
    if (terms.crc32c !== undefined && terms.crc32c !== crc32c)
      throw objectMismatch(this.#key, 'crc32c', terms.crc32c, crc32c);
    const sha256 = this.#sha256?.digest('hex');
    if (sha256 !== undefined && sha256 !== terms.sha256)
      throw objectMismatch(this.#key, 'sha256', terms.sha256, sha256);
    return { size: this.#size, crc32c };
  }
}
