import type { Snapshot } from '../types.ts';

/** Which snapshots are meant; what is empty or missing does not narrow. */
export interface SnapshotFilter {
  readonly host?: string | undefined;
  /** All of them have to be among the snapshot's paths. */
  readonly paths: readonly string[];
  /** Any of the lists has to match; a list is words with commas between them that the snapshot has to carry all. */
  readonly tags: readonly string[];
  /** Only so many of the newest of each host and set of paths. */
  readonly latest?: number | undefined;
}

/** The snapshots that `filter` means, in the order given, which has to be the oldest first. Pure. */
export function filterSnapshots<S extends Snapshot>(snapshots: readonly S[], filter: SnapshotFilter): S[] {
  const tagLists = filter.tags.map((list) => list.split(',').filter((tag) => tag !== ''));
  const meant = snapshots.filter(
    ({ hostname, paths, tags = [] }) =>
      (filter.host === undefined || hostname === filter.host) &&
      filter.paths.every((path) => paths.includes(path)) &&
      (tagLists.length === 0 || tagLists.some((list) => list.every((tag) => tags.includes(tag)))),
  );
  const { latest } = filter;
  if (latest === undefined) return meant;
  const counts = new Map<string, number>();
  const newest = meant.toReversed().filter(({ hostname, paths }) => {
    const group = JSON.stringify([hostname ?? '', paths.toSorted()]);
    const count = (counts.get(group) ?? 0) + 1;
    counts.set(group, count);
    return count <= latest;
  });
  return newest.reverse();
}
