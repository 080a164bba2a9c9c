/** Which files of a snapshot the deeper looks of a drill need, and whether there is room for them. */
import { diskImagesOf } from '../../core/domain/system-test-words.ts';
import { isHoldfastError } from '../../core/base/errors.ts';
import type { BlobReader } from '../../core/repository/blob-reader.ts';
import { findPath, walkTree } from '../../core/repository/list-tree.ts';
import type { DrillResult, ExtraFiles } from './messages.ts';

const ENTRIES_MAX = 2_000_000;
/** More images are as good as too many. */
const IMAGES_NAMED = 100;

export interface FoundExtras extends Pick<DrillResult, 'also' | 'images'> {
  /** To be restored: files, and folders with all that is in them. */
  readonly include: readonly string[];
}

/** Those that come first have the room. @throws HoldfastError repository_damaged when a folder cannot be read. */
export async function findExtras(reader: BlobReader, treeId: string, extras: ExtraFiles): Promise<FoundExtras> {
  const images = extras.onlyImage ? await findImages(reader, treeId) : [];
  const also: DrillResult['also'] = [];
  const include: string[] = [];
  let room = extras.bytesMax;
  for (const path of [...extras.paths, ...(images.length === 1 ? images : [])]) {
    const bytes = await bytesAt(reader, treeId, path);
    const state = bytes === undefined ? 'absent' : bytes > room ? 'too_large' : 'restored';
    also.push({ path, state });
    if (bytes === undefined || state !== 'restored') continue;
    room -= bytes;
    include.push(path);
  }
  return { also, images: images.slice(0, IMAGES_NAMED), include };
}

async function findImages(reader: BlobReader, treeId: string): Promise<string[]> {
  const paths: string[] = [];
  // What lies in a folder that cannot be read is not found; the drill's own files say whether the point is damaged.
  const options = { entriesMax: ENTRIES_MAX, onDamage: () => undefined };
  for await (const { path, node } of walkTree(reader, treeId, options)) {
    if (node.type === 'file' && diskImagesOf([path]).length > 0) paths.push(path);
  }
  return diskImagesOf(paths);
}

/** Of a file, or of all files below a folder; undefined where there is neither. */
async function bytesAt(reader: BlobReader, treeId: string, path: string): Promise<number | undefined> {
  const found = await findPath(reader, treeId, path).catch((error: unknown) => {
    if (isHoldfastError(error, 'repository_damaged')) return undefined;
    throw error;
  });
  if (found?.node.type === 'file') return Number(found.node.size ?? 0);
  if (found?.node.subtree === undefined) return undefined;
  let bytes = 0;
  const options = { basePath: found.pathBytes, entriesMax: ENTRIES_MAX, onDamage: () => undefined };
  for await (const { node } of walkTree(reader, found.node.subtree, options))
    if (node.type === 'file') bytes += Number(node.size ?? 0);
  return bytes;
}
