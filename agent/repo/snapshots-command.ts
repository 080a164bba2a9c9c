import { filterSnapshots } from '../../core/repository/find/filter-snapshots.ts';
import { listSnapshots } from '../../core/repository/repository.ts';
import type { SnapshotWithId } from '../../core/repository/types.ts';
import { EXIT } from '../command-io.ts';
import { filterOf, tellUnreadable } from './open-snapshot.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { countText, printable } from './say.ts';
import { openStandalone } from './standalone-repository.ts';

export async function snapshotsCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const { snapshots: all, damaged } = await listSnapshots(await openStandalone(args));
  const snapshots = filterSnapshots(all, filterOf(args));
  for (const snapshot of snapshots) {
    if (args.isJson) io.out(jsonOf(snapshot));
    else io.out(snapshotLine(snapshot));
  }
  tellUnreadable(args, io, damaged);
  if (!args.isJson) io.out(countText(snapshots.length, 'snapshot'));
  return damaged.length === 0 ? EXIT.done : EXIT.partial;
}

function jsonOf({ id, time, hostname, username, tags, paths, parent, tree, summary }: SnapshotWithId): string {
  const line = { id, time, hostname, username, tags: tags ?? [], paths, parent: parent ?? null, tree };
  const files = summary?.total_files_processed ?? null;
  const bytes = summary?.total_bytes_processed ?? null;
  return JSON.stringify({ type: 'snapshot', ...line, files, bytes });
}

/** Id, time, host, tags and paths, for people. */
export function snapshotLine({ id, time, hostname, tags, paths }: SnapshotWithId): string {
  const when = time.slice(0, 19).replace('T', ' ');
  const words = [hostname ?? '', (tags ?? []).join(','), paths.join(' ')].filter((word) => word !== '');
  return `${id.slice(0, 8)}  ${when}  ${printable(words.join('  '))}`;
}
