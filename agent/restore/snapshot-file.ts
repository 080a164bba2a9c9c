import { HoldfastError } from '../../core/base/errors.ts';
import type { BlobIndex } from '../../core/repository/blob-index.ts';
import { BlobReader } from '../../core/repository/blob-reader.ts';
import { findPath } from '../../core/repository/list-tree.ts';
import type { OpenRepository, SnapshotWithId } from '../../core/repository/types.ts';

export interface SnapshotFile {
  readonly path: string;
  readonly size: number;
  /** From the beginning, each piece checked against its id. May be called again. @throws HoldfastError repository_damaged. */
  bytes(signal?: AbortSignal): AsyncGenerator<Uint8Array>;
}

/** Pieces that are fetched ahead of the one that is handed on. */
const AHEAD = 3;

/** @throws HoldfastError not_found when the snapshot has no file of this path; repository_damaged. */
export async function snapshotFile(
  repo: OpenRepository,
  index: BlobIndex,
  snapshot: SnapshotWithId,
  path: string,
): Promise<SnapshotFile> {
  const reader = new BlobReader(repo, index);
  const found = await findPath(reader, snapshot.tree, path);
  const content = found?.node.content;
  if (found === undefined || found.node.type !== 'file' || content === null || content === undefined)
    throw new HoldfastError(
      'not_found',
      `The restore point holds no file ${path}. What a source stored is listed in the portal, below /postgres, /mysql and /sqlite.`,
    );
  return { path, size: Number(found.node.size ?? 0n), bytes: (signal) => pieces(reader, content, signal) };
}

async function* pieces(
  reader: BlobReader,
  content: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const ahead: Promise<Uint8Array>[] = [];
  const fetchNext = (at: number): void => {
    const id = content[at];
    if (id === undefined) return;
    const piece = reader.read(id, 'data');
    piece.catch(() => undefined); // it is looked at when its turn comes
    ahead.push(piece);
  };
  for (let at = 0; at < AHEAD; at++) fetchNext(at);
  for (let at = 0; at < content.length; at++) {
    if (signal?.aborted === true) throw new HoldfastError('cancelled', 'Stopped before the end, as asked.');
    const piece = await ahead.shift();
    fetchNext(at + AHEAD);
    if (piece !== undefined) yield piece;
  }
}
