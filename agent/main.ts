/** The command line. Each command is loaded when it is called, so that `holdfast repo ls` does not wait for the daemon's code. */
import { isHoldfastError, publicMessage } from '../core/base/errors.ts';
import { type CommandIo, EXIT, UsageError } from './command-io.ts';
import { loadAgentEnv } from './env.ts';

const HELP = `holdfast: backs up this machine, and works with restic repositories

  holdfast enroll --server URL --token TOKEN   make this machine a device of the service
  holdfast run                                 the service: backups by policy, restores on command
  holdfast backup                              one backup now
  holdfast restore SNAPSHOT|latest --target DIR [--include PATH …] [--grant ID]
  holdfast snapshots [--json]                  this machine's restore points
  holdfast status [--json]                     what this machine knows of itself
  holdfast repo …                              repository commands without a server; see holdfast repo --help
  holdfast --version

Every command explains itself with --help and takes --state DIR (default: HOLDFAST_AGENT_STATE, else /var/lib/holdfast for
root and ~/.local/state/holdfast for others). Exit codes: 0 done, 1 failed, 2 wrong use, 3 some data could not be read.`;

type Command = (args: readonly string[], io: CommandIo) => Promise<number>;

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  enroll: async () => (await import('./commands/enroll-command.ts')).enrollCommand,
  run: async () => (await import('./commands/run-command.ts')).runCommand,
  backup: async () => (await import('./commands/backup-command.ts')).backupCommand,
  restore: async () => (await import('./commands/restore-command.ts')).restoreCommand,
  snapshots: async () => (await import('./commands/snapshots-command.ts')).snapshotsCommand,
  status: async () => (await import('./commands/status-command.ts')).statusCommand,
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
    const { AGENT_VERSION } = await import('./version.ts');
    process.stdout.write(`holdfast ${AGENT_VERSION}\n`);
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

process.exitCode = await main(process.argv.slice(2));
