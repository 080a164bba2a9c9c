/** Reads single blobs, trees above all: every copy is tried, and a damaged read is repeated once before it counts. */
import { isHoldfastError } from '../base/errors.ts';
import type { BlobIndex } from './blob-index.ts';
import { damagedRepository } from './format/damage.ts';
import { decodeTree } from './format/tree.ts';
import { PackPages } from './pack-pages.ts';
import { assertBlobBytes, assertStoredSize } from './stored-blob.ts';
import type { BlobType, OpenRepository, PackedBlob, TreeNode } from './types.ts';

export class BlobReader {
  readonly repo: OpenRepository;
  readonly index: BlobIndex;
  readonly #pages: PackPages;
  readonly #readsDataAhead: boolean;

  /** `readsDataAhead`: for whoever reads many files of a folder, whose pieces lie side by side too. */
  constructor(repo: OpenRepository, index: BlobIndex, options: { readonly readsDataAhead?: boolean } = {}) {
    this.repo = repo;
    this.index = index;
    this.#pages = new PackPages(repo.store);
    this.#readsDataAhead = options.readsDataAhead ?? false;
  }

  /** @throws HoldfastError repository_damaged when no intact copy exists. */
  async read(id: string, type: BlobType): Promise<Uint8Array> {
    const copies = this.index.lookupAll(id, type);
    let damage: unknown;
    for (const copy of copies) {
      for (const attempt of ['first', 'again'] as const) {
        try {
          assertStoredSize(copy.length, copy);
          return await this.#decode(await this.#sealed(copy, attempt === 'again'), copy);
        } catch (error) {
          if (!isReadDamage(error)) throw error;
          damage = error;
        }
      }
    }
    const what = type === 'tree' ? 'A folder listing' : 'A piece of a file';
    const packs = copies.map(({ packId }) => packId).join(', ');
    throw damagedRepository(
      copies.length === 0
        ? `${what} is missing from the repository (${id}).`
        : `${what} is damaged in the repository (${id}, in pack ${packs}).`,
      damage,
    );
  }

  /** @throws HoldfastError repository_damaged. */
  async tree(id: string): Promise<TreeNode[]> {
    return decodeTree(await this.read(id, 'tree'));
  }

  async #decode(sealed: Uint8Array, blob: PackedBlob): Promise<Uint8Array> {
    const { crypto, masterKey } = this.repo;
    const opened = await crypto.unseal(masterKey, sealed);
    const plain = blob.uncompressedLength === 0 ? opened : await crypto.decompress(opened, blob.uncompressedLength);
    assertBlobBytes(blob, plain, await crypto.sha256Hex(plain));
    return plain;
  }

  async #sealed(blob: PackedBlob, isFresh: boolean): Promise<Uint8Array> {
    if (isFresh || (blob.type === 'data' && !this.#readsDataAhead)) return await this.#pages.readAlone(blob);
    return await this.#pages.read(blob, this.index.packEnd(blob.packId));
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
