import { hostname, userInfo } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../core/base/clock.ts';
import { backup, type BackupOptions, type BackupResult } from '../../core/repository/backup/backup.ts';
import { BlobIndex } from '../../core/repository/blob-index.ts';
import { listSnapshots, loadSnapshot } from '../../core/repository/repository.ts';
import type { BackupProgress, OpenRepository, SnapshotWithId } from '../../core/repository/types.ts';
import { EXIT } from '../command-io.ts';
import { PROGRAM_VERSION } from '../version.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { lockRepository } from './repository-lock.ts';
import { bytesText, countText, printable, progressTeller, secondsText } from './say.ts';
import { openStandalone } from './standalone-repository.ts';

export async function backupCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const startedMs = systemClock.nowMs();
  const repo = await openStandalone(args);
  const lock = await lockRepository(repo, systemClock);
  try {
    const host = args.host ?? hostname();
    const paths = [...new Set(args.positionals.map((place) => path.resolve(place)))].sort();
    const parent = await findParent(repo, args.parent, host, paths);
    const tell = progressTeller(io, args.isJson, systemClock.nowMs);
    const options: BackupOptions = {
      paths,
      excludes: args.exclude,
      // The repository inside of what it protects would grow with each backup by all that the one before it wrote.
      excludedFolders: [path.resolve(args.repo)],
      oneFileSystem: args.oneFileSystem,
      hostname: host,
      username: userInfo().username,
      tags: args.tag,
      ...(parent === undefined ? {} : { parent }),
      time: new Date(startedMs),
      index: await BlobIndex.load(repo),
      clock: systemClock,
      programVersion: PROGRAM_VERSION,
      signal: AbortSignal.any([io.signal, lock.lost]),
      onProgress: (progress) =>
        tell(
          () => ({ command: 'backup', ...progress }),
          () => progressLine(progress),
        ),
    };
    if (!args.isJson)
      io.out(
        parent === undefined
          ? 'No earlier snapshot of these paths: all files are read.'
          : `Comparing with snapshot ${parent.id.slice(0, 8)}.`,
      );
    const result = await backup(repo, options);
    tellResult(args, io, result, (systemClock.nowMs() - startedMs) / 1000);
    return result.unread.length === 0 ? EXIT.done : EXIT.partial;
  } finally {
    await lock.release();
  }
}

/** @throws HoldfastError not_found for an explicit parent that is not there. */
async function findParent(
  repo: OpenRepository,
  reference: string | undefined,
  host: string,
  paths: readonly string[],
): Promise<SnapshotWithId | undefined> {
  if (reference !== undefined) return await loadSnapshot(repo, reference);
  const wanted = JSON.stringify(paths);
  const { snapshots } = await listSnapshots(repo);
  return snapshots.findLast(
    (snapshot) => snapshot.hostname === host && JSON.stringify([...snapshot.paths].sort()) === wanted,
  );
}

function progressLine({
  phase,
  filesDone,
  filesTotal,
  bytesDone,
  bytesTotal,
  bytesAdded,
  currentPath,
}: BackupProgress): string {
  const share = phase !== 'scan' && bytesTotal > 0 ? `${Math.floor((bytesDone / bytesTotal) * 100)} %, ` : '';
  const done = `${share}${filesDone.toLocaleString('en')} of ${countText(filesTotal, 'file')}, ${bytesText(bytesDone)} of ${bytesText(bytesTotal)}`;
  return `${done}, ${bytesText(bytesAdded)} stored  ${currentPath ?? ''}`;
}

function tellResult(args: RepoArguments, io: RepoIo, result: BackupResult, seconds: number): void {
  const { unread } = result;
  const summary = result.snapshot.summary!; // backup() writes one in every snapshot
  if (args.isJson) {
    for (const item of unread) io.out(JSON.stringify({ type: 'unread', ...item }));
    io.out(
      JSON.stringify({
        type: 'summary',
        command: 'backup',
        snapshotId: result.snapshotId,
        parent: result.snapshot.parent ?? null,
        outcome: unread.length === 0 ? 'complete' : 'partial',
        filesSelected: result.selectedFiles,
        bytesSelected: result.selectedBytes,
        filesNew: summary.files_new,
        filesChanged: summary.files_changed,
        filesUnmodified: summary.files_unmodified,
        dirsNew: summary.dirs_new,
        dirsChanged: summary.dirs_changed,
        dirsUnmodified: summary.dirs_unmodified,
        blobsAdded: result.addedBlobs,
        bytesAdded: result.addedBytes,
        bytesStored: result.storedBytes,
        unread: unread.length,
        bytesUnread: result.unreadBytes,
        seconds,
      }),
    );
    return;
  }
  for (const { path: place, reason, message } of unread)
    io.err(`Not ${reason === 'changed_while_reading' ? 'sure' : 'read'}: ${printable(place)}: ${message}`);
  const { files_new: added, files_changed: changed, files_unmodified: same } = summary;
  io.out(
    `${countText(result.selectedFiles, 'file')}, ${bytesText(result.selectedBytes)} (${added.toLocaleString('en')} new, ${changed.toLocaleString('en')} changed, ${same.toLocaleString('en')} as before)`,
  );
  io.out(
    `Stored ${bytesText(result.storedBytes)} for ${bytesText(result.addedBytes)} of new data in ${secondsText(seconds)}.`,
  );
  const id = result.snapshotId.slice(0, 8);
  io.out(
    unread.length === 0
      ? `Snapshot ${id} made.`
      : `Snapshot ${id} made, but ${countText(unread.length, 'entry', 'entries')} could not be read whole: see above.`,
  );
}
