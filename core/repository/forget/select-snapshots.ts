/** Which snapshots a command is about, and how they are grouped: restic's `--host`, `--tag`, `--path` and `--group-by`. */
import type { SnapshotWithId } from '../types.ts';
import { hasTags } from './keep-policy.ts';

export interface SnapshotFilter {
  /** Any of these machines; none given: all. */
  readonly hosts?: readonly string[];
  /** All tags of any one of these lists. An empty tag stands for a snapshot without any. */
  readonly tags?: readonly (readonly string[])[];
  /** All of these paths. */
  readonly paths?: readonly string[];
}

export function matchesFilter(
  snapshot: SnapshotWithId,
  { hosts = [], tags = [], paths = [] }: SnapshotFilter,
): boolean {
  const isUntagged = (snapshot.tags ?? []).length === 0;
  return (
    (hosts.length === 0 || hosts.includes(snapshot.hostname ?? '')) &&
    (tags.length === 0 ||
      tags.some((list) => (list.length === 1 && list[0] === '' ? isUntagged : hasTags(snapshot, list)))) &&
    paths.every((path) => snapshot.paths.includes(path))
  );
}

export const GROUP_FIELDS = ['host', 'paths', 'tags'] as const;
export type GroupField = (typeof GROUP_FIELDS)[number];

export interface SnapshotGroup {
  /** Those of the fields by which was grouped. */
  readonly host?: string;
  readonly paths?: readonly string[];
  readonly tags?: readonly string[];
  readonly snapshots: readonly SnapshotWithId[];
}

/** Groups in the order in which their first snapshot comes. */
export function groupSnapshots(snapshots: readonly SnapshotWithId[], by: readonly GroupField[]): SnapshotGroup[] {
  const groups = new Map<string, SnapshotGroup & { readonly snapshots: SnapshotWithId[] }>();
  for (const snapshot of snapshots) {
    const name = {
      ...(by.includes('host') ? { host: snapshot.hostname ?? '' } : {}),
      ...(by.includes('paths') ? { paths: [...snapshot.paths].sort() } : {}),
      ...(by.includes('tags') ? { tags: [...(snapshot.tags ?? [])].sort() } : {}),
    };
    const key = JSON.stringify(name);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ...name, snapshots: [snapshot] });
    else group.snapshots.push(snapshot);
  }
  return [...groups.values()];
}
