import { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import { HoldfastError } from '../../core/base/errors.ts';
import type { BlobReader } from '../../core/repository/blob-reader.ts';
import { LIMITS } from '../../core/repository/format/limits.ts';
import { unixPermissions } from '../../core/repository/format/file-mode.ts';
import { parseGoTime } from '../../core/repository/format/go-text.ts';
import type { TreeNode } from '../../core/repository/types.ts';
import type { ReadStore } from '../../core/storage/port.ts';
import { displayName, findEntry } from './find-entry.ts';
import type { DownloadResult, DownloadTask, SandboxProgress } from './messages.ts';
import { openPoint } from './open-point.ts';
import { ZipFolderNames } from './zip-names.ts';

/** Pieces of one file that are fetched ahead of the one being written. */
const READ_AHEAD = 3;

interface ZipEntry {
  readonly path: string;
  readonly node: TreeNode;
  readonly bytes: number;
}

/** In the child: writes one file as it is, or one folder as zip. @throws HoldfastError not_found, bad_request, repository_damaged. */
export async function runDownloadTask(
  store: ReadStore,
  task: DownloadTask,
  progress: (now: SandboxProgress) => void,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<DownloadResult> {
  const { snapshot, reader } = await openPoint(store, task);
  const found = await findEntry(reader, snapshot.tree, task.path);
  if (found === undefined) throw new HoldfastError('not_found', 'The restore point holds nothing at this path.');
  const done = { files: 0, bytes: 0 };
  const count = (bytes: number): void => {
    done.bytes += bytes;
    progress({ step: 'transfer', filesDone: done.files, bytesDone: done.bytes });
  };
  if (task.as === 'file') {
    if (found?.type !== 'file')
      throw new HoldfastError('bad_request', 'This is not a file; download the folder instead.');
    if (fileBytes(reader, found) > task.bytesMax) throw tooLarge();
    for await (const piece of contents(reader, found)) {
      count(piece.length);
      await write(piece);
    }
    done.files = 1;
    return done;
  }
  const treeId = found === null ? snapshot.tree : found.subtree;
  if (treeId === undefined) throw new HoldfastError('bad_request', 'This is not a folder; download the file instead.');
  const root = found === null ? 'files' : new ZipFolderNames().take(displayName(found.name));
  const entries = await collect(reader, treeId, root, task);
  const zip = new ZipFile();
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  zip.on('error', fail);
  for (const entry of entries)
    addEntry(zip, reader, entry, { onFile: () => done.files++, onBytes: count, onError: fail });
  zip.end();
  const written = (async () => {
    for await (const piece of zip.outputStream) await write(piece as Buffer); // a stream of bytes, no encoding is set
  })();
  await Promise.race([written, failed]);
  return done;
}

/** Everything below a tree that a zip can hold; its sum is known before the first byte is written. */
async function collect(reader: BlobReader, treeId: string, root: string, task: DownloadTask): Promise<ZipEntry[]> {
  const entries: ZipEntry[] = [];
  let bytes = 0;
  const walk = async (tree: string, path: string, depth: number): Promise<void> => {
    // A tree cannot hold itself (its id is its hash), but it can be deeper than any file system allows.
    if (depth > LIMITS.treeDepth)
      throw new HoldfastError('repository_damaged', 'A folder is nested deeper than any real one.');
    const names = new ZipFolderNames();
    const nodes = await reader.tree(tree);
    for (const node of nodes) {
      if (node.type !== 'file' && node.type !== 'dir' && node.type !== 'symlink') continue;
      const inside = `${path}/${names.take(displayName(node.name))}`;
      const size = node.type === 'file' ? fileBytes(reader, node) : 0;
      bytes += size;
      entries.push({ path: inside, node, bytes: size });
      if (bytes > task.bytesMax || entries.length > task.entriesMax) throw tooLarge();
      if (node.subtree !== undefined) await walk(node.subtree, inside, depth + 1);
    }
  };
  await walk(treeId, root, 0);
  return entries;
}

function addEntry(
  zip: ZipFile,
  reader: BlobReader,
  { path, node, bytes }: ZipEntry,
  on: {
    readonly onFile: () => void;
    readonly onBytes: (bytes: number) => void;
    readonly onError: (error: Error) => void;
  },
): void {
  const mtime = zipTime(node.mtime);
  const permissions = unixPermissions(node.mode) & 0o777;
  if (node.type === 'dir') return zip.addEmptyDirectory(path, { mtime, mode: 0o040_000 | permissions });
  if (node.type === 'symlink')
    return zip.addBuffer(Buffer.from(node.linkTarget ?? []), path, { mtime, mode: 0o120_777, compress: false });
  zip.addReadStreamLazy(path, { mtime, mode: 0o100_000 | permissions, size: bytes }, (callback) => {
    const source = async function* () {
      for await (const piece of contents(reader, node)) {
        on.onBytes(piece.length);
        yield piece;
      }
      on.onFile();
    };
    const stream = Readable.from(source(), { objectMode: false, highWaterMark: 1024 * 1024 });
    // The zip file does not listen: a half-written entry must never pass for a whole one.
    stream.on('error', on.onError);
    callback(null, stream);
  });
}

/** The sum of a file's pieces: what is written is what they hold, whatever the entry claims. */
function fileBytes(reader: BlobReader, node: TreeNode): number {
  let sum = 0;
  for (const id of node.content ?? []) {
    const blob = reader.index.lookup(id, 'data');
    if (blob === undefined)
      throw new HoldfastError('repository_damaged', 'A piece of a file is missing from the repository.');
    sum += blob.uncompressedLength === 0 ? blob.length - 32 : blob.uncompressedLength;
  }
  return sum;
}

async function* contents(reader: BlobReader, node: TreeNode): AsyncGenerator<Uint8Array> {
  const ids = node.content ?? [];
  const ahead: Promise<Uint8Array>[] = [];
  for (let at = 0; at < ids.length; at++) {
    while (ahead.length < READ_AHEAD && at + ahead.length < ids.length) {
      const next = reader.read(ids[at + ahead.length]!, 'data');
      next.catch(() => undefined); // thrown where it is awaited
      ahead.push(next);
    }
    yield await ahead.shift()!;
  }
}

/** Zip knows the years 1980 to 2107, and its extra field seconds of 32 bits. */
function zipTime(stored: string): Date {
  const ms = Number((parseGoTime(stored) ?? 0n) / 1_000_000n);
  return new Date(Math.min(Math.max(ms, Date.UTC(1980, 0, 2)), Date.UTC(2037, 11, 31)));
}

function tooLarge(): HoldfastError {
  return new HoldfastError(
    'bad_request',
    'This is too much for a download in the browser. Choose a smaller folder, or restore to a machine.',
  );
}
