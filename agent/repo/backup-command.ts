import { mkdir } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { systemClock } from '../../core/base/clock.ts';
import { ReadAhead } from '../../core/filesystem/read-ahead.ts';
import { SourceScan } from '../../core/filesystem/scan.ts';
import { silentLog } from '../../core/base/log.ts';
import { backup, type BackupOptions, type BackupResult } from '../../core/repository/backup/backup.ts';
import type { StreamSource } from '../../core/repository/backup/stream-source.ts';
import { listSnapshots, loadSnapshot } from '../../core/repository/repository.ts';
import type { BackupProgress, OpenRepository, SnapshotWithId } from '../../core/repository/types.ts';
import type { ObjectStore, ReadCreateStore } from '../../core/storage/port.ts';
import { EXIT, UsageError } from '../command-io.ts';
import { environmentVariable } from '../env.ts';
import { machineZone } from '../machine-zone.ts';
import { PROGRAM_VERSION } from '../version.ts';
import { backupSources } from './backup-sources.ts';
import { type ExcludeOptions, excludeOptions } from './exclude-options.ts';
import { count, type OptionValues, text } from './option-values.ts';
import { pacedStore } from './paced-store.ts';
import type { RepoArguments } from './repo-arguments.ts';
import type { RepoIo } from './repo-command.ts';
import { adoptPacks } from './adopt-packs.ts';
import { isLocalFolder } from './local-folder.ts';
import { RepositoryCache } from './repository-cache.ts';
import { bytesText, countText, numberText, printable, progressTeller, secondsText } from './say.ts';
import { openStandalone } from './standalone-repository.ts';
import { whileLocked } from './while-locked.ts';

/** More threads only take memory from one another. */
const READ_CONCURRENCY_MAX = 16;

export async function backupCommand(args: RepoArguments, io: RepoIo): Promise<number> {
  const startedMs = systemClock.nowMs();
  const { values } = args;
  const { paths, streams } = await backupSources(args, process.stdin);
  const source: Source = {
    paths,
    ...(await excludeOptions(values, environmentVariable)),
    // The repository inside of what it protects would grow with each backup by all that the one before it wrote, and the
    // cache would change whatever it lies in.
    excludedFolders: [path.resolve(args.repo), io.env.cachePath],
    oneFileSystem: args.oneFileSystem,
  };
  const pace: Pace = { up: rateOption(values, 'limit-upload'), down: rateOption(values, 'limit-download') };
  const time = timeOption(values) ?? new Date(startedMs);
  // Made later, it would change the folder that it lies in behind the back of the scan.
  await mkdir(io.env.cachePath, { recursive: true, mode: 0o700 }).catch(() => undefined);
  // Making a key of the password takes another thread half a second: the folders are looked at in the meantime.
  const opening = openStandalone(args);
  opening.catch(() => undefined); // it is awaited below, unless the source is refused before
  // As restic: what is not there is told, and the others are backed up; of nothing at all there is no snapshot.
  const scan =
    paths.length === 0 ? undefined : new ReadAhead(new SourceScan({ ...source, roots: paths, mayLackRoots: true }));
  const found = { ...source, paths: scan?.scan.roots ?? [] };
  const terms = { source: found, streams, pace, time, startedMs };
  const looking = scan?.run();
  try {
    const repo = await opening;
    // Two that lock a local folder at once see one another at once.
    const settleMs = (await isLocalFolder(args.repo)) ? 0 : undefined;
    return await whileLocked(
      repo,
      io,
      'shared',
      async (signal, ownLock) => await backUp(args, io, { ...terms, repo, scan, signal, ownLock }),
      settleMs,
    );
  } finally {
    scan?.end();
    await looking;
  }
}

interface Source extends ExcludeOptions {
  /** Absolute, each once, in ascending order. */
  readonly paths: readonly string[];
  readonly excludedFolders: readonly string[];
  readonly oneFileSystem: boolean;
}

/** Bytes per second; undefined: as fast as it goes. */
interface Pace {
  readonly up: number | undefined;
  readonly down: number | undefined;
}

interface Begun {
  readonly repo: OpenRepository & { readonly store: ObjectStore };
  readonly source: Source;
  readonly streams: readonly StreamSource[];
  readonly scan: ReadAhead | undefined;
  readonly pace: Pace;
  readonly time: Date;
  readonly startedMs: number;
  /** Fires on Ctrl-C, and when the lock is lost. */
  readonly signal: AbortSignal;
  /** Key of the lock that this backup holds. */
  readonly ownLock: string;
}

