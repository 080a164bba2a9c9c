import { systemClock } from '../../core/base/clock.ts';
import { filterSnapshots } from '../../core/repository/find/filter-snapshots.ts';
import { EntryFinder, type FindOptions } from '../../core/repository/find/find-entries.ts';
import { listSnapshots, loadSnapshot } from '../../core/repository/repository.ts';
import type { OpenRepository, SnapshotWithId } from '../../core/repository/types.ts';
import { EXIT } from '../command-io.ts';
import { entryFacts, entryLine } from './entry-text.ts';
import { filterOf, openForReading, tellUnreadable } from './open-snapshot.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { countText, printable, progressTeller } from './say.ts';
import { snapshotLine } from './snapshots-command.ts';

export async function findCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const { repo, reader } = await openForReading(args, io);
  const { snapshots, isWhole: areAllRead } = await snapshotsOf(repo, args, io);
  const tell = progressTeller(io, args.isJson, systemClock.nowMs);
  let isWhole = areAllRead;
  let snapshotId = '';
  let matches = 0;
  let snapshotsDone = 0;
  const options: FindOptions = {
    patterns: args.positionals,
    ignoreCase: args.ignoreCase,
    types: args.nodeTypes,
    ...(args.pathPrefix === undefined ? {} : { pathPrefix: args.pathPrefix }),
    ...(args.oldestMs === undefined ? {} : { oldestMs: args.oldestMs }),
    ...(args.newestMs === undefined ? {} : { newestMs: args.newestMs }),
    signal: io.signal,
    onListing: (listingsRead) =>
      tell(
        () => ({ command: 'find', snapshotsDone, snapshotsTotal: snapshots.length, listingsRead, matches }),
        () =>
          `${snapshotsDone} of ${countText(snapshots.length, 'snapshot')}, ${countText(listingsRead, 'folder')} read, ${countText(matches, 'match', 'matches')}`,
      ),
    onDamage: (path, { message }) => {
      isWhole = false;
      if (args.isJson) io.out(JSON.stringify({ type: 'damaged', snapshotId, path, reason: message }));
      else io.err(`Snapshot ${snapshotId.slice(0, 8)}: ${printable(path)}: ${message}`);
    },
  };
  const finder = new EntryFinder(reader, options);
  let snapshotsWithMatches = 0;
  for (const snapshot of snapshots) {
    snapshotId = snapshot.id;
    const before = matches;
    for await (const entry of finder.find(snapshot.tree)) {
      matches += 1;
      if (args.isJson) io.out(JSON.stringify({ type: 'match', snapshotId, ...entryFacts(entry) }));
      else {
        if (matches === before + 1) io.out(`${before === 0 ? '' : '\n'}In snapshot ${snapshotLine(snapshot)}`);
        io.out(entryLine(entry, args.isLong));
      }
    }
    if (matches > before) snapshotsWithMatches += 1;
    snapshotsDone += 1;
  }
  if (args.isJson) {
    const counts = { matches, snapshotsWithMatches, snapshots: snapshots.length, listingsRead: finder.listings };
    io.out(JSON.stringify({ type: 'summary', command: 'find', ...counts, isWhole }));
  } else {
    if (matches === 0) io.out(`Nothing was found in ${countText(snapshots.length, 'snapshot')}.`);
    if (!isWhole) io.err('Not everything could be read: there may be more.');
  }
  return isWhole ? EXIT.done : EXIT.partial;
}

/** Those that are named, or all that the filters mean. */
async function snapshotsOf(
  repo: OpenRepository,
  args: RepoArguments,
  io: RepoIo,
): Promise<{ snapshots: SnapshotWithId[]; isWhole: boolean }> {
  const named = args.snapshot.filter((word) => word !== 'all');
  if (named.length > 0) {
    const snapshots: SnapshotWithId[] = [];
    for (const reference of named) snapshots.push(await loadSnapshot(repo, reference));
    return { snapshots, isWhole: true };
  }
  const { snapshots, damaged } = await listSnapshots(repo);
  tellUnreadable(args, io, damaged);
  return { snapshots: filterSnapshots(snapshots, filterOf(args)), isWhole: damaged.length === 0 };
}
