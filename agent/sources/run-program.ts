/**
 * A program of this machine, run for a source: without a shell, in a process group of its own, with an environment that
 * holds nothing but what it was given. Its end is looked at: exit code, signal, time limit.
 */
import { childEnvironment } from '../../core/base/child-environment.ts';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { HoldfastError } from '../../core/base/errors.ts';
import type { SystemUser } from './system-user.ts';

export interface ProgramCall {
  /** Absolute path. */
  readonly program: string;
  readonly args: readonly string[];
  /** All of its environment, besides PATH and the language. */
  readonly env?: Readonly<Record<string, string>>;
  /** The PATH that it is given. */
  readonly searchPath: string;
  /** Another user of the machine; only root may name one. */
  readonly user?: SystemUser | undefined;
  readonly timeLimitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** A hook may start a service that goes on; then only its own end counts. */
  readonly mayLeaveRunning?: boolean;
  /** How errors call it, such as "pg_dump of the database shop". */
  readonly title: string;
}

export interface RunningProgram {
  /** What it writes; read it to the end, or call `stop`. */
  readonly output: AsyncIterable<Uint8Array>;
  /** What it reads; end it. Errors of a program that ends early show in `done`. */
  readonly input: Writable;
  /** Resolves when it ended by itself with exit code 0. @throws HoldfastError source_unreadable, service_missing, cancelled. */
  readonly done: Promise<void>;
  /** Ends it and everything that it started. */
  stop(): void;
}

const STDERR_TAIL_BYTES = 4096;
const STDERR_SHOWN_CHARS = 600;
/** Between the polite end and the certain one. */
const KILL_AFTER_MS = 3_000;
/** A program that is gone while one that it started still holds its output. */
const LINGER_MS = 5_000;
/** For what a hook said last; then its pipes are let go, whoever else holds them. */
const LAST_WORDS_MS = 200;

/** Never throws: what goes wrong shows in `done`. */
export function startProgram(call: ProgramCall): RunningProgram {
  const child = spawn(call.program, [...call.args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Frameworks widen the type with names that a program of the machine need not have.
    env: childEnvironment({ PATH: call.searchPath, LC_ALL: 'C', ...call.env }),
    cwd: '/',
    // Its own group, so that what it started ends with it.
    detached: true,
    ...(call.user === undefined ? {} : { uid: call.user.uid, gid: call.user.gid }),
  });
  const tail = new TextTail();
  child.stderr.on('data', (piece: Buffer) => tail.add(piece));
  // A program that closes its input early is no failure by itself; how it ends decides.
  child.stdin.on('error', () => undefined);
  child.stdout.on('error', () => undefined);
  const stop = (): void => endGroup(child);
  const done = ending(child, call, tail);
  done.catch(() => undefined); // it is looked at by whoever reads the output
  return { output: outputOf(child, stop), input: child.stdin, done, stop };
}

/** Runs it to its end and returns what it wrote. @throws HoldfastError as `done` does, and when it writes more than that. */
export async function runProgram(call: ProgramCall, input = '', outputCharsMax = 1024 * 1024): Promise<string> {
  const running = startProgram(call);
  running.input.end(input);
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of running.output) {
    bytes += piece.length;
    if (bytes > outputCharsMax) {
      running.stop();
      throw new HoldfastError('source_unreadable', `${call.title} answered far more than was asked for.`);
    }
    pieces.push(Buffer.from(piece));
  }
  await running.done;
  return Buffer.concat(pieces).toString('utf8');
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

async function* outputOf(child: Child, stop: () => void): AsyncGenerator<Uint8Array> {
  let isWhole = false;
  try {
    // Kept open when reading stops: a program that meets a broken pipe first would say that of itself, not that it was ended.
    for await (const piece of child.stdout.iterator({ destroyOnReturn: false })) yield piece as Uint8Array; // no encoding: bytes
    isWhole = true;
  } catch {
    // A pipe that breaks with its program: the end of the program says why.
    isWhole = true;
  } finally {
    // Whoever stops reading does not want the rest made either.
    if (!isWhole) {
      stop();
      child.stdout.destroy();
    }
  }
}

function ending(child: Child, call: ProgramCall, tail: TextTail): Promise<void> {
  const { title, signal, timeLimitMs } = call;
  return new Promise((resolve, reject) => {
    let reason: HoldfastError | undefined;
    const stopFor = (error: HoldfastError): void => {
      reason ??= error;
      endGroup(child);
    };
    const minutes = Math.round(timeLimitMs / 60_000);
    const limit = minutes >= 1 ? `${minutes} minute${minutes === 1 ? '' : 's'}` : `${timeLimitMs} ms`;
    const timer = setTimeout(
      () => stopFor(failure(`${title} was not done within its time limit of ${limit} and was stopped.`)),
      timeLimitMs,
    );
    const onAbort = (): void =>
      stopFor(
        new HoldfastError('cancelled', `${title} was stopped before it was done. Earlier backups are untouched.`),
      );
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    let linger: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(timer);
      clearTimeout(linger);
      signal?.removeEventListener('abort', onAbort);
    };
    child.once('error', (error) => {
      finish();
      const text = `${title} could not be started: ${error.message}.`;
      reject(new HoldfastError('service_missing', text, { cause: error }));
    });
    // What was left running behind a program that is gone must not hold the backup for hours.
    child.once('exit', () => {
      if (call.mayLeaveRunning === true) {
        linger = setTimeout(() => [child.stdout, child.stderr].forEach((pipe) => pipe.destroy()), LAST_WORDS_MS);
        return;
      }
      linger = setTimeout(
        () => stopFor(failure(`${title} ended, but left a program behind that still held its output.`)),
        LINGER_MS,
      );
    });
    child.once('close', (code, killedBy) => {
      finish();
      if (reason !== undefined) reject(reason);
      else if (code === 0) resolve();
      else reject(failure(endText(title, code, killedBy, tail.text)));
    });
  });
}

function endText(title: string, code: number | null, killedBy: string | null, said: string): string {
  const how = code === null ? `was ended by ${killedBy ?? 'a signal'}` : `failed with exit code ${code}`;
  const words = said.trim().slice(-STDERR_SHOWN_CHARS);
  return `${title} ${how}${words === '' ? '.' : `: ${words}`}`;
}

function failure(text: string): HoldfastError {
  return new HoldfastError('source_unreadable', text);
}

/** The whole group: first politely, then for certain. */
function endGroup(child: Child): void {
  const { pid } = child;
  if (pid === undefined) return;
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const send = (signal: 'SIGTERM' | 'SIGKILL'): void => {
    try {
      process.kill(-pid, signal);
    } catch {
      // Nobody of the group is left.
    }
  };
  if (isOver()) send('SIGKILL');
  else {
    send('SIGTERM');
    const timer = setTimeout(() => send('SIGKILL'), KILL_AFTER_MS);
    child.once('close', () => clearTimeout(timer));
  }
  child.stdout.destroy();
}

/** The end of what a program said about itself, bounded. */
class TextTail {
  #bytes: Buffer = Buffer.alloc(0);

  add(piece: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, piece]).subarray(-STDERR_TAIL_BYTES);
  }

  /** Control characters would let a program write over the terminal of whoever reads the log. */
  get text(): string {
    // oxlint-disable-next-line no-control-regex
    return this.#bytes.toString('utf8').replaceAll(/[\u0000-\u001f\u007f]+/g, ' ');
  }
}
