import { decompress, decompressPieces } from '../format/zstd.ts';
import { sha256Hex } from '../object-names.ts';
import { deriveWrappingKey } from './kdf.ts';
import type { ReadCrypto } from './read-crypto.ts';
import { unseal } from './seal.ts';

/** Reading in Node: OpenSSL and the zstd that Node brings. */
export const nodeCrypto: ReadCrypto = { deriveWrappingKey, unseal, sha256Hex, decompress, decompressPieces };
