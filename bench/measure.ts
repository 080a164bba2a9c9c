/** Measures whole programs, start to exit, as somebody who waits for them would. */
import { spawnSync } from 'node:child_process';

export interface Measurement {
  readonly wallSeconds: number;
  /** Of the program and everything that it started: user and system time. */
  readonly cpuSeconds: number;
}

/** Where the shell writes its figures, apart from what the program says. */
const FIGURES = 3;

/**
 * Runs a program under the shell's own `time`. What earlier ones wrote is on the disk first, so that nobody pays for
 * the one before. Throws with what the program said when it fails.
 */
export function measure(command: readonly string[], env: Readonly<Record<string, string>>): Measurement {
  spawnSync('sync');
  const script = `TIMEFORMAT='%3R %3U %3S'; { time "$@" 1>&4 2>&5; } 4>&1 5>&2 2>&${FIGURES}`;
  const run = spawnSync('bash', ['-c', script, 'bash', ...command], {
    env: { ...process.env, LC_ALL: 'C', ...env },
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  if (run.status !== 0)
    throw new Error(`"${command.join(' ')}" ended with ${run.status ?? run.signal}:\n${run.stderr}${run.stdout}`);
  const figures = String(run.output[FIGURES]).trim().split(' ').map(Number);
  const [wallSeconds = Number.NaN, user = Number.NaN, system = Number.NaN] = figures;
  return { wallSeconds, cpuSeconds: user + system };
}

/** The middle one; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]!;
}
