/** Measures whole programs, start to exit, as somebody who waits for them would. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Measurement {
  readonly wallSeconds: number;
  /** Of the program and everything that it started: user and system time. */
  readonly cpuSeconds: number;
  /** Most memory that the program held at once. */
  readonly peakBytes: number;
}

/** Where the shell writes its figures, apart from what the program says. */
const FIGURES = 3;
/** The kernel keeps the peak itself: only what rises in the last moment is not seen. */
const LOOK_EVERY_MS = 10;

/**
 * Runs a program under the shell's own `time`. What earlier ones wrote is on the disk first, so that nobody pays for
 * the one before. Throws with what the program said when it fails.
 */
export async function measure(command: readonly string[], env: Readonly<Record<string, string>>): Promise<Measurement> {
  spawnSync('sync');
  const script = `TIMEFORMAT='%3R %3U %3S'; { time "$@" 1>&4 2>&5; } 4>&1 5>&2 2>&${FIGURES}`;
  const shell = spawn('bash', ['-c', script, 'bash', ...command], {
    env: { ...process.env, LC_ALL: 'C', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const [said, complained, figures] = [1, 2, FIGURES].map((fd) => collect(shell.stdio[fd] as Readable));
  const ended = new Promise<number | null>((resolve) => shell.once('close', (code) => resolve(code)));
  let peakBytes = 0;
  let isRunning = true;
  void ended.then(() => (isRunning = false));
  while (isRunning) {
    peakBytes = Math.max(peakBytes, peakOfChild(shell.pid!));
    await sleep(LOOK_EVERY_MS);
  }
  const code = await ended;
  if (code !== 0) throw new Error(`"${command.join(' ')}" ended with ${code}:\n${await complained}${await said}`);
  const [wallSeconds = Number.NaN, user = Number.NaN, system = Number.NaN] = (await figures)!
    .trim()
    .split(' ')
    .map(Number);
  return { wallSeconds, cpuSeconds: user + system, peakBytes };
}

async function collect(stream: Readable): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

/** The kernel's high-water mark of the shell's one child; 0 when it is not there (any more). */
function peakOfChild(shellPid: number): number {
  try {
    const [child] = readFileSync(`/proc/${shellPid}/task/${shellPid}/children`, 'utf8').trim().split(' ');
    if (child === undefined || child === '') return 0;
    const mark = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child}/status`, 'utf8'));
    return Number(mark?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** The middle one; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]!;
}

/**
 * Seconds of processor time of these programs and of all that they started; the kernel counts in hundredths. On a machine that does
 * other things this is the figure to read: what somebody waits for then says more about the others.
 */
export function cpuSeconds(pids: readonly number[]): number {
  const ofTree = (pid: number): number => {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
      return (
        own / 100 + (children === '' ? [] : children.split(' ')).reduce((sum, one) => sum + ofTree(Number(one)), 0)
      );
    } catch {
      return 0; // it has ended; whoever started it has its time
    }
  };
  return pids.reduce((sum, pid) => sum + ofTree(pid), 0);
}
