import { systemClock } from '../../core/base/clock.ts';
import { type ForgetGroup, planForget, removeSnapshots } from '../../core/repository/forget/forget.ts';
import { isEmptyPolicy } from '../../core/repository/forget/keep-policy.ts';
import type { OpenRepository, SnapshotWithId } from '../../core/repository/types.ts';
import type { ObjectStore } from '../../core/storage/port.ts';
import { EXIT, UsageError } from '../command-io.ts';
import { machineZone } from '../machine-zone.ts';
import { chooseIds, chooseSnapshots } from './choose-snapshots.ts';
import { pruneAndTell } from './prune-command.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { countText, printable } from './say.ts';
import { openStandalone } from './standalone-repository.ts';
import { whileLocked } from './while-locked.ts';
import { groupBy, keepPolicy, pruneOptions, snapshotFilter } from './write-arguments.ts';

type Opened = OpenRepository & { readonly store: ObjectStore };

export async function forgetCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const { values } = args;
  const isDryRun = values['dry-run'] === true;
  const policy = keepPolicy(values);
  const mayRemoveAll = values['unsafe-allow-remove-all'] === true;
  const filter = snapshotFilter(values);
  const hasFilter = [filter.hosts, filter.tags, filter.paths].some((list = []) => list.length > 0);
  if (args.positionals.length === 0 && isEmptyPolicy(policy) && !(mayRemoveAll && hasFilter))
    throw new UsageError(
      'forget needs ids of snapshots, or rules for what is kept (--keep-last 7, --keep-daily 14, …).',
    );
  pruneOptions(values); // refused before anything is removed
  const repo = await openStandalone(args);
  return await whileLocked(repo, io, isDryRun ? 'shared' : 'exclusive', async (signal) => {
    const ids = await choose(repo, args, io, { policy, mayRemoveAll, filter });
    let forgotten = 0;
    const tell = (id: string): void => {
      forgotten += 1;
      if (args.isJson) io.out(JSON.stringify({ type: 'forgotten', snapshotId: id, isDryRun }));
    };
    if (isDryRun) ids.forEach(tell);
    else await removeSnapshots(repo.store, ids, tell);
    if (args.isJson) io.out(JSON.stringify({ type: 'summary', command: 'forget', forgotten, isDryRun }));
    else io.out(`${countText(forgotten, 'snapshot')} ${isDryRun ? 'would be forgotten' : 'forgotten'}.`);
    if (values['prune'] === true && forgotten > 0)
      await pruneAndTell(repo, args, io, signal, { isDryRun, withoutSnapshots: new Set(ids) });
    else if (forgotten > 0 && !isDryRun && !args.isJson)
      io.out('Their data is still stored: "holdfast repo prune" removes what no other snapshot needs.');
    return EXIT.done;
  });
}

async function choose(
  repo: Opened,
  args: RepoArguments,
  io: RepoIo,
  rules: {
    readonly policy: ReturnType<typeof keepPolicy>;
    readonly mayRemoveAll: boolean;
    readonly filter: ReturnType<typeof snapshotFilter>;
  },
): Promise<readonly string[]> {
  if (args.positionals.length > 0) return await chooseIds(repo, args.positionals);
  const groups = planForget(await chooseSnapshots(repo, [], rules.filter), {
    policy: rules.policy,
    groupBy: groupBy(args.values),
    mayRemoveAll: rules.mayRemoveAll,
    nowNs: BigInt(systemClock.nowMs()) * 1_000_000n,
    zone: machineZone(),
  });
  for (const group of groups) tellGroup(args, io, group);
  return groups.flatMap(({ remove }) => remove.map(({ id }) => id));
}

function tellGroup(args: RepoArguments, io: RepoIo, { group, keep, remove }: ForgetGroup): void {
  if (args.isJson) {
    for (const { snapshot, reasons } of keep) io.out(JSON.stringify({ type: 'kept', ...factsOf(snapshot), reasons }));
    for (const snapshot of remove) io.out(JSON.stringify({ type: 'removable', ...factsOf(snapshot) }));
    return;
  }
  const { host, paths, tags } = group;
  const words = [host, paths?.join(' '), tags?.join(',')].filter((word) => word !== undefined && word !== '');
  io.out(printable(words.length === 0 ? 'All snapshots:' : `${words.join('  ')}:`));
  for (const { snapshot, reasons } of keep) io.out(`  keep    ${lineOf(snapshot)}  ${printable(reasons.join(', '))}`);
  for (const snapshot of remove) io.out(`  forget  ${lineOf(snapshot)}`);
}

function factsOf({ id, time, hostname, paths, tags = [] }: SnapshotWithId): object {
  return { snapshotId: id, time, hostname: hostname ?? null, paths, tags };
}

function lineOf({ id, time }: SnapshotWithId): string {
  return `${id.slice(0, 8)}  ${time.slice(0, 19).replace('T', ' ')}`;
}
