/** The bytes of one file of a snapshot, in order. */
import { HoldfastError } from '../../base/errors.ts';
import { type BlobReader, isReadDamage } from '../blob-reader.ts';
import { damagedRepository } from '../format/damage.ts';
import { plainLength } from '../restore/plan.ts';

/** So many pieces and bytes are asked for before the first of them was taken. */
const PIECES_AHEAD = 8;
const BYTES_AHEAD = 24 * 1024 * 1024;

/** Bytes of each piece, as the indexes have them. @throws HoldfastError repository_damaged when one is in no index. */
export function pieceLengths(reader: BlobReader, content: readonly string[]): number[] {
  return content.map((id) => {
    const blob = reader.index.lookup(id, 'data');
    if (blob === undefined) throw damagedRepository(`A piece of it is missing from the repository (${id}).`);
    return plainLength(blob);
  });
}

/**
 * The pieces of a file, each verified, read ahead of whoever takes them.
 * @throws HoldfastError repository_damaged, which says from which byte on the contents are lost; cancelled.
 */
export async function* readContent(
  reader: BlobReader,
  content: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const lengths = pieceLengths(reader, content);
  const waiting: Promise<Uint8Array>[] = [];
  let [asked, bytesAhead, offset] = [0, 0, 0];
  for (const [at, id] of content.entries()) {
    while (
      asked < content.length &&
      (waiting.length === 0 || (waiting.length < PIECES_AHEAD && bytesAhead < BYTES_AHEAD))
    ) {
      const piece = reader.read(content[asked]!, 'data');
      // Who stops at an earlier piece does not wait for this one: its failure is nobody's then.
      piece.catch(() => undefined);
      waiting.push(piece);
      bytesAhead += lengths[asked]!;
      asked += 1;
    }
    if (signal?.aborted)
      throw new HoldfastError('cancelled', 'Stopped before the end, as asked. What came out is not whole.');
    let plain: Uint8Array;
    try {
      plain = await waiting.shift()!;
    } catch (error) {
      if (!isReadDamage(error)) throw error;
      throw damagedRepository(`Its contents are damaged from byte ${offset} on (piece ${id}).`, error);
    }
    bytesAhead -= lengths[at]!;
    offset += plain.length;
    yield plain;
  }
}
