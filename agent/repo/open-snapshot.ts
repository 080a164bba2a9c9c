/** What every command that reads begins with. What cannot be read of indexes and snapshots is told, never passed over. */
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { BlobReader } from '../../core/repository/blob-reader.ts';
import type { SnapshotFilter } from '../../core/repository/find/filter-snapshots.ts';
import { findFolder, findSnapshot, splitReference } from '../../core/repository/find/find-snapshot.ts';
import type { OpenRepository, SnapshotWithId } from '../../core/repository/types.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { printable } from './say.ts';
import { openStandalone } from './standalone-repository.ts';

export interface OpenedForReading {
  readonly repo: OpenRepository;
  readonly index: BlobIndex;
  readonly reader: BlobReader;
}

export async function openForReading(args: RepoArguments, io: RepoIo): Promise<OpenedForReading> {
  const repo = await openStandalone(args);
  const index = await BlobIndex.load(repo);
  for (const { key, message } of index.damaged)
    tellFinding(args, io, { kind: 'index_unreadable', objectKey: key, message: `${key}: ${message}` });
  return { repo, index, reader: new BlobReader(repo, index) };
}

export function filterOf(args: RepoArguments): SnapshotFilter {
  return { host: args.host, paths: args.path, tags: args.tag, latest: args.latest };
}

/**
 * `ID`, the beginning of one, `latest`, each perhaps with `:/folder` behind it. The snapshot's tree is the folder's then.
 * @throws HoldfastError not_found, bad_request, repository_damaged.
 */
export async function openSnapshot(
  { repo, reader }: OpenedForReading,
  args: RepoArguments,
  io: RepoIo,
  reference: string,
): Promise<SnapshotWithId> {
  const { id, path } = splitReference(reference);
  const { snapshot, unreadable } = await findSnapshot(repo, id, filterOf(args));
  tellUnreadable(args, io, unreadable);
  return path === undefined ? snapshot : { ...snapshot, tree: await findFolder(reader, snapshot.tree, path) };
}

export function tellUnreadable(
  args: RepoArguments,
  io: RepoIo,
  unreadable: readonly { readonly id: string; readonly message: string }[],
): void {
  for (const { id, message } of unreadable) {
    const text = `Snapshot ${id.slice(0, 8)} cannot be read: ${message}`;
    tellFinding(args, io, { kind: 'snapshot_unreadable', id, message: args.isJson ? message : text });
  }
}

function tellFinding(
  args: RepoArguments,
  io: RepoIo,
  finding: { readonly message: string } & Readonly<Record<string, string>>,
): void {
  if (args.isJson) io.out(JSON.stringify({ type: 'finding', severity: 'error', ...finding }));
  else io.err(printable(finding.message));
}
