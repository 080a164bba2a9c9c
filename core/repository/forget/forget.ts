/** Forgetting: which snapshots a policy lets go, and their removal. The data stays until a prune. */
import { HoldfastError } from '../../base/errors.ts';
import type { AdministerStore } from '../../storage/port.ts';
import type { SnapshotWithId } from '../types.ts';
import { type DecideOptions, decideKeep, isEmptyPolicy, type KeepDecision, type KeepPolicy } from './keep-policy.ts';
import { type GroupField, groupSnapshots, type SnapshotGroup } from './select-snapshots.ts';

export interface ForgetOptions extends DecideOptions {
  readonly policy: KeepPolicy;
  readonly groupBy: readonly GroupField[];
  /** Lets a group lose its last snapshot; with an empty policy it loses all. */
  readonly mayRemoveAll: boolean;
}

export interface ForgetGroup {
  readonly group: Omit<SnapshotGroup, 'snapshots'>;
  readonly keep: readonly KeepDecision[];
  readonly remove: readonly SnapshotWithId[];
}

/**
 * What would happen, group by group; nothing is touched.
 * @throws HoldfastError conflict when a group would lose its last snapshot and `mayRemoveAll` was not said.
 */
export function planForget(snapshots: readonly SnapshotWithId[], options: ForgetOptions): ForgetGroup[] {
  const removesAll = isEmptyPolicy(options.policy) && options.mayRemoveAll;
  return groupSnapshots(snapshots, options.groupBy).map(({ snapshots: members, ...group }) => {
    const decided = removesAll
      ? members.map((snapshot) => ({ snapshot, reasons: [] }))
      : decideKeep(members, options.policy, options);
    const keep = decided.filter(({ reasons }) => reasons.length > 0);
    const remove = decided.filter(({ reasons }) => reasons.length === 0).map(({ snapshot }) => snapshot);
    if (keep.length === 0 && remove.length > 0 && !options.mayRemoveAll) throw lastOne(group, remove.length);
    return { group, keep, remove };
  });
}

function lastOne({ host, paths }: ForgetGroup['group'], count: number): HoldfastError {
  const whose = [host === undefined ? '' : ` of ${host}`, paths === undefined ? '' : ` of ${paths.join(', ')}`].join(
    '',
  );
  return new HoldfastError(
    'conflict',
    `These rules would remove every snapshot${whose} (${count}), so that nothing could be restored any more. Nothing was removed. Keep at least one, or say --unsafe-allow-remove-all.`,
    { detail: { host, paths, count } },
  );
}

/** @throws what the store throws; `onRemoved` has then heard of those that are gone. */
export async function removeSnapshots(
  store: AdministerStore,
  ids: readonly string[],
  onRemoved: (id: string) => void,
): Promise<void> {
  for (const id of ids) {
    await store.remove(`snapshots/${id}`);
    onRemoved(id);
  }
}
