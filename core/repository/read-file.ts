/** The contents of one file of a snapshot, piece by piece, for a reader that has no file system to restore into. */
import type { BlobReader } from './blob-reader.ts';
import { damagedRepository } from './format/damage.ts';
import type { TreeNode } from './types.ts';

/** Pieces that are fetched while one is used; with chunks of 8 MiB at most, some tens of megabytes. */
const PIECES_AHEAD = 3;

/**
 * The pieces of a file in their order; each has the hash that names it, and together they are as long as the entry says.
 * Whoever stores them must not believe the file before the end came: a damaged piece or a wrong length throws.
 * @throws HoldfastError repository_damaged; what the store throws.
 */
export async function* readFile(reader: BlobReader, node: TreeNode): AsyncGenerator<Uint8Array, void, undefined> {
  const { content } = node;
  if (node.type !== 'file' || content === null)
    throw damagedRepository('This entry is no file, or has lost its contents.');
  const ahead: Promise<Uint8Array>[] = [];
  let asked = 0;
  let bytes = 0;
  while (ahead.length > 0 || asked < content.length) {
    while (ahead.length < PIECES_AHEAD && asked < content.length) {
      const piece = reader.read(content[asked]!, 'data');
      piece.catch(() => undefined); // it is thrown where it is awaited
      ahead.push(piece);
      asked += 1;
    }
    const piece = await ahead.shift()!; // the loop above has filled it
    bytes += piece.length;
    yield piece;
  }
  if (BigInt(bytes) !== (node.size ?? 0n))
    throw damagedRepository(
      `The file has ${bytes} bytes, and its entry says ${node.size ?? 0n}. One of the two is damaged.`,
    );
}
