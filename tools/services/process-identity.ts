import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Names one run of one process, so that a process id which the system has given to somebody else since is never mistaken
 * for ours: the boot and the moment of its start. Undefined when no such process runs (a zombie does not run).
 */
export function processIdentity(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (process.platform !== 'linux') return identityFromPs(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name is in parentheses and may hold spaces and parentheses: count fields from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

function identityFromPs(pid: number): string | undefined {
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return started === '' ? undefined : started;
  } catch {
    return undefined;
  }
}

/** The command line of a running process, for telling a database server from a stranger; '' when it cannot be read. */
export function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

export interface ProcessRecord {
  name: string;
  pid: number;
  identity: string;
}

export function isSameProcess(record: ProcessRecord): boolean {
  return processIdentity(record.pid) === record.identity;
}

/** Ends a program and whatever it started; every program that `startProgram` runs leads a process group of its own. */
export function killGroup(pid: number): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // gone already, or never a leader
    }
  }
}

/** Signals a process and waits until it is gone, with SIGKILL after `patienceMs`. Gone already is success. */
export async function endProcess(record: ProcessRecord, signal: NodeJS.Signals, patienceMs: number): Promise<void> {
  try {
    if (isSameProcess(record)) process.kill(record.pid, signal);
  } catch {
    // it ended between the look and the signal
  }
  const killAtMs = performance.now() + patienceMs;
  while (isSameProcess(record)) {
    if (performance.now() > killAtMs) killGroup(record.pid);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
