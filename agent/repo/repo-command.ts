/**
 * `holdfast repo …`: a repository on this machine, without a server. docs/repo-commands.md has each command with its options.
 *
 * Exit codes are restic's: 0 done, 1 failed (or, for check, errors were found), 2 wrong use, 3 incomplete (some source data
 * could not be read; some stored data could not be restored).
 *
 * With --json every line of the standard output is one object with a `type`:
 *   progress   command, and of backup: phase, filesDone, filesTotal, bytesDone, bytesTotal, bytesAdded; of restore: phase,
 *              filesDone, filesTotal, bytesDone, bytesTotal; of check: phase, done, total, bytesRead; of find: snapshotsDone,
 *              snapshotsTotal, listingsRead, matches; of diff: listingsRead, path; of dump: filesDone, bytesDone. At most one a second.
 *   initialized  repositoryId, path
 *   unread     path, reason, message, bytes: a source entry that is not (wholly) in the snapshot
 *   summary    command, and of backup: isDryRun, snapshotId (null in a dry run), parent, outcome (complete|partial), filesSelected, bytesSelected, filesNew,
 *              filesChanged, filesUnmodified, dirsNew, dirsChanged, dirsUnmodified, blobsAdded, bytesAdded, bytesStored,
 *              unread, bytesUnread, seconds; of restore: snapshotId, target, outcome, files, bytes, unchanged,
 *              filesVerified (with --verify), skipped, damaged, warnings, seconds or dryRun; of check: isIntact, snapshots,
 *              packs, blobs, packsRead, bytesRead, findings, seed (of a random part), seconds; of find: matches,
 *              snapshotsWithMatches, snapshots, listingsRead, isWhole; of diff: before, after, changedFiles, changedTypes,
 *              changedMetadata, added, removed (each files, dirs, others, fileBytes, dataBlobs, treeBlobs, bytes), isWhole;
 *              of dump: snapshotId, outcome, files, bytes, damaged, leftOut
 *   snapshot   id, time, hostname, username, tags, paths, parent, tree, files, bytes
 *   node       path, nodeType, size, mode, mtime, uid, gid, user, group, links, inode, linkTarget (ls)
 *   match      snapshotId and what a node has (find)
 *   change     change (added|removed|content|type|metadata), path, nodeType, nodeTypeBefore, bytesBefore, bytesAfter,
 *              metadata (diff)
 *   planned    path, action (write|replace|same|newer|keep), bytes (restore --dry-run)
 *   skipped, damaged, warning   path, reason (restore); damaged also of ls, find (with snapshotId), diff and dump
 *   left_out   path, reason: what an archive cannot hold (dump)
 *   finding    severity, kind, message, and what it is about (check; any command that finds an index or snapshot unreadable)
 *   kept, removable   snapshotId, time, hostname, paths, tags, and of kept: reasons (forget by rules)
 *   forgotten  snapshotId, isDryRun
 *   key        id, isInUse, created, username, hostname
 *   copied     sourceId, targetId, wasThere; failed: sourceId, message (copy)
 *   lost       path, kind, message; repaired: brokenId, repairedId, isRootLost, isForgotten (repair snapshots);
 *              lost: kind (blob), blobId (repair packs)
 *   summary    of forget: forgotten, isDryRun; of prune: isDryRun, usedBlobs, usedBytes, unusedBlobs, unusedBytes,
 *              duplicateBlobs, duplicateBytes, keptPacks, repackedPacks, repackedBytes, removedPacks, removedBytes,
 *              unusedBytesAfter, writtenBytes, seconds; of key: action (added|removed|exchanged), keyId; of copy: copied,
 *              skipped, failed, blobs, bytesStored, seconds; of repair index: isDryRun, isChanged, packs, blobs, packsRead,
 *              findings; of repair snapshots: isDryRun, broken; of repair packs: packsRemoved, blobsSaved, blobsLost; of unlock: removed, left
 *   error      code, message: the last line of a command that failed
 * The standard output of dump is the data: its objects go to the standard error, unless the data goes to --target.
 */
import { isHoldfastError, publicMessage } from '../../core/base/errors.ts';
import { type CommandIo, EXIT, UsageError } from '../command-io.ts';
import { parseRepoArguments, type RepoArguments } from './repo-arguments.ts';
import { clearingProgress } from './say.ts';
import { USAGE } from './usage.ts';

/** What a repository command needs of its surroundings. */
export type RepoIo = Pick<CommandIo, 'out' | 'err' | 'progress' | 'signal'> & {
  readonly env: Pick<CommandIo['env'], 'cachePath'>;
};

type Command = (args: RepoArguments, io: RepoIo) => Promise<number>;

/** Loaded when asked for: a listing does not wait for the restore's code. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./init-command.ts')).initCommand,
  backup: async () => (await import('./backup-command.ts')).backupCommand,
  snapshots: async () => (await import('./snapshots-command.ts')).snapshotsCommand,
  ls: async () => (await import('./ls-command.ts')).lsCommand,
  find: async () => (await import('./find-command.ts')).findCommand,
  diff: async () => (await import('./diff-command.ts')).diffCommand,
  dump: async () => (await import('./dump-command.ts')).dumpCommand,
  restore: async () => (await import('./restore-command.ts')).restoreCommand,
  check: async () => (await import('./check-command.ts')).checkCommand,
  forget: async () => (await import('./forget-command.ts')).forgetCommand,
  prune: async () => (await import('./prune-command.ts')).pruneCommand,
  key: async () => (await import('./key-command.ts')).keyCommand,
  copy: async () => (await import('./copy-command.ts')).copyCommand,
  repair: async () => (await import('./repair-command.ts')).repairCommand,
  unlock: async () => (await import('./unlock-command.ts')).unlockCommand,
};

/** The command whose help says more, with a blank behind it. */
function helpOf(name = ''): string {
  return Object.hasOwn(COMMANDS, name) ? `${name} ` : '';
}

/** Runs `holdfast repo …argv` and returns the exit code. Nothing is thrown: errors are told through `io`. */
export async function runRepoCommand(argv: readonly string[], given: RepoIo): Promise<number> {
  const io = clearingProgress(given);
  const isJson = argv.includes('--json');
  // A dump's standard output is the data: nothing else may come between.
  const isOutputTaken = argv[0] === 'dump' && !argv.some((word) => /^--target(?:=|$)/.test(word));
  const fail = (code: string, message: string): void => {
    const line = JSON.stringify({ type: 'error', code, message });
    if (isJson) (isOutputTaken ? io.err : io.out)(line);
    else io.err(`holdfast: ${message}`);
  };
  try {
    const [name, ...rest] = argv;
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
      io.out(USAGE['repo']!);
      return name === undefined ? EXIT.usage : EXIT.done;
    }
    const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (load === undefined) throw new UsageError(`There is no command "repo ${name}".`);
    if (rest.includes('--help') || rest.includes('-h')) {
      io.out(USAGE[name] ?? USAGE['repo']!);
      return EXIT.done;
    }
    const args = parseRepoArguments(name, rest);
    return await (await load())(args, io);
  } catch (error) {
    if (error instanceof UsageError) {
      fail('bad_request', `${error.message}${isJson ? '' : `\nSee: holdfast repo ${helpOf(argv[0])}--help`}`);
      return EXIT.usage;
    }
    fail(isHoldfastError(error) ? error.code : 'internal', publicMessage(error));
    // An unexpected error is a defect: its trace belongs where a person can send it on from.
    if (!isHoldfastError(error) && !isJson)
      io.err(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return EXIT.failed;
  }
}