async function backUp(args: RepoArguments, io: RepoIo, begun: Begun): Promise<number> {
  const { repo, source, streams, scan, time, startedMs, signal, ownLock } = begun;
  const { values } = args;
  const isDryRun = values['dry-run'] === true;
  const readConcurrency = count(values, 'read-concurrency');
  const host = args.host ?? hostname();
  const all = [...source.paths, ...streams.map((stream) => stream.path)].sort();
  const cache = new RepositoryCache(io.env.cachePath, repo);
  const [parent, index] = await Promise.all([
    values['force'] === true ? undefined : findParent(repo, args.parent, host, all),
    cache.index.load(),
  ]);
  const adopted = isDryRun ? 0 : await adoptPacks(repo, index, ownLock, silentLog);
  if (adopted > 0 && !args.isJson)
    io.out(`An earlier backup was interrupted: ${countText(adopted, 'pack')} that it stored are used again.`);
  const tell = progressTeller(io, args.isJson, systemClock.nowMs);
  const options: BackupOptions = {
    ...source,
    streams,
    ...(scan === undefined ? {} : { scan }),
    // What a dry run knows is in no repository.
    ...(isDryRun ? {} : { statePath: cache.foldersPath(host, source.paths) }),
    hostname: host,
    username: userInfo().username,
    tags: args.tag.flatMap((list) => list.split(',')).filter((tag) => tag !== ''),
    ...(parent === undefined ? {} : { parent }),
    time,
    zone: machineZone(),
    index,
    clock: systemClock,
    programVersion: PROGRAM_VERSION,
    readConcurrency: readConcurrency === undefined ? undefined : Math.min(readConcurrency, READ_CONCURRENCY_MAX),
    signal,
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
  const result = await backup({ ...repo, store: storeFor(begun, isDryRun) }, options);
  // The index files of adopted packs are read with the next load.
  if (!isDryRun && adopted === 0) await cache.index.save(index, indexKeysOf(result));
  tellResult(args, io, result, (systemClock.nowMs() - startedMs) / 1000);
  return result.unread.length === 0 ? EXIT.done : EXIT.partial;
}

function indexKeysOf({ added }: BackupResult): string[] {
  return added.filter(({ kind }) => kind === 'index').map(({ key }) => key);
}

function storeFor({ repo, pace, signal }: Begun, isDryRun: boolean): ReadCreateStore {
  if (isDryRun) return discardingStore(repo.store);
  if (pace.up === undefined && pace.down === undefined) return repo.store;
  return pacedStore(repo.store, {
    upBytesPerSecond: pace.up,
    downBytesPerSecond: pace.down,
    clock: systemClock,
    sleep: async (ms) => await setTimeout(ms, undefined, { signal }),
  });
}

/** restic's form, in the time of this machine, or RFC 3339. @throws UsageError. */
function timeOption(values: OptionValues): Date | undefined {
  const value = text(values, 'time');
  if (value === undefined) return undefined;
  const isKnown = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?$/.test(value);
  const time = new Date(value.replace(' ', 'T'));
  if (!isKnown || Number.isNaN(time.getTime())) throw new UsageError('--time is a time such as "2026-01-31 22:00:00".');
  return time;
}

/** KiB per second, as bytes. @throws UsageError. */
function rateOption(values: OptionValues, name: string): number | undefined {
  const rate = count(values, name);
  return rate === undefined ? undefined : rate * 1024;
}

/** What is new is counted and goes nowhere. */
function discardingStore(store: ReadCreateStore): ReadCreateStore {
  return {
    head: (key) => store.head(key),
    get: (key, range) => store.get(key, range),
    stream: (key) => store.stream(key),
    list: (prefix) => store.list(prefix),
    create: async () => 'created',
  };
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
    (snapshot) => snapshot.hostname === host && JSON.stringify(snapshot.paths.toSorted()) === wanted,
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
  const done = `${share}${numberText(filesDone)} of ${countText(filesTotal, 'file')}, ${bytesText(bytesDone)} of ${bytesText(bytesTotal)}`;
  return `${done}, ${bytesText(bytesAdded)} stored  ${currentPath ?? ''}`;
}

function tellResult(args: RepoArguments, io: RepoIo, result: BackupResult, seconds: number): void {
  const { unread, warnings } = result;
  const isDryRun = args.values['dry-run'] === true;
  const summary = result.snapshot.summary!; // backup() writes one in every snapshot
  if (args.isJson) {
    for (const item of unread) io.out(JSON.stringify({ type: 'unread', ...item }));
    for (const warning of warnings) io.out(JSON.stringify({ type: 'warning', ...warning }));
    io.out(
      JSON.stringify({
        type: 'summary',
        command: 'backup',
        isDryRun,
        snapshotId: isDryRun ? null : result.snapshotId,
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
        warnings: warnings.length,
        seconds,
      }),
    );
    return;
  }
  for (const { path: place, reason, message } of unread)
    io.err(`Not ${reason === 'changed_while_reading' ? 'sure' : 'read'}: ${printable(place)}: ${message}`);
  for (const { path: place, reason } of warnings) io.err(`Note: ${printable(place)}: ${reason}`);
  const { files_new: added, files_changed: changed, files_unmodified: same } = summary;
  io.out(
    `${countText(result.selectedFiles, 'file')}, ${bytesText(result.selectedBytes)} (${numberText(added)} new, ${numberText(changed)} changed, ${numberText(same)} as before)`,
  );
  io.out(
    `${isDryRun ? 'Would store' : 'Stored'} ${bytesText(result.storedBytes)} for ${bytesText(result.addedBytes)} of new data in ${secondsText(seconds)}.`,
  );
  if (isDryRun) return io.out('A dry run: no snapshot was made, and nothing was stored.');
  const id = result.snapshotId.slice(0, 8);
  io.out(
    unread.length === 0
      ? `Snapshot ${id} made.`
      : `Snapshot ${id} made, but ${countText(unread.length, 'entry', 'entries')} could not be read whole: see above.`,
  );
}
