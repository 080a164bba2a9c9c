import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import { killGroup, processIdentity, type ProcessRecord } from './process-identity.ts';

/** How to run one long-lived process: a database server or one of the service's own programs. */
export interface ProgramSpec {
  /** As people read it in sentences: "Postgres", "portal". */
  name: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Everything that the program prints is appended here. */
  logPath: string;
  /** Written to the program's standard input, which is then closed; for settings that must not show in a process list. */
  input?: string;
  stopSignal: NodeJS.Signals;
  stopTimeoutMs: number;
  isReady: () => Promise<boolean>;
  readyTimeoutMs: number;
}

export interface RunningProgram {
  spec: ProgramSpec;
  record: ProcessRecord;
  /** Resolves, never rejects, when the process has ended, wanted or not. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Ends it in its own way, with SIGKILL when its time is over. */
  stop(): Promise<void>;
}

/**
 * Starts the program and waits until it is ready. It gets a process group of its own, so that Ctrl-C on the terminal
 * reaches only the starter, which then stops everything in order.
 *
 * `onStarted` is told as soon as there is a process, so that it can be stopped before it is ready. Throws HoldfastError
 * 'service_missing' with the end of the log when it ends or is not ready in time (it is then stopped).
 */
export async function startProgram(
  spec: ProgramSpec,
  onStarted: (program: RunningProgram) => void = () => {},
): Promise<RunningProgram> {
  mkdirSync(path.dirname(spec.logPath), { recursive: true });
  const log = openSync(spec.logPath, 'a', 0o600);
  const logStart = statSync(spec.logPath).size;
  let child: ChildProcess;
  try {
    child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      detached: true,
      stdio: [spec.input === undefined ? 'ignore' : 'pipe', log, log],
      ...(spec.uid === undefined ? {} : { uid: spec.uid }),
      ...(spec.gid === undefined ? {} : { gid: spec.gid }),
    });
  } finally {
    closeSync(log);
  }
  let hasEnded = false;
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      hasEnded = true;
      resolve({ code, signal });
    };
    child.once('exit', end);
    child.once('error', () => end(127, null));
  });
  // A program that dies before it has read its settings closes the pipe; its end is reported below.
  child.stdin?.on('error', () => {});
  child.stdin?.end(spec.input);
  const pid = child.pid ?? -1;
  const record = { name: spec.name, pid, identity: processIdentity(pid) ?? 'gone' };
  const stop = async (): Promise<void> => {
    if (hasEnded) return;
    child.kill(spec.stopSignal);
    const timer = setTimeout(() => killGroup(pid), spec.stopTimeoutMs);
    await ended;
    clearTimeout(timer);
  };
  const program = { spec, record, ended, stop };
  onStarted(program);

  const giveUpMs = performance.now() + spec.readyTimeoutMs;
  while (!(await spec.isReady().catch(() => false))) {
    const isLate = performance.now() > giveUpMs;
    if (hasEnded || isLate) {
      await stop();
      const why = isLate
        ? `was not ready within ${Math.round(spec.readyTimeoutMs / 1000)} s`
        : 'ended while it started';
      throw new HoldfastError(
        'service_missing',
        `${spec.name} ${why}. Its log is ${spec.logPath}, and ends with:\n${logTail(spec.logPath, logStart)}`,
      );
    }
    await Promise.race([new Promise((resolve) => setTimeout(resolve, 40)), ended]);
  }
  if (hasEnded) {
    // Somebody else answers on its port.
    throw new HoldfastError(
      'service_missing',
      `${spec.name} ended while it started. Its log is ${spec.logPath}, and ends with:\n${logTail(spec.logPath, logStart)}`,
    );
  }
  return program;
}

/** The last lines of a log that were written after `fromByte`. */
export function logTail(logPath: string, fromByte = 0, bytesMax = 1500): string {
  try {
    const size = statSync(logPath).size;
    const start = Math.max(fromByte, size - bytesMax);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    const file = openSync(logPath, 'r');
    try {
      readSync(file, buffer, 0, buffer.length, start);
    } finally {
      closeSync(file);
    }
    const text = buffer.toString('utf8');
    return start > fromByte ? text.slice(text.indexOf('\n') + 1) : text;
  } catch {
    return '(the log cannot be read)';
  }
}
