import { listSnapshots } from '../../core/repository/repository.ts';
import { EXIT } from '../command-io.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { countText, printable } from './say.ts';
import { openStandalone } from './standalone-repository.ts';

export async function snapshotsCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const { snapshots, damaged } = await listSnapshots(await openStandalone(args));
  for (const { id, time, hostname, username, tags, paths, parent, tree, summary } of snapshots) {
    if (args.isJson) {
      const files = summary?.total_files_processed ?? null;
      const bytes = summary?.total_bytes_processed ?? null;
      const line = {
        id,
        time,
        hostname,
        username,
        tags: tags ?? [],
        paths,
        parent: parent ?? null,
        tree,
        files,
        bytes,
      };
      io.out(JSON.stringify({ type: 'snapshot', ...line }));
    } else {
      const when = time.slice(0, 19).replace('T', ' ');
      const words = [hostname ?? '', (tags ?? []).join(','), paths.join(' ')].filter((word) => word !== '');
      io.out(`${id.slice(0, 8)}  ${when}  ${printable(words.join('  '))}`);
    }
  }
  for (const { id, message } of damaged) {
    if (args.isJson)
      io.out(JSON.stringify({ type: 'finding', severity: 'error', kind: 'snapshot_unreadable', id, message }));
    else io.err(`Snapshot ${id.slice(0, 8)} cannot be read: ${message}`);
  }
  if (!args.isJson) io.out(countText(snapshots.length, 'snapshot'));
  return damaged.length === 0 ? EXIT.done : EXIT.partial;
}
