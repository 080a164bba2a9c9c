import { crc32 } from 'node:zlib';
import { indexText, indexTextBytes, type ListedPacks } from '../format/index-file.ts';
import { COMPRESSED } from '../format/unpacked-form.ts';
import { compressPieces, ZSTD_QUICK_LEVEL } from '../format/zstd.ts';
import type { MasterKey } from '../types.ts';
import { sealFile, type UnpackedFile } from './store-object.ts';

/**
 * An index file of these packs. Its text, ten megabytes perhaps, is never in memory as a whole: each piece goes into the frame as it
 * is made, and what is opened again is compared with the CRC-32 of the pieces. `packs` is asked for twice, first for the size
 * that a frame says at its beginning.
 */
export function sealIndex(masterKey: MasterKey, packs: () => ListedPacks): UnpackedFile {
  const bytes = indexTextBytes(packs());
  let sum = 0;
  function* summed(): Generator<Buffer, void, void> {
    for (const piece of indexText(packs())) {
      sum = crc32(piece, sum);
      yield piece;
    }
  }
  const frame = compressPieces(summed(), bytes, ZSTD_QUICK_LEVEL);
  return sealFile(masterKey, 'index', Buffer.concat([Buffer.of(COMPRESSED), ...frame]), { bytes, sum });
}
