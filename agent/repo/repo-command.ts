/**
 * `holdfast repo init|backup|snapshots|ls|restore|check`: a repository on this machine, without a server.
 *
 * Exit codes are restic's: 0 done, 1 failed (or, for check, errors were found), 2 wrong use, 3 incomplete (some source data
 * could not be read; some stored data could not be restored).
 *
 * With --json every line of the standard output is one object with a `type`:
 *   progress   command, and of backup: phase, filesDone, filesTotal, bytesDone, bytesTotal, bytesAdded; of restore: filesDone,
 *              filesTotal, bytesDone, bytesTotal; of check: phase, done, total, bytesRead. At most one a second.
 *   initialized  repositoryId, path
 *   unread     path, reason, message, bytes: a source entry that is not (wholly) in the snapshot
 *   summary    command, and of backup: snapshotId, parent, outcome (complete|partial), filesSelected, bytesSelected, filesNew,
 *              filesChanged, filesUnmodified, dirsNew, dirsChanged, dirsUnmodified, blobsAdded, bytesAdded, bytesStored,
 *              unread, bytesUnread, seconds; of restore: snapshotId, target, outcome, files, bytes, skipped, damaged,
 *              warnings, seconds; of check: isIntact, snapshots, packs, blobs, bytesRead, findings, seconds
 *   snapshot   id, time, hostname, username, tags, paths, parent, tree, files, bytes
 *   node       path, nodeType, size, mode, mtime, uid, gid, linkTarget
 *   skipped, damaged, warning   path, reason (restore)
 *   finding    severity, kind, message, and what it is about (check)
 *   error      code, message: the last line of a command that failed
 */
import { isHoldfastError, publicMessage } from '../../core/base/errors.ts';
import { type CommandIo, EXIT, UsageError } from '../command-io.ts';
import { parseRepoArguments, type RepoArguments } from './repo-arguments.ts';
import { USAGE } from './usage.ts';

/** What a repository command needs of its surroundings. */
export type RepoIo = Pick<CommandIo, 'out' | 'err' | 'progress' | 'signal'>;

type Command = (args: RepoArguments, io: RepoIo) => Promise<number>;

/** Loaded when asked for: a listing does not wait for the restore's code. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./init-command.ts')).initCommand,
  backup: async () => (await import('./backup-command.ts')).backupCommand,
  snapshots: async () => (await import('./snapshots-command.ts')).snapshotsCommand,
  ls: async () => (await import('./ls-command.ts')).lsCommand,
  restore: async () => (await import('./restore-command.ts')).restoreCommand,
  check: async () => (await import('./check-command.ts')).checkCommand,
};

/** Runs `holdfast repo …argv` and returns the exit code. Nothing is thrown: errors are told through `io`. */
export async function runRepoCommand(argv: readonly string[], io: RepoIo): Promise<number> {
  const isJson = argv.includes('--json');
  const fail = (code: string, message: string): void => {
    if (isJson) io.out(JSON.stringify({ type: 'error', code, message }));
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
      fail('bad_request', `${error.message}${isJson ? '' : '\nSee: holdfast repo --help'}`);
      return EXIT.usage;
    }
    fail(isHoldfastError(error) ? error.code : 'internal', publicMessage(error));
    // An unexpected error is a defect: its trace belongs where a person can send it on from.
    if (!isHoldfastError(error) && !isJson)
      io.err(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return EXIT.failed;
  }
}
