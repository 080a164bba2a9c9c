/** Reads single blobs, trees above all: every copy is tried, and a damaged read is repeated once before it counts. */
import { isHoldfastError } from '../base/errors.ts';
import { decodeBlob } from './blob-codec.ts';
import type { BlobIndex } from './blob-index.ts';
import { damagedRepository } from './format/damage.ts';
import { decodeTree } from './format/tree.ts';
import { packKey } from './object-names.ts';
import type { BlobType, OpenRepository, PackedBlob, TreeNode } from './types.ts';

/** Trees of one folder lie side by side in their pack: reading ahead saves a request for nearly each. */
const READ_AHEAD_BYTES = 1024 * 1024;
const CACHE_BYTES_MAX = 32 * 1024 * 1024;

export class BlobReader {
  readonly repo: OpenRepository;
  readonly index: BlobIndex;
  readonly #windows = new Map<string, { readonly offset: number; readonly bytes: Uint8Array }>();
  #windowBytes = 0;

  constructor(repo: OpenRepository, index: BlobIndex) {
    this.repo = repo;
    this.index = index;
  }

  /** @throws HoldfastError repository_damaged when no intact copy exists. */
  async read(id: string, type: BlobType): Promise<Buffer> {
    const copies = this.index.lookupAll(id, type);
    let damage: unknown;
    for (const copy of copies) {
      for (const attempt of ['first', 'again'] as const) {
        try {
          return decodeBlob(this.repo.masterKey, await this.#sealed(copy, attempt === 'again'), copy);
        } catch (error) {
          if (!isReadDamage(error)) throw error;
          damage = error;
        }
      }
    }
    throw damagedRepository(
      copies.length === 0
        ? `${type === 'tree' ? 'A folder listing' : 'A piece of a file'} is missing from the repository (${id}).`
        : `${type === 'tree' ? 'A folder listing' : 'A piece of a file'} is damaged in the repository (${id}).`,
      damage,
    );
  }

  /** @throws HoldfastError repository_damaged. */
  async tree(id: string): Promise<TreeNode[]> {
    return decodeTree(await this.read(id, 'tree'));
  }

  async #sealed(blob: PackedBlob, isFresh: boolean): Promise<Uint8Array> {
    if (isFresh || blob.type === 'data') {
      return await this.repo.store.get(packKey(blob.packId), { offset: blob.offset, length: blob.length });
    }
    const window = this.#windows.get(blob.packId);
    if (window !== undefined && blob.offset >= window.offset) {
      const at = blob.offset - window.offset;
      if (at + blob.length <= window.bytes.length) return window.bytes.subarray(at, at + blob.length);
    }
    return await this.#readAhead(blob);
  }

  async #readAhead(blob: PackedBlob): Promise<Uint8Array> {
    const key = packKey(blob.packId);
    const length = Math.max(blob.length, Math.min(READ_AHEAD_BYTES, this.index.packEnd(blob.packId) - blob.offset));
    let bytes: Uint8Array;
    try {
      bytes = await this.repo.store.get(key, { offset: blob.offset, length });
    } catch (error) {
      if (length === blob.length || !isReadDamage(error)) throw error;
      return await this.repo.store.get(key, { offset: blob.offset, length: blob.length }); // a pack cut short behind this blob
    }
    const old = this.#windows.get(blob.packId);
    this.#windowBytes += bytes.length - (old?.bytes.length ?? 0);
    this.#windows.delete(blob.packId);
    this.#windows.set(blob.packId, { offset: blob.offset, bytes });
    for (const [packId, window] of this.#windows) {
      if (this.#windowBytes <= CACHE_BYTES_MAX) break;
      this.#windows.delete(packId);
      this.#windowBytes -= window.bytes.length;
    }
    return bytes.subarray(0, blob.length);
  }
}

/** True for what damaged, short or missing stored bytes throw; anything else (network, cancelled) is passed on. */
export function isReadDamage(error: unknown): boolean {
  return (
    isHoldfastError(error, 'repository_damaged') ||
    isHoldfastError(error, 'object_missing') ||
    isHoldfastError(error, 'object_mismatch')
  );
}
