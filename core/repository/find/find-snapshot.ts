/** The snapshot that a person means, and the place in it. */
import { HoldfastError } from '../../base/errors.ts';
import type { BlobReader } from '../blob-reader.ts';
import { damagedRepository } from '../format/damage.ts';
import { findPath, type TreeEntry } from '../list-tree.ts';
import { listSnapshots, loadSnapshot } from '../repository.ts';
import type { OpenRepository, SnapshotWithId } from '../types.ts';
import { filterSnapshots, type SnapshotFilter } from './filter-snapshots.ts';

export interface FoundSnapshot {
  readonly snapshot: SnapshotWithId;
  /** Snapshots that could not be read while the newest one was looked for: one of them may be newer. */
  readonly unreadable: readonly { readonly id: string; readonly message: string }[];
}

/**
 * `latest` is the newest of those that the filter means; to an id the filter says nothing.
 * @throws HoldfastError not_found; bad_request for the beginning of several ids; repository_damaged.
 */
export async function findSnapshot(
  repo: OpenRepository,
  reference: string,
  filter: SnapshotFilter,
): Promise<FoundSnapshot> {
  if (reference !== 'latest') return { snapshot: await loadSnapshot(repo, reference), unreadable: [] };
  const { snapshots, damaged } = await listSnapshots(repo);
  const newest = filterSnapshots(snapshots, filter).at(-1);
  if (newest !== undefined) return { snapshot: newest, unreadable: damaged };
  if (damaged[0] !== undefined) throw damagedRepository(damaged[0].message);
  throw new HoldfastError(
    'not_found',
    snapshots.length === 0
      ? 'The repository has no snapshot yet. Run a backup first.'
      : 'No snapshot is of this host, these paths and these tags. List the snapshots to see which there are.',
  );
}

/** `ID:/folder` as the id and the path in it; the path is undefined where there is none. */
export function splitReference(reference: string): { readonly id: string; readonly path: string | undefined } {
  const at = reference.indexOf(':');
  return at === -1 ? { id: reference, path: undefined } : { id: reference.slice(0, at), path: reference.slice(at + 1) };
}

/**
 * What lies at a path of a snapshot: an entry, or undefined for the root, which has none.
 * @throws HoldfastError not_found; repository_damaged.
 */
export async function findPlace(reader: BlobReader, treeId: string, path: string): Promise<TreeEntry | undefined> {
  if (path.split('/').every((part) => part === '')) return undefined;
  const found = await findPath(reader, treeId, path);
  if (found === undefined) throw new HoldfastError('not_found', `The snapshot holds nothing at ${path}.`);
  return found;
}

/** The listing of a folder of a snapshot. @throws HoldfastError not_found when there is none or it is no folder. */
export async function findFolder(reader: BlobReader, treeId: string, path: string): Promise<string> {
  const found = await findPlace(reader, treeId, path);
  if (found === undefined) return treeId;
  if (found.node.subtree === undefined)
    throw new HoldfastError(
      'not_found',
      `${found.path} is no folder in this snapshot. Name the folder that it lies in.`,
    );
  return found.node.subtree;
}
