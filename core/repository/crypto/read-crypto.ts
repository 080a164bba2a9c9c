/**
 * What reading a repository asks of the machine that it runs on. Node answers at once (node-crypto.ts, over the same
 * functions that backups call directly), a browser later (web-crypto.ts: WebCrypto gives promises only). Random bytes are
 * no part of it: `crypto.getRandomValues` is the same on both.
 */
import type { MasterKey } from '../types.ts';
import type { KdfParameters } from './kdf-parameters.ts';

export type Soon<T> = T | Promise<T>;

export interface ReadCrypto {
  /** The key that wraps the master key. @throws HoldfastError repository_damaged for parameters out of bounds. */
  deriveWrappingKey(password: string, salt: Uint8Array, parameters: KdfParameters): Promise<MasterKey>;
  /** The plaintext, when the tag is right. @throws HoldfastError repository_damaged. */
  unseal(key: MasterKey, sealed: Uint8Array): Soon<Uint8Array>;
  /** Lowercase. */
  sha256Hex(bytes: Uint8Array): Soon<string>;
  /** zstd frames, unpacked to at most `bytesMax`. @throws HoldfastError repository_damaged. */
  decompress(bytes: Uint8Array, bytesMax: number): Soon<Uint8Array>;
  /**
   * As decompress, of one frame, in pieces that are each true until the next, for large objects that need not be whole at any time;
   * undefined, and then no more, for what `decompress` must look at. To be read to its end, or ended by `return`, at once. Where
   * it is missing, objects are decompressed whole.
   */
  decompressPieces?(bytes: Uint8Array, bytesMax: number): Iterable<Uint8Array | undefined>;
}
