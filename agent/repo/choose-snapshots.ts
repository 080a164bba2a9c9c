/** The snapshots that a command was given by id, or all that its filter lets through. */
import { HoldfastError } from '../../core/base/errors.ts';
import { matchesFilter, type SnapshotFilter } from '../../core/repository/forget/select-snapshots.ts';
import { idOfKey } from '../../core/repository/object-names.ts';
import { listSnapshots, loadSnapshot } from '../../core/repository/repository.ts';
import type { OpenRepository, SnapshotWithId } from '../../core/repository/types.ts';

/**
 * The oldest first; ids win over the filter.
 * @throws HoldfastError not_found, bad_request; repository_damaged when a snapshot that may be meant cannot be read.
 */
export async function chooseSnapshots(
  repo: OpenRepository,
  references: readonly string[],
  filter: SnapshotFilter,
): Promise<SnapshotWithId[]> {
  if (references.length === 0) {
    const { snapshots, damaged } = await listSnapshots(repo);
    if (damaged[0] !== undefined)
      throw new HoldfastError(
        'repository_damaged',
        `Snapshot ${damaged[0].id.slice(0, 8)} cannot be read, so that nobody knows whether it is meant. Nothing was done. Name the snapshots by their ids.`,
      );
    return snapshots.filter((snapshot) => matchesFilter(snapshot, filter));
  }
  const chosen = new Map<string, SnapshotWithId>();
  for (const reference of references) {
    const snapshot = await loadSnapshot(repo, reference);
    chosen.set(snapshot.id, snapshot);
  }
  return [...chosen.values()].sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
}

/** The same by id alone, for what is to go: a snapshot that cannot be read any more has one too. */
export async function chooseIds(repo: OpenRepository, references: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for await (const { key } of repo.store.list('snapshots/')) {
    const id = idOfKey(key);
    if (id !== undefined) ids.push(id);
  }
  const chosen = new Set<string>();
  for (const reference of references) {
    const found = ids.filter((id) => reference !== '' && id.startsWith(reference));
    // "latest", what is not there, and what is ambiguous: said by the one who says it everywhere.
    chosen.add(found.length === 1 ? found[0]! : (await loadSnapshot(repo, reference)).id);
  }
  return [...chosen];
}
