/** The entries of a folder of a snapshot on their way into an archive: paths, sizes, further names of one file, contents. */
import { type BlobReader, isReadDamage } from '../blob-reader.ts';
import { damagedRepository } from '../format/damage.ts';
import { type TreeEntry, walkTree } from '../list-tree.ts';
import type { TreeNode } from '../types.ts';
import { pieceLengths, readContent } from './read-content.ts';

/** What an archive is made of: the whole tree, or one folder of it with its entry. */
export interface ArchiveRoot {
  readonly treeId: string;
  readonly folder?: TreeEntry;
}

export interface ArchiveOptions {
  readonly signal?: AbortSignal;
  /** An entry that is damaged and was left out. */
  readonly onDamage: (path: string, reason: string) => void;
  /** An entry that this kind of archive cannot hold. */
  readonly onLeftOut: (path: string, reason: string) => void;
  /** After each entry, with the bytes of its contents. */
  readonly onEntry?: (path: string, bytes: number) => void;
}

export interface ArchiveEntry {
  readonly path: string;
  /** Raw bytes, without a slash at either end. */
  readonly name: Buffer;
  readonly node: TreeNode;
  /** Bytes of a file's contents; 0 for everything else. */
  readonly size: number;
  readonly bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** The name of an earlier entry that is the same file; its contents are given all the same. */
  readonly sameAs?: Buffer;
}

/**
 * A file up to this size is read whole before its header is written, so that damage in it costs nothing but the file. In a
 * larger one damage ends the archive: a header cannot be taken back.
 */
const WHOLE_BYTES_MAX = 32 * 1024 * 1024;

/** @throws HoldfastError cancelled; repository_damaged when the contents of a large file are, in its middle. */
export async function* archiveEntries(
  reader: BlobReader,
  root: ArchiveRoot,
  options: ArchiveOptions,
): AsyncGenerator<ArchiveEntry> {
  const firstNames = new Map<string, { readonly name: Buffer; readonly content: string }>();
  const walkOptions = {
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(root.folder === undefined ? {} : { basePath: root.folder.pathBytes }),
    onDamage: (path: string, error: Error) => options.onDamage(path, error.message),
  };
  if (root.folder !== undefined) yield emptyEntry(root.folder);
  for await (const entry of walkTree(reader, root.treeId, walkOptions)) {
    if (entry.node.type !== 'file') {
      yield emptyEntry(entry);
      continue;
    }
    const file = await fileEntry(reader, entry, options);
    if (file === undefined) continue;
    const { node, name } = file;
    const inode = (node.links ?? 1n) > 1n && node.inode ? `${node.deviceId ?? 0n}:${node.inode}` : undefined;
    const first = inode === undefined ? undefined : firstNames.get(inode);
    const content = (node.content ?? []).join();
    // The same number with other contents is another file.
    if (first?.content === content) yield { ...file, sameAs: first.name };
    else {
      if (inode !== undefined) firstNames.set(inode, { name, content });
      yield file;
    }
    options.onEntry?.(entry.path, file.size);
  }
}

function emptyEntry({ path, pathBytes, node }: TreeEntry): ArchiveEntry {
  return { path, name: Buffer.from(pathBytes.subarray(1)), node, size: 0, bytes: [] };
}

async function fileEntry(
  reader: BlobReader,
  { path, pathBytes, node }: TreeEntry,
  options: ArchiveOptions,
): Promise<ArchiveEntry | undefined> {
  const content = node.content ?? [];
  const name = Buffer.from(pathBytes.subarray(1));
  try {
    const size = pieceLengths(reader, content).reduce((sum, length) => sum + length, 0);
    if (size > WHOLE_BYTES_MAX) return { path, name, node, size, bytes: largeContent(reader, path, content, options) };
    const pieces: Uint8Array[] = [];
    for await (const piece of readContent(reader, content, options.signal)) pieces.push(piece);
    return { path, name, node, size, bytes: pieces };
  } catch (error) {
    if (!isReadDamage(error)) throw error;
    options.onDamage(path, (error as Error).message);
    return undefined;
  }
}

async function* largeContent(
  reader: BlobReader,
  path: string,
  content: readonly string[],
  options: ArchiveOptions,
): AsyncGenerator<Uint8Array> {
  try {
    yield* readContent(reader, content, options.signal);
  } catch (error) {
    if (!isReadDamage(error)) throw error;
    throw damagedRepository(
      `${path} is damaged, and the archive ends in its middle. Leave it out: dump other folders, or restore, which brings back all that is intact. ${(error as Error).message}`,
      error,
    );
  }
}
