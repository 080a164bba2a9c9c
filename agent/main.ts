/** The command line. Each command is loaded when it is called, so that `holdfast repo ls` does not wait for the daemon's code. */
import { isHoldfastError, publicMessage } from '../core/base/errors.ts';
import { type CommandIo, EXIT, UsageError } from './command-io.ts';
import { loadAgentEnv } from './env.ts';

const HELP = `holdfast: backs up this machine, and works with restic repositories

  holdfast enroll --server URL --token TOKEN   make this machine a device of the service
  holdfast run                                 the service: backups by policy, restores on command
  holdfast backup                              one backup now
  holdfast restore SNAPSHOT|latest --target DIR [--include PATH …] [--grant ID]
  holdfast restore-database SNAPSHOT|latest --path /postgres/… --into DATABASE
  holdfast snapshots [--json]                  this machine's restore points
  holdfast status [--json]                     what this machine knows of itself
  holdfast exit-drill --kit FILE --vault PLACE restores with the recovery kit and stock restic alone, and compares
  holdfast verify-evidence FILE…               checks evidence of restore tests, offline
  holdfast repo …                              repository commands without a server; see holdfast repo --help
  holdfast --version

Every command explains itself with --help and takes --state DIR (default: HOLDFAST_AGENT_STATE, else /var/lib/holdfast for
root and ~/.local/state/holdfast for others). Exit codes: 0 done, 1 failed, 2 wrong use, 3 some data could not be read.`;

type Command = (args: readonly string[], io: CommandIo) => Promise<number>;

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  enroll: async () => (await import('./commands/enroll-command.ts')).enrollCommand,
  run: async () => (await import('./commands/run-command.ts')).runCommand,
  backup: async () => (await import('./commands/backup-command.ts')).backupCommand,
  'restore-database': async () => (await import('./commands/restore-database-command.ts')).restoreDatabaseCommand,
  restore: async () => (await import('./commands/restore-command.ts')).restoreCommand,
  snapshots: async () => (await import('./commands/snapshots-command.ts')).snapshotsCommand,
  status: async () => (await import('./commands/status-command.ts')).statusCommand,
  'exit-drill': async () => (await import('./commands/exit-drill-command.ts')).exitDrillCommand,
  'verify-evidence': async () => (await import('./commands/verify-evidence-command.ts')).verifyEvidenceCommand,
  repo: async () => (await import('./repo/repo-command.ts')).runRepoCommand,
};

function terminalProgress(): ((line: string) => void) | undefined {
  if (!process.stderr.isTTY) return undefined;
  return (line) => process.stderr.write(`\r\u001B[2K${line}`);
}

async function readInput(): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}

/** Commands whose words are all that they are for; nothing else changes by them. */
const TELLING = ['snapshots', 'status', 'repo snapshots', 'repo ls', 'repo find', 'repo diff'];

/**
 * A reader that leaves (`| head`) is no failure. Whatever changes something goes on to its end, for a prune that is cut off by a
 * pager would be half a prune; what only tells has nobody left to tell. Any other trouble with the output, a full disk for
 * one, fails the command when its work is done.
 */
function outliveReaders(argv: readonly string[]): void {
  const isTelling = TELLING.some((command) => command === argv.slice(0, command.split(' ').length).join(' '));
  const listen = (stream: NodeJS.WriteStream, isWanted: boolean): void =>
    void stream.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE' && isTelling && isWanted) process.exit(EXIT.done);
      if (code === 'EPIPE' || hasLostOutput) return;
      hasLostOutput = true;
      if (isWanted) process.stderr.write(`holdfast: The output could not be written (${code ?? 'unknown error'}).\n`);
    });
  listen(process.stdout, true);
  listen(process.stderr, false);
  process.once('exit', (status) => {
    if (hasLostOutput && status === EXIT.done) process.exitCode = EXIT.failed;
  });
}

let hasLostOutput = false;

function createIo(): CommandIo {
  const stop = new AbortController();
  // Once: a second Ctrl-C ends the process at once, as people expect.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return {
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
    progress: terminalProgress(),
    signal: stop.signal,
    readInput,
    env: loadAgentEnv(),
  };
}

async function main(argv: readonly string[]): Promise<number> {
  const [name = '--help', ...args] = argv;
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) return await withoutCommand(name);
  const io = createIo();
  try {
    return await (await load())(args, io);
  } catch (error) {
    if (isUsageError(error)) {
      io.err(`holdfast ${name}: ${error.message}\nSee holdfast ${name} --help.`);
      return EXIT.usage;
    }
    io.err(`holdfast ${name}: ${publicMessage(error)}`);
    // What is unexpected is a defect: whoever reports it needs the trace.
    if (!isHoldfastError(error)) io.err(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return EXIT.failed;
  }
}

async function withoutCommand(name: string): Promise<number> {
  if (name === '--version') {
    const { AGENT_BUILD, AGENT_VERSION } = await import('./version.ts');
    process.stdout.write(`holdfast ${AGENT_VERSION} (${AGENT_BUILD})\n`);
    return EXIT.done;
  }
  const isHelp = name === '--help' || name === '-h' || name === 'help';
  const unknown = isHelp ? '' : `There is no command "${name}".\n\n`;
  (isHelp ? process.stdout : process.stderr).write(`${unknown}${HELP}\n`);
  return isHelp ? EXIT.done : EXIT.usage;
}

/** Our own, and what node:util says about unknown options. */
function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

outliveReaders(process.argv.slice(2));
process.exitCode = await main(process.argv.slice(2));
